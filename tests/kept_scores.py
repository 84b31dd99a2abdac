"""What every run of the conformance kit is held to: the grade its connector declares, and the report that was kept."""

import os

from apps.connectors.manifest import manifest_for
from apps.connectors.scores import score_of
from conformance import pages
from conformance.grades import least_for
from conformance.result import Report
from conformance.running import write


def only() -> list[str]:
    """The checks asked for, empty for all."""
    return os.environ.get("CONFORMANCE_ONLY", "").split()


def keep_if_asked(report: Report) -> None:
    if os.environ.get("CONFORMANCE_WRITE"):
        write(report)
        pages.write()


def keeps_its_grade(report: Report) -> None:
    assert report.score >= least_for(manifest_for(report.slug).connector.quality), told(report)


def is_no_worse(report: Report, renewed_by: str) -> None:
    """Nothing fails that did not fail before."""
    kept = score_of(report.slug)
    assert kept is not None, f"{renewed_by} was never run"
    failing = {result.check for result in report.results if result.verdict == "fail"}
    assert failing <= {check.check for check in kept.checks if check.verdict == "fail"}, told(report)


def told(report: Report) -> str:
    return "\n".join(f"{result.verdict} {result.check}: {result.sentence}" for result in report.results)
