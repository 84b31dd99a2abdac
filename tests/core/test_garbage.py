"""Python's search for garbage, in a process of its own: it is set for the whole process."""

import subprocess
import sys

import pytest

from launcher.environment import PROJECT


@pytest.mark.parametrize(
    "started", ["from apps.core.garbage import collect_seldom; collect_seldom()", "import config.wsgi"]
)
def test_what_stands_after_the_start_is_not_searched_again(started: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", f"{started}; import gc; print(gc.get_threshold()[0], gc.get_freeze_count() > 1_000)"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["50000", "True"]
