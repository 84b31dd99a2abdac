"""Short words for tests of files: a connection, a file received and read, the work a worker would do."""

from datetime import UTC, datetime
from typing import Any

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.core.models import DueWork
from apps.core.work import queue, tasks
from apps.syncs.models import Sync
from apps.tabular.models import DataFile, FileStatus
from apps.tabular.services import layouts
from apps.tabular.services.intake import Received, receive_file
from apps.tabular.services.staging import read_soon

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TIME = """Datum;Mitarbeiter;Projekt;Stunden;Abrechenbar;Bemerkung;Nr.
31.01.2026;Ada Novak;Website;7,5;ja;Konzept;1
01.02.2026;Ben Okafor;Website;1.234,25;nein;;2
02.02.2026;Ada Novak;Checkout;-0,5;ja;Korrektur;3
"""


def files_connection(customer: Customer, **config: Any) -> Connection:
    connection = create_connection(
        customer=customer,
        connector="files",
        name="Files",
        roles=["time", "psa"],
        config={"auth_method": "upload", **config},
        actor=None,
        reason="test",
        now=NOW,
    )
    Connection.objects.filter(pk=connection.pk).update(status=Connection.Status.OK)
    connection.refresh_from_db()
    return connection


def receive(
    connection: Connection,
    text: str | bytes,
    object_name: str = "time_entries",
    *,
    name: str = "time.csv",
    now: datetime = NOW,
) -> Received:
    content = text.encode() if isinstance(text, str) else text
    found = receive_file(
        connection,
        object_name=object_name,
        name=name,
        content=(content[at : at + 7919] for at in range(0, len(content), 7919)),
        channel="upload",
        actor=None,
        reason="test",
        now=now,
    )
    return Received(read_soon(found.file, actor=None, now=now), found.is_new)


def confirm(file: DataFile, *, keys: list[str] | None = None, **changes: dict[str, Any]) -> DataFile:
    """Confirm what is proposed, with `changes` by heading."""
    found = layouts.suggest(file)
    columns = {c.header: {"field": c.field, "format": c.format, "keep": c.keep} for c in found.columns}
    for header, change in changes.items():
        columns[header] = {**columns[header], **change}
    return layouts.confirm_layout(
        file,
        object_name=file.object_name,
        columns=columns,
        keys=found.keys if keys is None else keys,
        actor=None,
        reason="test",
        now=NOW,
    )


def work_off(*kinds: str, rounds: int = 200) -> None:
    """Do what is due of these kinds, as a worker would."""
    for _ in range(rounds):
        DueWork.objects.exclude(kind__in=kinds).delete()
        work = queue.claim()
        if work is None:
            return
        tasks.run(work)
    raise AssertionError("there is still work after many rounds")


def load(file: DataFile) -> DataFile:
    """Have the rows of a confirmed file taken over."""
    work_off("syncs.pull")
    file.refresh_from_db()
    return file


def loaded(connection: Connection, text: str | bytes, object_name: str = "time_entries", **more: Any) -> DataFile:
    file = receive(connection, text, object_name, name=more.pop("name", "time.csv")).file
    if file.status == FileStatus.NEEDS_LAYOUT:
        file = confirm(file, **more)
    return load(file)


def sync_of(connection: Connection, object_name: str = "time_entries") -> Sync:
    return Sync.objects.get(connection=connection, object_name=object_name)
