"""A stretch of wire in front of a database: passes bytes on, and breaks where a check wants it to."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Break:
    """When the client has said `armed` and then says `at`, for the time after `skip` times. Before: the server never gets it.
    After: the server has acted, and its answer is lost."""

    at: bytes
    when: str
    armed: bytes = b""
    skip: int = 0


@dataclass
class Wire:
    host: str
    port: int
    fault: Break | None = None
    broken: int = 0
    _listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((self.host, self.port), 10)
                threading.Thread(target=_pump, args=(server, client), daemon=True).start()
                threading.Thread(target=self._watched, args=(client, server), daemon=True).start()

    def _watched(self, client: socket.socket, server: socket.socket) -> None:
        heard = b""
        with suppress(OSError):
            while block := client.recv(65_536):
                fault = self.fault
                heard = (heard + block)[-200_000:]
                if fault is not None and fault.at in block and fault.armed in heard:
                    if fault.skip > 0:
                        fault.skip -= 1
                    else:
                        self.fault, self.broken = None, self.broken + 1
                        if fault.when == "after":
                            # The answer of this statement is for nobody: the client is gone before it comes.
                            client.shutdown(socket.SHUT_RDWR)
                            server.sendall(block)
                            server.shutdown(socket.SHUT_WR)  # it finishes what it has, then sees the end
                            return
                        break
                server.sendall(block)
        for one in (client, server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65_536):
            target.sendall(block)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
