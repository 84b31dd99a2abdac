"""What the checks stand on: a customer's connections, a folder, a database of its own, and the engine's work done at once."""

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection as own
from django.test.utils import override_settings
from psycopg import sql

from apps.accounts.models import Customer
from apps.connectors.manifest import Manifest
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.core.work.kinds import PULL
from apps.exceptions.models import ExceptionCase
from apps.syncs.models import Sync, SyncRun
from apps.syncs.models.pulls import RunStatus
from apps.syncs.services import start_run
from apps.syncs.services.pulling import pull
from apps.tabular.models import DataFile, FileStatus
from apps.tabular.services import layouts
from apps.tabular.services.intake import receive_file
from apps.tabular.services.staging import read_soon
from conformance.engine import claimed
from conformance.outside.sftp import USER, Server
from conformance.outside.wire import Wire
from conformance.result import need

PATIENCE = 60.0


class KilledError(BaseException):
    """The worker ends here. Not an `Exception`: nothing may catch it and tidy up."""


def ends_after(calls: int, inner: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; the worker ends when so many calls of it are done."""
    count = 0

    def dying(*args: Any, **given: Any) -> Any:
        nonlocal count
        count += 1
        found = inner(*args, **given)
        if count == calls:
            raise KilledError
        return found

    return dying


@dataclass
class Outside:
    manifest: Manifest
    customer: Customer
    folder: Path
    database: "psycopg.Connection[Any]"
    wire: Wire
    server: Server
    _made: int = field(default=0)

    # Connections

    def files(self, **config: Any) -> Connection:
        return self._connection({"auth_method": "upload", **config})

    def sftp(self) -> Connection:
        config = {
            "auth_method": "sftp_password", "host": "127.0.0.1", "port": str(self.server.port), "username": USER,
            "host_key": self.server.fingerprint, "folder": "out",
        }  # fmt: skip
        return self._connection(config, {"password": self.server.password})

    def connection(self, **config: Any) -> Connection:
        """To the database, through the wire."""
        found = settings.DATABASES["default"]
        about = {
            "host": "127.0.0.1", "port": str(self.wire.address), "database": self.database.info.dbname,
            "username": found["USER"], "tls": "disable", **config,
        }  # fmt: skip
        return self._connection(about, {"password": found["PASSWORD"]})

    def _connection(self, config: dict[str, Any], credentials: dict[str, Any] | None = None) -> Connection:
        row = create_connection(
            customer=self.customer, connector=self.manifest.slug, name=f"Kit {secrets.token_hex(5)}", config=config,
            credentials=credentials or {}, actor=None, reason="conformance kit", now=datetime.now(UTC),
        )  # fmt: skip
        Connection.objects.filter(pk=row.pk).update(status=Connection.Status.OK)
        row.refresh_from_db()
        return row

    # Reading

    def read(self, connection: Connection, name: str, *, full: bool = False) -> SyncRun:
        """One run to its end, whatever it is; between its slices no time is lost by waiting."""
        sync = Sync.objects.get(connection=connection, object_name=name)
        start_run(sync, trigger=SyncRun.Trigger.MANUAL, actor=None, now=datetime.now(UTC), full=full)
        return self.go_on(connection, name)

    def go_on(self, connection: Connection, name: str) -> SyncRun:
        sync = Sync.objects.get(connection=connection, object_name=name)
        ends, now = time.monotonic() + PATIENCE, datetime.now(UTC)
        with claimed(PULL, sync.pk) as work:
            while SyncRun.objects.filter(sync=sync, status=RunStatus.RUNNING).exists():
                again = pull(work, now)
                need(time.monotonic() < ends, f"{name}: a read did not end within {PATIENCE:g} s")
                now = max(datetime.now(UTC), again or now)
        return SyncRun.objects.filter(sync=sync).latest("pk")

    def upload(self, connection: Connection, content: bytes | str, name: str = "time_entries.csv") -> DataFile:
        data = content.encode() if isinstance(content, str) else content
        received = receive_file(
            connection, object_name="time_entries", name=name, channel="upload", actor=None, reason="conformance kit",
            content=(data[at : at + 7919] for at in range(0, len(data), 7919)), now=datetime.now(UTC),
        )  # fmt: skip
        return read_soon(received.file, actor=None, now=datetime.now(UTC))

    def confirm(self, file: DataFile, keys: list[str]) -> DataFile:
        found = layouts.suggest(file)
        columns = {c.header: {"field": c.field, "format": c.format, "keep": c.keep} for c in found.columns}
        return layouts.confirm_layout(
            file, object_name=file.object_name, columns=columns, keys=keys, actor=None, reason="conformance kit",
            now=datetime.now(UTC),
        )  # fmt: skip

    def taken(self, connection: Connection, content: bytes | str, *, name: str = "time_entries.csv") -> DataFile:
        """Uploaded, confirmed where nobody has yet, and taken over."""
        file = self.upload(connection, content, name)
        if file.status == FileStatus.NEEDS_LAYOUT:
            file = self.confirm(file, ["Id"])
        self.read(connection, "time_entries")
        file.refresh_from_db()
        return file

    def put(self, path: str, content: str, *, age: timedelta = timedelta(hours=1), at: Path | None = None) -> None:
        """Write a file, in the watched folder unless said, that was changed so long ago."""
        target = (at or self.folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        moment = (datetime.now(UTC) - age).timestamp()
        os.utime(target, (moment, moment))

    # What became of it

    def cases(self, connection: Connection, reason: str = "") -> list[ExceptionCase]:
        found = ExceptionCase.objects.filter(connection_id=connection.pk).exclude(status__in=["resolved", "ignored"])
        return list(found.filter(reason=reason) if reason else found)


@contextmanager
def bench(manifest: Manifest, customer: Customer) -> Iterator[Outside]:
    found = settings.DATABASES["default"]
    where = {"host": found["HOST"], "port": found["PORT"], "user": found["USER"], "password": found["PASSWORD"]}
    name = f"{own.settings_dict['NAME']}_kit_{secrets.token_hex(4)}"
    with (
        tempfile.TemporaryDirectory(prefix="kit-") as root,
        override_settings(FILE_FOLDER_ROOT=root, OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]),
        psycopg.connect(**where, dbname=own.settings_dict["NAME"], autocommit=True) as admin,
    ):
        folder = Path(root) / own.schema_name / customer.slug / "drop"  # type: ignore[attr-defined]
        folder.mkdir(parents=True)
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        server = Server(Path(root) / "server")
        (server.root / "out").mkdir(parents=True)
        wire = Wire(str(found["HOST"] or "127.0.0.1"), int(found["PORT"] or 5432))
        try:
            with psycopg.connect(**where, dbname=name, autocommit=True) as database:
                yield Outside(manifest, customer, folder, database, wire, server)
        finally:
            wire.close()
            server.close()
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
