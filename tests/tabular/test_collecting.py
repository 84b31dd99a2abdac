"""Files from a watched folder and from a real SFTP server (paramiko's own server side), and what must not be reached."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import TimeEntry
from apps.connectors.models import Connection
from apps.connectors.services import test_connection as probe
from apps.connectors.services import update_credentials
from apps.syncs.services import add_syncs
from apps.tabular.models import DataFile, FileStatus, SeenFile
from apps.tabular.services.collecting import collect, kind_of
from conformance.outside.sftp import Server
from tests.tabular.support import NOW, TIME, confirm, files_connection, work_off


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    settings.FILE_FOLDER_ROOT = str(tmp_path)
    home = tmp_path / "acme" / "kestrel" / "drop"
    home.mkdir(parents=True)
    return home


@pytest.fixture
def folder(customer: Customer, root: Path) -> Connection:
    return files_connection(customer, auth_method="folder", folder="drop")


def put(path: Path, text: str, *, age: float = 3600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    moment = NOW.timestamp() - age
    os.utime(path, (moment, moment))


class TestKind:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("time_entries/may.csv", "time_entries"),
            ("Time entries 2026-05.xlsx", "time_entries"),
            ("time-entries.csv", "time_entries"),
            ("projects.csv", "projects"),
            ("projectsold.csv", ""),
            ("whatever.csv", ""),
        ],
    )
    def test_is_told_by_name_or_folder(self, path: str, kind: str) -> None:
        assert kind_of(path, ["projects", "time_entries"]) == kind


class TestFolder:
    def test_a_file_is_taken_once_and_again_when_it_changes(self, folder: Connection, root: Path) -> None:
        put(root / "time_entries" / "may.csv", TIME)
        add_syncs(folder, objects=["time_entries"], actor=None, reason="test")
        work_off("syncs.pull", "tabular.stage")
        file = DataFile.objects.get()
        assert (file.status, file.channel) == (FileStatus.NEEDS_LAYOUT, "folder")
        confirm(file)
        work_off("syncs.pull")
        assert TimeEntry.objects.count() == 3

        assert collect(folder, "time_entries", now=NOW) == []
        put(root / "time_entries" / "may.csv", TIME + "03.02.2026;Ada;Website;1,5;ja;;4\n", age=600)
        (again,) = collect(folder, "time_entries", now=NOW)
        assert again.pk != file.pk and SeenFile.objects.count() == 1

    def test_what_is_unfinished_hidden_young_or_no_table_waits(self, folder: Connection, root: Path) -> None:
        for name in (".time_entries.csv", "time_entries.csv.part", "time_entries.pdf", "~$time_entries.xlsx"):
            put(root / name, TIME)
        put(root / "time_entries_new.csv", TIME, age=5)

        assert collect(folder, "time_entries", now=NOW) == [] and not SeenFile.objects.exists()

    def test_nobody_reads_outside_the_customers_own_folder(
        self, folder: Connection, root: Path, tmp_path: Path, customer: Customer
    ) -> None:
        put(tmp_path / "acme" / "halden" / "time_entries.csv", TIME)
        (root / "time_entries_link.csv").symlink_to(tmp_path / "acme" / "halden" / "time_entries.csv")
        (root / "linked").symlink_to(tmp_path / "acme" / "halden")

        assert collect(folder, "time_entries", now=NOW) == []
        for outside in ("../halden", "../../..", "linked"):
            update_credentials(folder, config={"folder": outside}, actor=None, reason="test", now=NOW)
            assert probe(folder, now=NOW) is None
            folder.refresh_from_db()
            assert "outside" in folder.status_reason or "no folder" in folder.status_reason

    def test_without_the_operators_word_there_are_none(self, folder: Connection, settings: Any) -> None:
        settings.FILE_FOLDER_ROOT = ""

        assert probe(folder, now=NOW) is None
        folder.refresh_from_db()
        assert "FILE_FOLDER_ROOT" in folder.status_reason


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "server"
    root.mkdir()
    running = Server(root)
    yield running
    running.close()


def sftp(customer: Customer, server: Server, **config: Any) -> Connection:
    connection = files_connection(
        customer,
        **{
            "auth_method": "sftp_password",
            "host": "127.0.0.1",
            "port": str(server.port),
            "username": "kestrel",
            "host_key": server.fingerprint,
            "folder": "out",
            **config,
        },
    )
    connection.credentials = {"password": server.password}
    connection.save()
    return connection


class TestSftp:
    def test_files_are_fetched_with_a_password(self, customer: Customer, server: Server) -> None:
        put(server.root / "out" / "time_entries" / "may.csv", TIME)
        connection = sftp(customer, server)

        found = probe(connection, now=NOW)
        assert found is not None and "1 files" in found.account_name
        (file,) = collect(connection, "time_entries", now=NOW)
        assert file.size == len(TIME.encode()) and collect(connection, "time_entries", now=NOW) == []

    def test_with_a_key_and_the_known_hosts_line(self, customer: Customer, server: Server) -> None:
        import io

        (server.root / "out").mkdir()
        text = io.StringIO()
        server.user_key.write_private_key(text)
        line = f"127.0.0.1 {server.host_key.get_name()} {server.host_key.get_base64()}"
        connection = sftp(customer, server, auth_method="sftp_key", host_key=line)
        # As a one-line form field delivers it.
        connection.credentials = {"private_key": text.getvalue().replace("\n", "")}
        connection.save()

        assert probe(connection, now=NOW) is not None

    @pytest.mark.parametrize(("pinned", "word"), [("", "not pinned yet"), ("SHA256:" + "A" * 43, "not the pinned one")])
    def test_an_unknown_host_key_is_refused_before_any_log_in(
        self, customer: Customer, server: Server, pinned: str, word: str
    ) -> None:
        connection = sftp(customer, server, host_key=pinned)

        assert probe(connection, now=NOW) is None
        connection.refresh_from_db()
        assert connection.status == Connection.Status.NEEDS_REAUTHORISATION
        assert word in connection.status_reason and server.fingerprint in connection.status_reason

    def test_a_wrong_password_is_said(self, customer: Customer, server: Server) -> None:
        connection = sftp(customer, server)
        connection.credentials = {"password": "not this"}
        connection.save()

        assert probe(connection, now=NOW) is None
        connection.refresh_from_db()
        assert "refused the log-in of kestrel" in connection.status_reason

    def test_private_addresses_follow_the_rule_of_all_calls(
        self, customer: Customer, server: Server, settings: Any
    ) -> None:
        settings.OUTBOUND_ALLOW_PRIVATE = False
        connection = sftp(customer, server)

        assert probe(connection, now=NOW) is None
        connection.refresh_from_db()
        assert "a private address" in connection.status_reason

    def test_nobody_there(self, customer: Customer, server: Server) -> None:
        connection = sftp(customer, server, port="9")

        assert probe(connection, now=NOW) is None
        connection.refresh_from_db()
        assert connection.status == Connection.Status.FAILING
