"""The connectors of Tryton, Redmine and Request Tracker pass the kit's checks on the real systems, and it is kept when and
on which. `CONFORMANCE_WRITE=1` keeps the reports."""

import os
from datetime import UTC, datetime
from typing import Any

from django.test import override_settings

from apps.accounts.models import Customer
from apps.connectors.manifest import manifest_for
from apps.connectors.scores import score_of
from conformance import pages
from conformance.grades import least_for
from conformance.joining import Join
from conformance.result import Report
from conformance.running import run, write
from conformance.storing import InSchema
from tests.real.kit.joins import redmine_join, rt_join, tryton_join
from tests.real.kit.passing import MakeSide, passing
from tests.real.kit.sides import redmine_side, rt_side, tryton_side


def driven(slug: str, system: Any, join: Join, side: MakeSide, customer: Customer, against: str) -> None:
    manifest = manifest_for(slug)
    only = os.environ.get("CONFORMANCE_ONLY", "").split()
    with override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]):
        report = run(
            manifest, join, today=datetime.now(UTC).date(), storing=InSchema(customer), only=only, against=against,
            make=passing(slug, system.base_url, side),
        )  # fmt: skip
    if os.environ.get("CONFORMANCE_WRITE") and not only:
        write(report)
        pages.write()
    told = "\n".join(f"{result.verdict} {result.check}: {result.sentence}" for result in report.results)
    print(told)
    assert report.score >= least_for(manifest.connector.quality), told
    if not only:
        _no_worse(slug, report, told)


def _no_worse(slug: str, report: Report, told: str) -> None:
    kept = score_of(slug)
    assert kept is not None, "CONFORMANCE_WRITE=1 bin/test --real tests/real/kit was never run"
    failing = {result.check for result in report.results if result.verdict == "fail"}
    assert failing <= {check.check for check in kept.checks if check.verdict == "fail"}, told


def test_redmine(redmine: Any, committed: Customer) -> None:
    redmine.reset()
    driven("redmine", redmine, redmine_join(redmine), redmine_side(redmine), committed, "real Redmine 5.0")


def test_request_tracker(rt: Any, committed: Customer) -> None:
    rt.reset()
    driven("request_tracker", rt, rt_join(rt), rt_side(rt), committed, "real Request Tracker 5.0")


def test_tryton(tryton: Any, committed: Customer) -> None:
    tryton.reset()
    driven("tryton", tryton, tryton_join(tryton), tryton_side(tryton), committed, "real Tryton 8.2")
