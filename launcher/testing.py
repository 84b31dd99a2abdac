"""What bin/test does: database, browser, pytest, and an honest list of what was left out."""

from __future__ import annotations

import os
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launcher.browser import ensure_chromium
from launcher.environment import PROJECT
from launcher.errors import LauncherError
from launcher.postgres import database_url, run

SLOTS = 8
FAILED = 1  # pytest's code for "tests ran and some failed"
FEW = 12  # more failures than that are no matter of load
PARALLEL = ("-n", "2", "--dist", "loadgroup")
TAKES_OVER_PROCESSES = ("-n", "--numprocesses", "-p", "--pdb", "--trace", "-s", "--collect-only", "--co", "--dist")


@dataclass(slots=True)
class Plan:
    """The pytest call, its environment, and what it leaves out."""

    arguments: list[str]
    environment: dict[str, str]
    left_out: list[str] = field(default_factory=list)


def plan(given: Sequence[str], environment: dict[str, str]) -> Plan:
    """Turn the command line into a pytest call."""
    arguments = [argument for argument in given if argument not in ("--real", "--kit", "--chaos", "--scale")]
    environment = dict(environment)
    result = Plan(arguments, environment)
    excluded: list[str] = []
    if "--real" in given or environment.get("THROUGHLINE_TEST_REAL") == "1":
        environment["THROUGHLINE_TEST_REAL"] = "1"
    else:
        excluded.append("real")
        result.left_out.append("tests marked 'real' (real Tryton, Redmine and Request Tracker): run bin/test --real")
    if "--kit" not in given:
        excluded.append("kit")
        result.left_out.append(
            "tests marked 'kit' (every connector driven against its practice vendor): run bin/test --kit"
        )
    if "--chaos" not in given:
        excluded.append("chaos")
        result.left_out.append("tests marked 'chaos' (everything killed under load, audited): run bin/test --chaos")
    if "--scale" not in given:
        excluded.append("scale")
        result.left_out.append("tests marked 'scale' (Redis, PgBouncer, replica, several hosts): run bin/test --scale")
    if concerns_browser(arguments):
        chromium, reason = ensure_chromium()
        if chromium:
            environment["CHROMIUM"] = chromium
        else:
            excluded.append("browser")
            result.left_out.append(f"tests marked 'browser': {reason}")
    _exclude(arguments, excluded)
    if not (_is_one_file(arguments) or any(argument.startswith(TAKES_OVER_PROCESSES) for argument in arguments)):
        arguments[:0] = PARALLEL
    return result


def concerns_browser(arguments: Sequence[str]) -> bool:
    """Whether the named tests may need a browser, so that a narrow run does not install one."""
    named = [PROJECT / argument.split("::")[0] for argument in arguments if not argument.startswith("-")]
    places = [path for path in named if path.exists()] or [PROJECT / "tests"]
    files = [file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])]
    here = PROJECT / "tests" / "launcher"
    return any(b"mark.browser" in file.read_bytes() for file in files if here not in file.parents)


def _is_one_file(arguments: Sequence[str]) -> bool:
    """One test module alone is quicker in one process, which migrates one database instead of two."""
    named = [PROJECT / argument.split("::")[0] for argument in arguments if not argument.startswith("-")]
    places = [path for path in named if path.exists()]
    return len(places) == 1 and places[0].is_file()


def _exclude(arguments: list[str], marks: Sequence[str]) -> None:
    """Add 'not mark' to a -m expression that the caller may have given."""
    if not marks:
        return
    expression = " and ".join(f"not {mark}" for mark in marks)
    for place, argument in enumerate(arguments):
        if argument == "-m" and place + 1 < len(arguments):
            arguments[place + 1] = f"({arguments[place + 1]}) and {expression}"
            return
    arguments[:0] = ["-m", expression]


def skipped(report: Path) -> list[str]:
    """Reasons for which tests skipped themselves, with their number, from pytest's report."""
    try:
        cases = ElementTree.parse(report).iter("skipped")  # noqa: S314 - written by our own pytest a moment ago
    except (OSError, ElementTree.ParseError):
        return []
    counted = Counter(case.get("message") or "no reason given" for case in cases)
    return [f"{number} skipped: {reason}" for reason, number in counted.most_common()]


def say_left_out(left_out: Sequence[str], *, at_end: bool) -> None:
    """Loud enough not to be taken for a full run."""
    if not left_out:
        if at_end:
            print("LEFT OUT: nothing", flush=True)
        return
    print("=" * 100)
    for line in left_out:
        print(f"LEFT OUT: {line}")
    print("=" * 100, flush=True)


def main(given: Sequence[str]) -> int:
    """Run pytest and answer with its exit code."""
    planned = plan(given, dict(os.environ))
    say_left_out(planned.left_out, at_end=False)
    with tempfile.TemporaryDirectory(prefix="throughline-test-") as folder:
        report = Path(folder) / "report.xml"
        with database_url(PROJECT / ".local" / "test-postgres", "test", slots=SLOTS) as url:
            command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *planned.arguments]
            print(f"pytest {' '.join(planned.arguments)}", flush=True)
            environment = {**planned.environment, "DATABASE_URL": url}
            code = run(command, environment)
            left_out = [*planned.left_out, *skipped(report)]
            again = failed(report)
            if code == FAILED and 0 < len(again) <= FEW and planned.arguments[: len(PARALLEL)] == list(PARALLEL):
                code = _alone(planned, again, environment)
                if code == 0:
                    left_out += [
                        f"nothing, but only alone did this pass (too slow beside others?): {name}" for name in again
                    ]
        say_left_out(left_out, at_end=True)
    return code


def _alone(planned: Plan, again: Sequence[str], environment: dict[str, str]) -> int:
    """Run the few that failed once more, one after the other: tests with several processes can starve on two busy cores."""
    print(f"{len(again)} failed beside others; once more, alone: {', '.join(again)}", flush=True)
    arguments = [*planned.arguments[len(PARALLEL) :], "--last-failed", "--last-failed-no-failures", "none"]
    return run([sys.executable, "-m", "pytest", *arguments], environment)


def failed(report: Path) -> list[str]:
    """Names of the tests that failed or broke, from pytest's report."""
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - written by our own pytest a moment ago
    except (OSError, ElementTree.ParseError):
        return []
    broken = (case for case in cases if case.find("failure") is not None or case.find("error") is not None)
    return sorted({f"{case.get('classname')}.{case.get('name')}" for case in broken})


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        print(f"bin/test: {error}", file=sys.stderr)
        sys.exit(2)
