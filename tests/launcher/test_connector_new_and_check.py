"""bin/connector new, check, expected and schema: a folder from the template keeps the contract, and what is wrong is
told with its place."""

import json
import re
from pathlib import Path

import pytest

from apps.connectors.contract import TO_COMPLETE, findings, marks_in, open_folder
from launcher.connector.__main__ import parser, run
from launcher.errors import LauncherError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))


def connector(*arguments: str) -> int:
    return run(parser().parse_args(arguments))


def made(tmp_path: Path) -> Path:
    connector("new", "lumen_desk", "--name", "Lumen Desk", "--category", "support", "--into", ".")
    return tmp_path / "lumen_desk"


class TestNew:
    def test_folder_keeps_every_rule_but_what_only_a_person_knows(self, tmp_path: Path) -> None:
        folder = open_folder(made(tmp_path))

        broken = {finding.rule for finding in findings(folder) if finding.problems}

        assert broken == {"nothing left to complete"}
        assert folder.manifest.connector.name == "Lumen Desk"
        assert folder.manifest.connector.category == "support"

    def test_prints_every_fact_that_remains_with_its_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = made(tmp_path)

        shown = capsys.readouterr().out

        marks = marks_in(path, TO_COMPLETE)
        assert f"{len(marks)} facts to fill in" in shown
        assert f"manifest.yaml, line {marks[0].line}: " in shown

    def test_touches_nothing_beside_its_folder(self, tmp_path: Path) -> None:
        made(tmp_path)

        assert [path.name for path in tmp_path.iterdir()] == ["lumen_desk"]

    def test_two_slugs_have_different_drawings(self, tmp_path: Path) -> None:
        first = (made(tmp_path) / "icon.svg").read_text()
        connector("new", "quarry", "--into", ".")

        assert first != (tmp_path / "quarry" / "icon.svg").read_text()

    def test_never_overwrites(self, tmp_path: Path) -> None:
        made(tmp_path)

        with pytest.raises(LauncherError, match="is there already"):
            connector("new", "lumen_desk", "--into", ".")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["Lumen-Desk", "--into", "."], "small letters"),
            (["../outside", "--into", "."], "small letters"),
            (["xero", "--into", "."], "its own wins"),
            (["lumen", "--into", ".", "--category", "lamps"], "allowed: crm, cpq"),
        ],
    )
    def test_refuses_what_cannot_be(self, arguments: list[str], message: str) -> None:
        with pytest.raises(LauncherError, match=message):
            connector("new", *arguments)


class TestCheck:
    def test_finished_folder_passes(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = finish(made(tmp_path))
        capsys.readouterr()

        status = connector("check", "lumen_desk")

        shown = capsys.readouterr().out
        assert (status, "✗" in shown) == (0, False)
        assert "declared silver, reached silver" in shown
        assert "gold also needs: write_back, webhooks" in shown
        assert connector("check", str(path)) == 0

    def test_connector_of_the_catalog_passes_by_its_slug(self) -> None:
        assert connector("check", "harvest") == 0

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("kind: bearer", "kind: bearing", r"manifest\.yaml: line \d+: auth\.0\S*: .*found .*bearing"),
            ("primary_key: id", "primary_key: uid", r"no record of the fixtures has anything at uid"),
            ("field: updated_at}", "field: changed_at}", r"no record carries a time at cursor.field"),
            (
                "{kind: page_number, param: page, size_param: per_page, size: 100}",
                "{kind: none}",
                r"clients__page_2\.json is never asked for",
            ),
            ("records: clients", "records: people", r"no list of records at people"),
            ("quality: silver", "quality: gold", r"declared gold, but write_back is missing"),
            ("message: [message]", "message: [text]", r"expected to hold 'Name is missing"),
            ("{to: name, from: name", "{to: nome, from: name", r"mappings\.0 .*nome"),
        ],
    )
    def test_names_what_is_wrong(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
    ) -> None:
        manifest = finish(made(tmp_path)) / "manifest.yaml"
        text = manifest.read_text()
        assert old in text
        manifest.write_text(text.replace(old, new))
        capsys.readouterr()

        status = connector("check", "lumen_desk")

        assert status == 1
        assert re.search(told, capsys.readouterr().out)

    def test_secret_is_found_by_its_place_and_never_shown(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = finish(made(tmp_path)) / "fixtures" / "clients__page_1.json"
        secret = "q7" * 24
        path.write_text(path.read_text().replace("Alder Architects", secret))
        capsys.readouterr()

        status = connector("check", "lumen_desk")

        shown = capsys.readouterr().out
        assert status == 1
        assert re.search(r"clients__page_1\.json, line \d+: looks like a secret", shown)
        assert secret not in shown

    def test_hooks_of_a_folder_elsewhere_are_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = finish(made(tmp_path))
        manifest = path / "manifest.yaml"
        manifest.write_text(manifest.read_text() + "\nhooks:\n  record: shout\n")
        (path / "hooks.py").write_text(
            "from apps.connectors.sdk import HookContext, Record\n\n\n"
            "def shout(record: Record, context: HookContext) -> Record:\n"
            '    return {**record, "name": record["name"].upper()}\n'
        )

        assert connector("check", "lumen_desk") == 1
        assert "record 0 is not what the manifest reads" in capsys.readouterr().out
        assert connector("expected", "lumen_desk") == 0
        assert connector("check", "lumen_desk") == 0
        expected = json.loads((path / "fixtures" / "clients__expected.json").read_text())
        assert expected[0]["name"] == "ALDER ARCHITECTS"

    def test_unknown_connector_lists_the_known_ones(self) -> None:
        with pytest.raises(LauncherError, match="harvest, hubspot"):
            connector("check", "lumen_lamp")


class TestExpected:
    def test_writes_what_the_pages_yield(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = made(tmp_path) / "fixtures" / "clients__expected.json"
        path.unlink()

        status = connector("expected", "lumen_desk")

        assert status == 0
        assert [record["id"] for record in json.loads(path.read_text())] == [101, 102, 103]
        assert str(path) in capsys.readouterr().out


def test_schema_is_one_json_document_that_knows_the_sections(capsys: pytest.CaptureFixture[str]) -> None:
    status = connector("schema")

    schema = json.loads(capsys.readouterr().out)
    assert status == 0
    assert {"connector", "auth", "client", "objects"} <= set(schema["properties"])


def finish(path: Path) -> Path:
    """What a person does last: every marked fact looked up, every mark taken away."""
    for name in ("manifest.yaml", "README.md"):
        file = path / name
        file.write_text(re.sub(rf"(?m)\s*(?:# |\(){TO_COMPLETE}.*$", "", file.read_text()))
    return path
