"""Files, tables and the warehouse are driven with real files and a real database."""

from datetime import UTC, datetime

import pytest

from apps.accounts.models import Customer
from apps.connectors.manifest import manifest_for
from apps.connectors.scores import score_of
from conformance.outside import CHECKS
from conformance.outside.running import checked, run
from tests.committed import committed  # noqa: F401 - a fixture
from tests.kept_scores import is_no_worse, keep_if_asked, keeps_its_grade, only, told


@pytest.mark.kit
@pytest.mark.parametrize("slug", checked())
def test_keeps_the_grade_it_declares(slug: str, committed: Customer) -> None:  # noqa: F811
    manifest = manifest_for(slug)

    report = run(manifest, today=datetime.now(UTC).date(), only=only())

    if not only():
        keep_if_asked(report)
    print(told(report))
    keeps_its_grade(report)
    is_no_worse(report, "CONFORMANCE_WRITE=1 bin/test --kit tests/conformance/test_outside.py")


@pytest.mark.parametrize("slug", checked())
def test_the_kept_report_knows_every_check(slug: str) -> None:
    kept = score_of(slug)

    assert kept is not None and kept.against.startswith("real ")
    assert [check.check for check in kept.checks] == list(CHECKS[manifest_for(slug).client.kind])
