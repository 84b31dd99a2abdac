"""bin/connector try: each step says ok or fail with the vendor's words; nothing is written unasked; no secret is shown."""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launcher.connector.__main__ import parser, run
from launcher.errors import LauncherError
from tests.launcher.tidewater.running import running
from tests.launcher.tidewater.server import Tidewater

SPEC = Path(__file__).parent / "tidewater" / "openapi.yaml"
BODY = {"name": "Juniper Surveys", "email": "office@juniper.example"}


class Talkative(Tidewater):
    """Repeats the key it was given in its refusals, as some vendors do."""

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, Any]:
        status, found = super().answer(method, target, authorization, body)
        if status == 401:
            found["error"]["message"] += f" You sent {authorization}."
        return status, found


@pytest.fixture
def vendor() -> Tidewater:
    return Talkative(secrets.token_hex(8))


@pytest.fixture
def address(vendor: Tidewater) -> Iterator[str]:
    with running(vendor) as found:
        yield found


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: Tidewater, capsys: pytest.CaptureFixture[str]
) -> Path:
    """A draft with its proposed mappings taken over."""
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))
    monkeypatch.setenv("OFFICE_KEY", vendor.token)
    connector("import-openapi", str(SPEC), "--slug", "tidewater", "--category", "psa", "--into", ".")
    path = tmp_path / "tidewater" / "manifest.yaml"
    text = path.read_text().replace("# mappings:", "mappings:")
    path.write_text(re.sub(r"(?m)^#  ", "  ", text))
    capsys.readouterr()
    return path.parent


def connector(*arguments: str) -> int:
    return run(parser().parse_args(arguments))


def attempt(address: str, *more: str, key: str = "OFFICE_KEY") -> int:
    return connector("try", "tidewater", "--base-url", address, "--secret-from-env", f"api_token={key}", *more)


def edited(folder: Path, old: str, new: str) -> None:
    path = folder / "manifest.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def changes(vendor: Tidewater) -> list[str]:
    return [line for line in vendor.requests if not line.startswith("GET ")]


