"""Runs the checks on one connector and keeps what they found."""

import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from apps.connectors.manifest import Manifest
from apps.connectors.manifest.loader import slugs
from apps.connectors.scores import PRACTICE
from conformance.bench import Storing, Workshop
from conformance.checks import CHECKS
from conformance.joining import Join, has_join, path_of
from conformance.result import Report, Result, judged
from sandbox.framework.vendor import Vendor
from sandbox.server import known_vendors


def testable() -> list[str]:
    """Connectors that have a practice vendor and say how they are joined to it."""
    return [slug for slug in slugs() if slug in known_vendors() and has_join(slug)]


def run(
    manifest: Manifest, join: Join, *, today: date, storing: Storing | None = None, only: Iterable[str] = (),
    make: Callable[[Path], Vendor] | None = None, told: Callable[[Result], None] = lambda _result: None,
    against: str = PRACTICE,
) -> Report:  # fmt: skip
    """Every check, each on a fresh account. `make` puts another vendor in the practice vendor's place, `against` names it."""
    wanted = list(only) or list(CHECKS)
    results = []
    with Workshop(manifest, join, storing, make) as workshop:
        for name in wanted:
            result = _one(workshop, name)
            results.append(result)
            told(result)
    return Report(manifest.slug, today, tuple(results), against)


def _one(workshop: Workshop, name: str) -> Result:
    if name in workshop.join.exempt:
        return Result(name, "exempt", workshop.join.exempt[name])

    def run() -> str:
        with workshop.bench() as bench:
            return CHECKS[name](bench)

    return judged(name, run)


def write(report: Report) -> Path:
    path = path_of(report.slug)
    path.write_text(json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
