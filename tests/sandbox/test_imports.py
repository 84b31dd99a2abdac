"""The demo installs requirements.txt alone: its practice vendors may not need what only the tests have."""

import subprocess
import sys

ONLY_OF_THE_TESTS = ("openapi_schema_validator", "pytest", "hypothesis", "playwright", "psutil")


def test_practice_vendors_start_without_what_only_tests_need() -> None:
    hidden = f"import sys; sys.modules.update(dict.fromkeys({ONLY_OF_THE_TESTS!r}))"
    answer = subprocess.run(
        [sys.executable, "-c", f"{hidden}; import sandbox.__main__, sandbox.server, sandbox.serving"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