@pytest.mark.usefixtures("folder")
class TestReading:
    def test_tells_every_step_and_writes_nothing(
        self, vendor: Tidewater, address: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        status = attempt(address)

        shown = capsys.readouterr().out
        assert status == 0
        assert "ok    log-in: account Tidewater Demo Office (office-1)" in shown
        assert "ok    read clients: 3 records, newest change 2026-10-03T08:00:00" in shown
        assert "name=Alder Harbour Authority" in shown
        assert "client=clients 101" in shown
        assert "ok    changes of clients: 1 since 2026-10-03T08:00:00" in shown
        assert f'POST {address}/v2/clients\n      {{"client":{{"name":"Alder Harbour Authority"' in shown
        assert changes(vendor) == []

    def test_address_that_needs_a_value_of_the_body_gets_an_invented_one(
        self, folder: Path, address: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        edited(
            folder,
            "path: /clients, body: {client: '${body}'}",
            "path: '/offices/${body.office_id}/clients', body: '${body}'",
        )

        status = attempt(address)

        assert status == 0
        assert f"POST {address}/v2/offices/1/clients" in capsys.readouterr().out

    def test_only_the_objects_asked_for(self, address: str, capsys: pytest.CaptureFixture[str]) -> None:
        attempt(address, "--object", "projects")

        shown = capsys.readouterr().out
        assert "read projects" in shown
        assert "read clients" not in shown

    def test_wrong_key_is_told_in_the_vendors_words_without_the_key(
        self, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wrong = secrets.token_hex(8)
        monkeypatch.setenv("WRONG_KEY", wrong)

        status = attempt(address, key="WRONG_KEY")

        shown = capsys.readouterr()
        assert status == 1
        assert "FAIL  log-in: Tidewater, testing the connection: The office key is not valid. You sent" in shown.out
        assert "next: check the secrets" in shown.out
        assert wrong not in shown.out + shown.err

    def test_filter_that_the_vendor_ignores_is_noticed(
        self, vendor: Tidewater, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("tests.launcher.tidewater.server._is_time", lambda parameter: False)

        status = attempt(address)

        assert status == 1
        assert "FAIL  changes of projects: asked for changes since" in capsys.readouterr().out

    def test_server_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        status = attempt("http://127.0.0.1:1")

        shown = capsys.readouterr().out
        assert status == 1
        assert "next: check the address" in shown


class TestMistakesInTheManifest:
    @pytest.mark.parametrize(
        ("old", "new", "told", "following"),
        [
            ("records: data", "records: items", "no list of records at items", "check the request's parameters"),
            ("request: {path: /projects}", "request: {path: /jobs}", "GET /v2/jobs is not a request", "check the path"),
            ("param: changed_after", "param: since", "No such parameter: since", "check the request's parameters"),
            ("size: 50}", "size: 51}", "limit is at most 50", "check the request's parameters"),
            ("primary_key: project_id", "primary_key: id", "nothing at id; the record has: project_id", "primary_key"),
            ("{to: start_date, from: starts_on", "{to: start_date, from: name", "Survey 1", "correct the mapping"),
        ],
    )
    def test_fails_that_step_and_goes_on(
        self,
        folder: Path,
        address: str,
        capsys: pytest.CaptureFixture[str],
        old: str,
        new: str,
        told: str,
        following: str,
    ) -> None:
        edited(folder, old, new)

        status = attempt(address)

        shown = capsys.readouterr().out
        assert status == 1
        assert told in shown
        assert following in shown
        assert "ok    read clients: 3 records" in shown

    def test_unreadable_manifest_is_told_with_its_line(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        edited(folder, "kind: bearer", "kind: bare")

        status = attempt("http://127.0.0.1:1")

        assert status == 1
        assert re.search(r"manifest\.yaml: line \d+: auth", capsys.readouterr().out)


@pytest.mark.usefixtures("folder")
class TestWhatIsGiven:
    def test_missing_secret_is_told_with_the_way_to_give_it(self) -> None:
        with pytest.raises(LauncherError, match="--secret-from-env api_token=VARIABLE"):
            connector("try", "tidewater")

    def test_secret_on_the_command_line_is_refused_and_not_repeated(self) -> None:
        typed = secrets.token_hex(8)

        with pytest.raises(LauncherError, match="replace it at the vendor") as caught:
            connector("try", "tidewater", "--set", f"api_token={typed}")

        assert typed not in str(caught.value)

    def test_secret_in_place_of_the_variables_name_is_not_repeated(self) -> None:
        typed = secrets.token_hex(8)

        with pytest.raises(LauncherError, match="no variable of the name given") as caught:
            connector("try", "tidewater", "--secret-from-env", f"api_token={typed}")

        assert typed not in str(caught.value)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--set", "colour=red"], "no such setting"),
            (["--secret-from-env", "colour=OFFICE_KEY"], "no such secret"),
            (["--secret-from-env", "api_token=OFFICE_KEY", "--object", "wombats"], "no object wombats"),
        ],
    )
    def test_unknown_names_list_the_known_ones(self, address: str, arguments: list[str], message: str) -> None:
        with pytest.raises(LauncherError, match=message):
            connector("try", "tidewater", "--base-url", address, *arguments)

    def test_consent_needs_a_token_from_elsewhere(self) -> None:
        with pytest.raises(LauncherError, match="access_token=VARIABLE"):
            connector(
                "try", "harvest", "--set", "auth_method=oauth", "--set", "client_id=x", "--secret-from-env", "client_secret=OFFICE_KEY"
            )  # fmt: skip


class TestWriting:
    @pytest.fixture(autouse=True)
    def body(self, folder: Path) -> Path:
        path = folder.parent / "client.json"
        path.write_text(json.dumps(BODY))
        return path

    def test_sends_once_what_was_confirmed(
        self, vendor: Tidewater, address: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        status = attempt(address, "--write", "clients", "--body", "client.json", "--yes")

        assert status == 0
        assert re.search(r"ok    write clients\.create: id 104, status 201", capsys.readouterr().out)
        assert changes(vendor) == ["POST /v2/clients"]

    def test_nothing_without_confirmation(self, vendor: Tidewater, address: str) -> None:
        with pytest.raises(LauncherError, match="without a terminal give --yes"):
            attempt(address, "--write", "clients", "--body", "client.json")

        assert changes(vendor) == []

    def test_another_answer_than_the_name_sends_nothing(
        self, vendor: Tidewater, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _: "y")

        assert attempt(address, "--write", "clients", "--body", "client.json") == 1

        assert changes(vendor) == []

    def test_refusal_in_the_vendors_words(self, body: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
        body.write_text(json.dumps({"name": "Juniper", "currency": "POUNDS"}))

        status = attempt(address, "--write", "clients", "--body", "client.json", "--yes")

        shown = capsys.readouterr().out
        assert status == 1
        assert "FAIL  write clients.create: refused: client.currency: 'POUNDS' is too long" in shown

    def test_body_of_the_vendor_is_sent_as_it_is(self, vendor: Tidewater, body: Path, address: str) -> None:
        body.write_text(json.dumps({"name": "Raw", "phone": "1"}))

        assert attempt(address, "--write", "clients.create", "--body", "client.json", "--raw", "--yes") == 0

        assert vendor.tables["clients"][-1]["phone"] == "1"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--write", "clients"], "needs --body"),
            (["--write", "clients.remove", "--body", "client.json"], "no operation 'remove'"),
            (["--write", "projects", "--body", "client.json"], "no operation 'create'"),
            (["--write", "clients", "--body", "gone.json"], "gone.json"),
        ],
    )
    def test_what_cannot_be_written_is_said_first(
        self, vendor: Tidewater, address: str, arguments: list[str], message: str
    ) -> None:
        with pytest.raises(LauncherError, match=message):
            attempt(address, *arguments, "--yes")

        assert changes(vendor) == []


class TestRecording:
    def test_pages_become_fixtures_that_replay(self, folder: Path, address: str) -> None:
        attempt(address, "--record")
        connector("expected", "tidewater")

        names = sorted(path.name for path in (folder / "fixtures").glob("clients*"))
        assert names == ["clients__expected.json", "clients__page_1.json", "clients__page_2.json"]
        assert len(json.loads((folder / "fixtures" / "clients__expected.json").read_text())) == 3

    def test_never_over_what_is_there(self, folder: Path, address: str, capsys: pytest.CaptureFixture[str]) -> None:
        (folder / "fixtures" / "clients__page_1.json").write_text("{}")

        attempt(address, "--record")

        assert "not recorded: there are fixtures already" in capsys.readouterr().out
        assert (folder / "fixtures" / "clients__page_1.json").read_text() == "{}"

    def test_large_account_is_not_recorded(
        self, folder: Path, vendor: Tidewater, address: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        vendor.tables["clients"] += [vendor.tables["clients"][0] | {"client_id": number} for number in range(200, 220)]

        attempt(address, "--record")

        assert "not recorded: more than 8 records" in capsys.readouterr().out
        assert list((folder / "fixtures").glob("clients__page_*")) == []
