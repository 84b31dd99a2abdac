"""Files, tables and the warehouse are driven with real files and a real database."""

import os
from datetime import UTC, datetime

import pytest

from apps.accounts.models import Customer
from apps.connectors.manifest import manifest_for
from apps.connectors.scores import score_of
from conformance import pages
from conformance.grades import least_for
from conformance.outside import CHECKS
from conformance.outside.running import checked, run
from conformance.running import write
from tests.committed import committed  # noqa: F401 - a fixture


@pytest.mark.kit
@pytest.mark.parametrize("slug", checked())
def test_keeps_the_grade_it_declares(slug: str, committed: Customer) -> None:  # noqa: F811
    manifest = manifest_for(slug)
    only = os.environ.get("CONFORMANCE_ONLY", "").split()

    report = run(manifest, today=datetime.now(UTC).date(), only=only)

    if os.environ.get("CONFORMANCE_WRITE") and not only:
        write(report)
        pages.write()
    told = "\n".join(f"{result.verdict} {result.check}: {result.sentence}" for result in report.results)
    print(told)
    assert report.score >= least_for(manifest.connector.quality), told
    kept = score_of(slug)
    assert kept is not None, "CONFORMANCE_WRITE=1 bin/test --kit tests/conformance/test_outside.py was never run"
    failing = {result.check for result in report.results if result.verdict == "fail"}
    assert failing <= {check.check for check in kept.checks if check.verdict == "fail"}, told


@pytest.mark.parametrize("slug", checked())
def test_the_kept_report_knows_every_check(slug: str) -> None:
    kept = score_of(slug)

    assert kept is not None and kept.against.startswith("real ")
    assert [check.check for check in kept.checks] == list(CHECKS[manifest_for(slug).client.kind])
