"""Fetching files that wait in the watched folder or on the SFTP server. What was fetched stays where it is; it is fetched again
only when its size or time changes."""

import base64
import hashlib
import io
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from django.conf import settings
from django.db import connection as database

from apps.connectors.manifest import Family
from apps.connectors.models import Connection
from apps.connectors.stores import merged_config, merged_credentials
from apps.connectors.types import ReauthorisationError, VendorPermanentError, VendorTransientError
from apps.core.errors import AppError
from apps.core.http import BlockedAddressError, NotSentError
from apps.core.http.sockets import open_socket
from apps.core.problems import Problem, clear, report
from apps.tabular.models import DataFile, SeenFile
from apps.tabular.reading.limits import MAX_BYTES
from apps.tabular.services.intake import IntakeError, receive_file

# A file that changed a moment ago may still be under way.
_SETTLED = timedelta(seconds=30)
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")
_WANTED = (".csv", ".tsv", ".txt", ".xlsx")
_MOST_FILES = 2_000
_A_TIME = 20
_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Waiting:
    path: str
    size: int
    changed_at: datetime

    @property
    def stamp(self) -> str:
        return f"{self.size} {self.changed_at.isoformat()}"


class Place(Protocol):
    """Where files wait."""

    title: str

    def files(self) -> Iterator[Waiting]: ...

    def open(self, path: str) -> BinaryIO: ...

    def state(self, path: str) -> Waiting:
        """The file as it stands now."""
        ...


class _MovedError(Exception):
    """The file changed while it was read, or ended early: what came is no state of it."""


def channel_of(connection: Connection) -> str:
    """upload, folder or sftp, by the chosen way to hand files over."""
    method = connection.manifest.method(str(connection.config.get("auth_method", ""))).name
    return "sftp" if method.startswith("sftp") else method


def look(connection: Connection) -> str:
    """Whether the place can be reached; its name for people."""
    if channel_of(connection) == DataFile.Channel.UPLOAD:
        return "files by upload"
    with _place(connection) as place:
        count = sum(1 for _ in place.files())
        return f"{place.title} ({count} files)"


def collect(connection: Connection, object_name: str, *, now: datetime) -> list[DataFile]:
    """Take in what waits for this kind of record. A file's kind is told by its name or by the folder it lies in."""
    channel = channel_of(connection)
    if channel == DataFile.Channel.UPLOAD:
        return []
    taken: list[DataFile] = []
    with _place(connection) as place:
        known = dict(SeenFile.objects.filter(connection=connection).values_list("path", "stamp"))
        waiting = [
            found
            for found in place.files()
            if known.get(found.path) != found.stamp
            and kind_of(found.path, list(connection.manifest.objects)) == object_name
            and found.changed_at <= now - _SETTLED
        ]
        for found in sorted(waiting, key=lambda item: (item.changed_at, item.path))[:_A_TIME]:
            file = _take(connection, place, found, object_name, channel, now)
            if file is not None:
                taken.append(file)
    return taken


def kind_of(path: str, objects: list[str]) -> str:
    """`time_entries/may.csv`, `Time entries 2026-05.xlsx` and `time-entries.csv` hold time entries; the longest name wins."""
    stem = path.rpartition(".")[0] or path
    parts = [re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in stem.split("/")]
    for name in sorted(objects, key=len, reverse=True):
        if name in parts[:-1] or parts[-1] == name or parts[-1].startswith(f"{name}_"):
            return name
    return ""


def _take(
    connection: Connection, place: Place, found: Waiting, object_name: str, channel: str, now: datetime
) -> DataFile | None:
    key = f"fetch:{connection.pk}:{hashlib.sha256(found.path.encode()).hexdigest()[:16]}"
    try:
        if found.size > MAX_BYTES:
            raise IntakeError(f"{found.path} is larger than {MAX_BYTES // 1024 // 1024} MB.")
        with place.open(found.path) as stream:
            received = receive_file(
                connection,
                object_name=object_name,
                name=found.path,
                content=_whole(place, found, stream),
                channel=channel,
                actor=None,
                reason=f"found as {found.path}",
                now=now,
            )
    except _MovedError:
        return None  # it is new again at the next look
    except IntakeError as error:
        _note(connection, found, None, error.message)
        report(
            Problem(
                customer_id=connection.customer_id,
                connection_id=connection.pk,
                trace_key=key,
                reason="file_refused",
                title=f"The file {found.path} was not taken: {error.message}",
                subject_kind="connection",
                subject_id=connection.pk,
                detail={"file": found.path, "error": error.message},
            )
        )
        return None
    _note(connection, found, received.file, "" if received.is_new else "the same content came before")
    clear(customer_id=connection.customer_id, trace_keys=[key], note="The file was taken.")
    return received.file if received.is_new else None


