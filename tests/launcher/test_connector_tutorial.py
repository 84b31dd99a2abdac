"""docs/connectors.md, “Add a vendor from its OpenAPI file in an afternoon”, followed word by word; then the finished
folder in the product itself: records are read into canonical entities, and one is written back. No engine change."""

import json
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import Client, ExternalRef, Project
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.connectors.services import create_connection, test_connection
from apps.core.work.kinds import DELIVER
from apps.syncs.models import Delivery
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent
from launcher.connector.__main__ import parser, run
from tests.committed import committed
from tests.launcher.tidewater.running import running
from tests.launcher.tidewater.server import Tidewater
from tests.practice import read, work_on
from tests.syncs.support import NOW

__all__ = ["committed"]
ROOT = Path(__file__).resolve().parents[2]
HEADING = "## Add a vendor from its OpenAPI file in an afternoon"
ADDRESS = "http://127.0.0.1:8899"


def tutorial() -> str:
    text = (ROOT / "docs" / "connectors.md").read_text()
    return text.split(HEADING, 1)[1].split("\n## ", 1)[0]


class Follower:
    """Does what the page says, in a folder that stands for the project's."""

    def __init__(self, home: Path, address: str) -> None:
        self.project = home / "project"
        self.project.mkdir()
        (self.project / "tests").symlink_to(ROOT / "tests")
        self.folder = home / "connectors" / "tidewater"
        self.address = address
        self.statuses: list[tuple[str, int]] = []

    def follow(self) -> None:
        for kind, path, block in re.findall(r"```(sh|json|yaml)(?: (\S+))?\n(.*?)```|\Z", tutorial(), re.DOTALL):
            if kind == "json":
                (self.project / "client.json").write_text(block)
            if kind == "yaml":
                target = self.project / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block)
            for line in block.splitlines() if kind == "sh" else ():
                self._do(line)

    def _do(self, line: str) -> None:
        if line.startswith("bin/connector "):
            arguments = shlex.split(line.replace(ADDRESS, self.address))[1:]
            if "check" in arguments:
                self._write_readme()
            if arguments[0] == "try" and "--write" in arguments:
                arguments.append("--yes")  # nobody sits at a terminal here
            self.statuses.append((arguments[0], run(parser().parse_args(arguments))))
            if arguments[0] == "import-openapi":
                self._complete()
        elif line.startswith("sed "):
            subprocess.run(shlex.split(line), cwd=self.project, check=True)
        else:
            # What is prepared by the test itself: the vendor and its key.
            assert line.startswith((".venv/bin/python -m tests.launcher.tidewater", "read -rs TIDEWATER_KEY")), line

    def _complete(self) -> None:
        """The page's table, row by row; each mark goes with its line."""
        path = self.folder / "manifest.yaml"
        text = path.read_text()
        rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \|$", tutorial(), re.MULTILINE)
        assert rows
        for before, after in rows:
            text, count = re.subn(rf"{re.escape(before)}  # to be completed.*", lambda _, new=after: new, text)
            assert count == 1, before
        path.write_text(text)

    def _write_readme(self) -> None:
        path = self.folder / "README.md"
        path.write_text(path.read_text().replace("(to be completed)", "Clients and projects of the office."))


@pytest.fixture
def vendor() -> Tidewater:
    return Tidewater(secrets.token_hex(8))


@pytest.fixture
def address(vendor: Tidewater) -> Iterator[str]:
    with running(vendor) as found:
        yield found


@pytest.fixture
def follower(tmp_path: Path, address: str, vendor: Tidewater, monkeypatch: pytest.MonkeyPatch) -> Follower:
    found = Follower(tmp_path, address)
    monkeypatch.setenv("CALLED_FROM", str(found.project))
    monkeypatch.setenv("TIDEWATER_KEY", vendor.token)
    monkeypatch.setenv("PRACTICE_PATHS", "")
    return found


def test_page_leads_to_a_connector_that_keeps_every_rule(
    follower: Follower, vendor: Tidewater, capsys: pytest.CaptureFixture[str]
) -> None:
    follower.follow()

    shown = capsys.readouterr()
    commands = ["import-openapi", "try", "try", "expected", "check", "try", "score"]
    assert follower.statuses == [(command, 0) for command in commands], shown.out
    assert "clients: client, page_number, updated_since, create" in shown.out
    assert "tidewater: 16 of 16 checks, score 100%" in shown.out
    assert json.loads((follower.folder / "conformance.json").read_text())["score"] == 1.0
    assert "declared silver, reached silver" in shown.out
    assert "guesses of the draft are unconfirmed" not in shown.out
    assert vendor.token not in shown.out + shown.err
    written = [row for row in vendor.tables["clients"] if row["name"] == "Juniper Surveys"]
    assert [row["email"] for row in written] == ["office@juniper.example"]
    assert [line for line in vendor.requests if not line.startswith("GET")] == ["POST /v2/clients"]


def test_folder_works_in_the_product(
    follower: Follower,
    vendor: Tidewater,
    committed: Customer,
    settings: Any,
) -> None:
    follower.follow()
    # Manifests are read once a process: a slug of its own, for this test alone.
    slug = f"tidewater_{secrets.token_hex(3)}"
    shutil.copytree(follower.folder, follower.folder.parent / slug)
    manifest = follower.folder.parent / slug / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("slug: tidewater", f"slug: {slug}"))
    settings.CONNECTOR_PATHS = [str(follower.folder.parent)]
    connection = _connected(committed, slug, follower.address, vendor.token)

    read(connection, "clients", "projects")

    names = [row["name"] for row in vendor.tables["clients"]]
    assert sorted(Client.objects.values_list("name", flat=True)) == sorted(names)
    assert Project.objects.get(code="S-2").client.name == "Birch & Sons Builders"

    made = create_record("client", customer=committed, values={"name": "Rowan Quays"}, origin="test", reason="t")
    (delivery,) = intend(
        [
            Intent(
                connection=connection, object_name="clients", operation="create", entity="client", record_id=made.pk,
                title="Create client", key="tutorial:1",
            )
        ],
        origin="test",
        origin_item_id=None,
    )  # fmt: skip
    work_on(DELIVER, connection.pk)

    row = next(row for row in vendor.tables["clients"] if row["name"] == "Rowan Quays")
    delivery = Delivery.objects.get(pk=delivery.pk)
    assert (delivery.status, delivery.external_id) == ("done", str(row["client_id"]))
    assert ExternalRef.objects.get(connection=connection, record_id=made.pk, entity="client").external_id == str(
        row["client_id"]
    )
    assert Client.objects.filter(name="Rowan Quays").count() == 1


def _connected(customer: Customer, slug: str, address: str, token: str) -> Connection:
    connection = create_connection(
        customer=customer, connector=slug, name="Tidewater", roles=["psa"], config={"base_url": address},
        credentials={"api_token": token}, actor=None, reason="test", now=NOW,
    )  # fmt: skip
    assert test_connection(connection, now=NOW) is not None, connection.status_reason
    return connection
