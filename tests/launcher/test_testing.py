"""bin/test leaves nothing out silently and does not install a browser for a narrow run."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher import testing


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one browser test and one ordinary test; no browser on the machine."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_plain.py").write_text("def test_it(): pass\n")
    (tmp_path / "tests" / "test_pages.py").write_text("@pytest.mark.browser\ndef test_page(page): pass\n")
    monkeypatch.setattr(testing, "PROJECT", tmp_path)
    monkeypatch.setattr(testing, "ensure_chromium", lambda: (None, "there is none here"))
    return tmp_path


class TestPlan:
    def test_leaves_out_what_cannot_run_and_says_so(self) -> None:
        planned = testing.plan([], {})

        assert planned.arguments == [
            *testing.PARALLEL,
            "-m",
            "not real and not kit and not chaos and not scale and not browser",
        ]
        assert [line.split(":")[0] for line in planned.left_out] == [
            "tests marked 'real' (real Tryton, Redmine and Request Tracker)",
            "tests marked 'kit' (every connector driven against its practice vendor)",
            "tests marked 'chaos' (everything killed under load, audited)",
            "tests marked 'scale' (Redis, PgBouncer, replica, several hosts)",
            "tests marked 'browser'",
        ]
        assert "there is none here" in planned.left_out[4]

    @pytest.mark.parametrize(("given", "environment"), [(["--real"], {}), ([], {"THROUGHLINE_TEST_REAL": "1"})])
    def test_runs_real_systems_when_asked(self, given: list[str], environment: dict[str, str]) -> None:
        planned = testing.plan(given, environment)

        assert "not kit and not chaos and not scale and not browser" in planned.arguments
        assert "--real" not in planned.arguments
        assert planned.environment["THROUGHLINE_TEST_REAL"] == "1"

    def test_names_the_browser_for_the_tests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(testing, "ensure_chromium", lambda: ("/usr/bin/chromium", ""))

        planned = testing.plan(["--real", "--kit", "--chaos", "--scale"], {})

        assert planned.environment["CHROMIUM"] == "/usr/bin/chromium"
        assert planned.left_out == []
        assert planned.arguments == [*testing.PARALLEL]

    def test_needs_neither_browser_nor_second_process_for_one_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unexpected() -> tuple[str | None, str]:
            raise AssertionError("looked for a browser")

        monkeypatch.setattr(testing, "ensure_chromium", unexpected)

        planned = testing.plan(["tests/test_plain.py::test_it", "-x"], {})

        assert planned.arguments == [
            "-m",
            "not real and not kit and not chaos and not scale",
            "tests/test_plain.py::test_it",
            "-x",
        ]

    def test_narrows_an_expression_of_the_caller(self) -> None:
        planned = testing.plan(["-m", "journey or specs", "-n", "0"], {})

        assert planned.arguments == [
            "-m",
            "(journey or specs) and not real and not kit and not chaos and not scale and not browser",
            "-n",
            "0",
        ]


class TestSkipped:
    def test_counts_reasons_from_the_report(self, tmp_path: Path) -> None:
        report = tmp_path / "report.xml"
        report.write_text(
            "<testsuites><testsuite>"
            '<testcase><skipped message="no specifications here"/></testcase>'
            '<testcase><skipped message="no specifications here"/></testcase>'
            "<testcase/></testsuite></testsuites>"
        )

        assert testing.skipped(report) == ["2 skipped: no specifications here"]

    def test_says_nothing_when_pytest_wrote_no_report(self, tmp_path: Path) -> None:
        assert testing.skipped(tmp_path / "missing.xml") == []


def test_failed_and_broken_tests_are_named_for_a_second_try(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase classname="tests.a" name="good"/>
        <testcase classname="tests.a" name="wrong"><failure message="x"/></testcase>
        <testcase classname="tests.b" name="broken"><error message="y"/></testcase>
        </testsuite></testsuites>"""
    )

    assert testing.failed(report) == ["tests.a.wrong", "tests.b.broken"]
    assert testing.failed(tmp_path / "missing.xml") == []
