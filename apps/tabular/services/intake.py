"""Taking a file in: kept in the database, whole, before anybody says that it has arrived."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.json_text import storable
from apps.core.work import wake
from apps.core.work.kinds import STAGE
from apps.tabular.models import DataFile, FilePart, FileStatus
from apps.tabular.reading.limits import MAX_BYTES

_PART = 256 * 1024
# Who uploads reads a small file in the same request; the worker takes it up only if that did not happen.
WHILE_SOMEBODY_WAITS = timedelta(minutes=2)


class IntakeError(PermanentError):
    """The file is not taken; the message says why."""

    code = "file_not_taken"


@dataclass(frozen=True, slots=True)
class Received:
    file: DataFile
    is_new: bool


def receive_file(
    connection: Connection,
    *,
    object_name: str,
    name: str,
    content: Iterable[bytes],
    channel: str,
    actor: User | None,
    reason: str,
    now: datetime,
) -> Received:
    """Keep the file and have it read. One that was received before (by its content) is returned as it stands; one that could
    not be read then is read again."""
    if connection.manifest.client.kind != "files":
        raise IntakeError(f"{connection.name} takes no files.")
    if object_name and object_name not in connection.manifest.objects:
        raise IntakeError(
            f"{connection.name} knows no {object_name!r}; it knows: {', '.join(connection.manifest.objects)}."
        )
    name = storable(PurePosixPath(name.replace("\\", "/")).name)[-255:] or "file"
    try:
        with transaction.atomic():
            file = DataFile.objects.create(
                customer_id=connection.customer_id,
                connection=connection,
                object_name=object_name,
                name=name,
                size=0,
                sha256=f"under way {hashlib.sha256(f'{connection.pk} {now} {name}'.encode()).hexdigest()[:40]}",
                channel=channel,
                actor=str(actor or ""),
                received_at=now,
            )
            digest, size = _keep(file, content)
            if not size:
                raise IntakeError(f"{name} is empty.")
            DataFile.objects.filter(pk=file.pk).update(sha256=digest, size=size)
            wake(STAGE, file.pk, due_at=now + WHILE_SOMEBODY_WAITS if channel == DataFile.Channel.UPLOAD else None)
    except IntegrityError:
        # The constraint speaks, not a look before: two uploads of one file at the same moment are one file.
        return _known(connection, digest, object_name, now=now)
    file.refresh_from_db()
    return Received(file, is_new=True)


def _known(connection: Connection, digest: str, object_name: str, *, now: datetime) -> Received:
    with transaction.atomic():
        file = DataFile.objects.select_for_update().get(connection=connection, sha256=digest)
        if file.status in (FileStatus.REFUSED, FileStatus.NEEDS_LAYOUT):
            if object_name:
                file.object_name = object_name
            file.status, file.error = FileStatus.RECEIVED, ""
            file.columns, file.rows, file.chunk_count = [], 0, 0
            file.save(update_fields=["object_name", "status", "error", "columns", "rows", "chunk_count"])
            wake(STAGE, file.pk, due_at=now + WHILE_SOMEBODY_WAITS)
    return Received(file, is_new=False)


def _keep(file: DataFile, content: Iterable[bytes]) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    for number, part in enumerate(_in_parts(content)):
        size += len(part)
        if size > MAX_BYTES:
            raise IntakeError(
                f"{file.name} is larger than {MAX_BYTES // 1024 // 1024} MB. Export fewer rows at a time, for example by year."
            )
        digest.update(part)
        FilePart.objects.create(customer_id=file.customer_id, file=file, number=number, content=part)
    return digest.hexdigest(), size


def _in_parts(content: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of any size, cut into parts of one size."""
    waiting = bytearray()
    for piece in content:
        waiting += piece
        while len(waiting) >= _PART:
            yield bytes(waiting[:_PART])
            del waiting[:_PART]
    if waiting:
        yield bytes(waiting)


def open_original(file: DataFile) -> Iterator[bytes]:
    """The file as it came, part by part."""
    numbers = FilePart.objects.filter(file=file).order_by("number").values_list("number", flat=True)
    for number in list(numbers):
        yield bytes(FilePart.objects.values_list("content", flat=True).get(file=file, number=number))
