"""The connectors of Tryton, Redmine and Request Tracker pass the kit's checks on the real systems, and it is kept when and
on which. `CONFORMANCE_WRITE=1` keeps the reports."""

from datetime import UTC, datetime
from typing import Any

from django.test import override_settings

from apps.accounts.models import Customer
from apps.connectors.manifest import manifest_for
from conformance.joining import Join
from conformance.running import run
from conformance.storing import InSchema
from tests.kept_scores import is_no_worse, keep_if_asked, keeps_its_grade, only, told
from tests.real.kit.joins import redmine_join, rt_join, tryton_join
from tests.real.kit.passing import MakeSide, passing
from tests.real.kit.sides import redmine_side, rt_side, tryton_side


def driven(slug: str, system: Any, join: Join, side: MakeSide, customer: Customer, against: str) -> None:
    manifest = manifest_for(slug)
    with override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]):
        report = run(
            manifest, join, today=datetime.now(UTC).date(), storing=InSchema(customer), only=only(), against=against,
            make=passing(slug, system.base_url, side),
        )  # fmt: skip
    print(told(report))
    if not only():
        keep_if_asked(report)
    keeps_its_grade(report)
    if not only():
        is_no_worse(report, "CONFORMANCE_WRITE=1 bin/test --real tests/real/kit")


def test_redmine(redmine: Any, committed: Customer) -> None:
    redmine.reset()
    driven("redmine", redmine, redmine_join(redmine), redmine_side(redmine), committed, "real Redmine 5.0")


def test_request_tracker(rt: Any, committed: Customer) -> None:
    rt.reset()
    driven("request_tracker", rt, rt_join(rt), rt_side(rt), committed, "real Request Tracker 5.0")


def test_tryton(tryton: Any, committed: Customer) -> None:
    tryton.reset()
    driven("tryton", tryton, tryton_join(tryton), tryton_side(tryton), committed, "real Tryton 8.2")