def _whole(place: Place, found: Waiting, stream: BinaryIO) -> Iterator[bytes]:
    """What stands in the file; ends in an error, so that nothing is kept, unless it is still as it was found."""
    size = 0
    while piece := stream.read(256 * 1024):
        size += len(piece)
        yield piece
    if size != found.size or place.state(found.path).stamp != found.stamp:
        raise _MovedError


def _note(connection: Connection, found: Waiting, file: DataFile | None, note: str) -> None:
    SeenFile.objects.update_or_create(
        connection=connection,
        path=found.path[-500:],
        defaults={"customer_id": connection.customer_id, "stamp": found.stamp, "file": file, "note": note},
    )


@contextmanager
def _place(connection: Connection) -> Iterator[Place]:
    if channel_of(connection) == DataFile.Channel.FOLDER:
        yield Folder(connection)
        return
    import paramiko  # late: only those who use SFTP pay for it

    server = SftpServer(connection)
    try:
        yield server
    except (EOFError, OSError, paramiko.SSHException) as error:
        raise VendorTransientError(
            f"{connection.name}: the SFTP server broke off: {error}",
            family=Family.TRANSIENT,
            retry_after_seconds=None,
            call=None,
        )
    finally:
        server.close()


class Folder:
    """A folder on this machine, always below the partner's and customer's own: nobody can name another's."""

    def __init__(self, connection: Connection) -> None:
        if not settings.FILE_FOLDER_ROOT:
            raise _permanent(
                connection, "watched folders are switched off here. The operator sets FILE_FOLDER_ROOT.", "folders_off"
            )
        home = Path(settings.FILE_FOLDER_ROOT) / database.schema_name / connection.customer.slug  # type: ignore[attr-defined]
        name = str(merged_config(connection).get("folder") or "").strip().strip("/")
        self._home = home.resolve()
        self._folder = (home / name).resolve()
        if not self._folder.is_relative_to(self._home):
            raise _permanent(connection, f"the folder {name!r} is outside the customer's own.", "folder_outside")
        if not self._folder.is_dir():
            shown = self._folder.relative_to(Path(settings.FILE_FOLDER_ROOT).resolve())
            raise _permanent(connection, f"there is no folder {shown} below FILE_FOLDER_ROOT yet.", "folder_missing")
        self.title = f"folder {name or connection.customer.slug}"

    def files(self) -> Iterator[Waiting]:
        for count, path in enumerate(sorted(self._folder.rglob("*"))):
            if count >= 10 * _MOST_FILES:
                return
            # A link may lead out of the folder, so none is followed.
            if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(self._folder):
                continue
            name = path.relative_to(self._folder).as_posix()
            if _is_table(name):
                yield self.state(name)

    def open(self, path: str) -> BinaryIO:
        opened: BinaryIO = (self._folder / path).open("rb")
        return opened

    def state(self, path: str) -> Waiting:
        found = (self._folder / path).stat()
        return Waiting(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


class SftpServer:
    """An SFTP server whose host key is pinned. The connection goes to a checked address only."""

    def __init__(self, connection: Connection) -> None:
        import paramiko  # late: only those who use SFTP pay for it

        config, secrets = merged_config(connection), merged_credentials(connection)
        host, port = str(config.get("host", "")), int(config.get("port") or 22)
        self._root = "/" + str(config.get("folder") or "").strip().strip("/") if config.get("folder") else "."
        self.title = f"{config.get('username')}@{host}"
        try:
            sock = open_socket(host, port, scheme="sftp", timeout=_TIMEOUT)
        except BlockedAddressError as error:
            raise VendorPermanentError(
                f"{connection.name}: {error.message}", family=Family.PERMISSION, call=None, code=error.code
            )
        except NotSentError as error:
            raise VendorTransientError(
                f"{connection.name}: {error.message}", family=Family.TRANSIENT, retry_after_seconds=None, call=None
            )
        try:
            self._transport = paramiko.Transport(sock)
            self._transport.banner_timeout = self._transport.handshake_timeout = self._transport.auth_timeout = _TIMEOUT
            self._transport.start_client(timeout=_TIMEOUT)
        except (paramiko.SSHException, EOFError, OSError) as error:
            sock.close()
            raise VendorTransientError(
                f"{connection.name}: no SSH at {host}:{port}: {error}",
                family=Family.TRANSIENT,
                retry_after_seconds=None,
                call=None,
            )
        try:
            self._check_key(connection, str(config.get("host_key", "")))
            self._log_in(connection, str(config.get("username", "")), secrets)
            channel = paramiko.SFTPClient.from_transport(self._transport)
            if channel is None:
                raise _permanent(connection, "the server offers no SFTP.", "no_sftp")
            channel.get_channel().settimeout(_TIMEOUT)  # type: ignore[union-attr]
            self._sftp = channel
        except paramiko.SSHException as error:
            self._transport.close()
            raise VendorTransientError(
                f"{connection.name}: SFTP failed: {error}", family=Family.TRANSIENT, retry_after_seconds=None, call=None
            )
        except AppError:
            self._transport.close()
            raise

    def close(self) -> None:
        self._transport.close()

    def files(self) -> Iterator[Waiting]:
        yield from self._walk(self._root, "", 0)

    def open(self, path: str) -> BinaryIO:
        opened = self._sftp.open(f"{self._root}/{path}", "rb")
        opened.prefetch(min(opened.stat().st_size or 0, MAX_BYTES + 1))
        return opened  # type: ignore[return-value]

    def state(self, path: str) -> Waiting:
        return _waiting(path, self._sftp.stat(f"{self._root}/{path}"))

    def _walk(self, folder: str, prefix: str, depth: int) -> Iterator[Waiting]:
        try:
            entries = self._sftp.listdir_attr(folder)
        except (FileNotFoundError, PermissionError) as error:
            if prefix:
                return
            raise VendorPermanentError(
                f"{self.title}: the folder {folder} can't be listed: {error}",
                family=Family.NOT_FOUND, call=None, code="folder_missing",
            )  # fmt: skip
        for entry in sorted(entries[:_MOST_FILES], key=lambda item: item.filename):
            name = f"{prefix}{entry.filename}"
            mode = entry.st_mode or 0
            if entry.filename in (".", "..") or "/" in entry.filename:
                continue
            if stat.S_ISDIR(mode) and depth < 2:
                yield from self._walk(f"{folder}/{entry.filename}", f"{name}/", depth + 1)
            elif stat.S_ISREG(mode) and _is_table(name):
                yield _waiting(name, entry)

    def _check_key(self, connection: Connection, pinned: str) -> None:
        """The pinned key may be given as its fingerprint or as the line of known_hosts."""
        key = self._transport.get_remote_server_key()
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        shown = f"{key.get_name()} SHA256:{digest}"
        if f"SHA256:{digest}" in pinned.split() or key.get_base64() in pinned.split():
            return
        what = "is not the pinned one" if pinned.strip() else "is not pinned yet"
        raise ReauthorisationError(
            f"{connection.name}: the server's key {what}. It showed {shown}. Compare this with what the server's "
            "administrator says, and only then enter it as the host key.",
            family=Family.AUTH, call=None, code="host_key",
        )  # fmt: skip

    def _log_in(self, connection: Connection, username: str, secrets: dict[str, Any]) -> None:
        import paramiko

        try:
            if text := str(secrets.get("private_key") or ""):
                self._transport.auth_publickey(
                    username, _private_key(text, str(secrets.get("passphrase") or "") or None)
                )
            else:
                self._transport.auth_password(username, str(secrets.get("password") or ""))
        except paramiko.AuthenticationException as error:
            raise ReauthorisationError(
                f"{connection.name}: the server refused the log-in of {username}: {error}",
                family=Family.AUTH,
                call=None,
            )
        except ValueError as error:
            raise ReauthorisationError(
                f"{connection.name}: the private key can't be read: {error}", family=Family.AUTH, call=None
            )


def _waiting(name: str, entry: Any) -> Waiting:
    return Waiting(name, entry.st_size or 0, datetime.fromtimestamp(entry.st_mtime or 0, UTC))


def _private_key(text: str, passphrase: str | None) -> Any:
    import paramiko

    kinds = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
    # A one-line form field turns line ends into blanks.
    if "\n" not in text.strip() and (
        match := re.match(r"(-----BEGIN [A-Z ]+-----)\s*(.*?)\s*(-----END [A-Z ]+-----)", text)
    ):
        text = "\n".join([match[1], *match[2].split(), match[3]]) + "\n"
    failure: Exception | None = None
    for kind in kinds:
        try:
            return kind.from_private_key(io.StringIO(text), password=passphrase)
        except (paramiko.SSHException, ValueError, IndexError) as error:
            failure = error
    raise ValueError(str(failure))


def _is_table(name: str) -> bool:
    lower = name.lower()
    hidden = any(part.startswith((".", "~$")) for part in name.split("/"))
    return not hidden and not lower.endswith(_UNFINISHED) and lower.endswith(_WANTED)


def _permanent(connection: Connection, what: str, code: str) -> VendorPermanentError:
    return VendorPermanentError(f"{connection.name}: {what}", family=Family.PERMISSION, call=None, code=code)
