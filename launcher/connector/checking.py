"""`bin/connector check` and `expected`: the contract test's own rules, told to a person."""

from __future__ import annotations

from pathlib import Path

from apps.connectors.contract import (
    GRADES,
    GUESSED,
    ConnectorFolder,
    Finding,
    Mark,
    findings,
    marks_in,
    missing_for,
    open_folder,
    reached_grade,
    write_expected,
)
from apps.connectors.manifest import ManifestError
from apps.core.errors import PermanentError, TransientError
from apps.mappings.defaults import default_mapping_problems
from launcher.connector.places import connector_folder

_MOST_SHOWN = 12


def check(given: str, here: Path) -> int:
    """Say everything that is wrong; 1 when anything is."""
    path = connector_folder(given, here)
    try:
        folder = open_folder(path)
    except ManifestError as error:
        print(f"{path.name}: the manifest is refused")
        print(error.message)
        return 1
    found = all_findings(folder)
    broken = [finding for finding in found if finding.problems]
    for finding in broken:
        tell(finding)
    kept = len(found) - len(broken)
    print(f"{path.name}: {kept} of {len(found)} rules kept")
    _tell_grade(folder)
    if guesses := marks_in(path, GUESSED):
        print(f"{len(guesses)} guesses of the draft are unconfirmed: {_places(guesses)}")
        print("  look each up, correct it, and take its “guessed:” away")
    return 1 if broken else 0


def all_findings(folder: ConnectorFolder) -> list[Finding]:
    """The contract's rules, and the language of the default mappings."""
    mappings = Finding("default mappings are well written", "", default_mapping_problems(folder.manifest))
    return [*findings(folder), mappings]


def tell(finding: Finding, most: int = _MOST_SHOWN) -> None:
    subject = f" ({finding.subject})" if finding.subject else ""
    print(f"✗ {finding.rule}{subject}")
    for problem in finding.problems[:most]:
        print(f"    {problem}")
    if len(finding.problems) > most:
        print(f"    … and {len(finding.problems) - most} more")


def expected(given: str, here: Path) -> int:
    """Write the expected files and name those that changed."""
    path = connector_folder(given, here)
    try:
        changed = write_expected(open_folder(path))
    except (PermanentError, TransientError) as error:
        print(error.message)
        return 1
    for file in changed:
        print(f"written: {file}")
    print("Read every line of them before committing." if changed else "Nothing changed.")
    return 0


def _tell_grade(folder: ConnectorFolder) -> None:
    declared, reached = folder.manifest.connector.quality, reached_grade(folder.manifest)
    print(f"grade: declared {declared}, reached {reached}")
    grades = list(GRADES)
    for grade in grades[grades.index(reached) + 1 :][:1]:
        print(f"  {grade} also needs: {', '.join(missing_for(folder.manifest, grade))}")


def _places(marks: list[Mark]) -> str:
    lines = [str(mark.line) for mark in marks]
    more = f" and {len(lines) - _MOST_SHOWN} more" if len(lines) > _MOST_SHOWN else ""
    return f"manifest.yaml, lines {', '.join(lines[:_MOST_SHOWN])}{more}"
