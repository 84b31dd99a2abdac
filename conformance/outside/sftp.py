"""An SFTP server on this machine (paramiko's own server side), which breaks off or lets a file change where it is told to."""

import base64
import hashlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko

USER = "kestrel"


class _Handle(paramiko.SFTPHandle):
    reading: Callable[[], None]

    def stat(self) -> Any:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))  # type: ignore[attr-defined]

    def read(self, offset: int, length: int) -> Any:
        self.reading()
        return super().read(offset, length)


class _Files(paramiko.SFTPServerInterface):
    server: "Server"

    def _real(self, path: str) -> Path:
        return self.server.root / path.lstrip("/").removeprefix("./")

    def list_folder(self, path: str) -> Any:
        if not self._real(path).is_dir():
            return paramiko.SFTP_NO_SUCH_FILE
        found = []
        for item in self._real(path).iterdir():
            attributes = paramiko.SFTPAttributes.from_stat(item.stat())
            attributes.filename = item.name
            found.append(attributes)
        return found

    def stat(self, path: str) -> Any:
        try:
            return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        handle = _Handle(flags)
        handle.reading = self.server.reading
        handle.readfile = self._real(path).open("rb", buffering=0)  # type: ignore[attr-defined]
        return handle


class _Door(paramiko.ServerInterface):
    def __init__(self, server: "Server") -> None:
        self._server = server

    def check_auth_password(self, username: str, password: str) -> int:
        self._server.log_ins += 1
        good = (username, password) == (USER, self._server.password)
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._server.log_ins += 1
        return paramiko.AUTH_SUCCESSFUL if key == self._server.user_key else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"


class Server:
    """It serves what lies below `root` until it is closed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host_key, self.user_key = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
        self.password = base64.urlsafe_b64encode(os.urandom(9)).decode()
        self.log_ins = 0
        self.at_read: dict[int, Callable[[], None]] = {}
        """What happens before the n-th piece of a file from now is read, counted from 1; once each."""
        self._reads = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.host_key.asbytes()).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def happen(self, number: int, what: Callable[[], None]) -> None:
        self._reads, self.at_read = 0, {number: what}

    def reading(self) -> None:
        self._reads += 1
        if (what := self.at_read.pop(self._reads, None)) is not None:
            what()

    def break_off(self) -> None:
        """Ends every connection, in the middle of whatever it is doing."""
        for transport in self._transports:
            transport.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(sock)
            transport.add_server_key(self.host_key)
            files = type("Files", (_Files,), {"server": self})
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, files)
            self._transports.append(transport)
            try:
                transport.start_server(server=_Door(self))
            except (paramiko.SSHException, EOFError):
                continue

    def close(self) -> None:
        self._listener.close()
        self.break_off()
