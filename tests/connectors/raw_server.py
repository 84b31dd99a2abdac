"""A server that says exactly what a test wants, byte by byte: well-behaved ones cannot show how bad answers are met."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket, bytes], None]


@contextmanager
def raw_server(behaviour: Behaviour, *, until: bytes = b"\r\n\r\n") -> Iterator["RawServer"]:
    server = RawServer(behaviour, until)
    try:
        yield server
    finally:
        server.close()


class RawServer:
    def __init__(self, behaviour: Behaviour, until: bytes) -> None:
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self._behaviour = behaviour
        self._until = until
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.stopped.set()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(sock,), daemon=True).start()

    def _answer(self, sock: socket.socket) -> None:
        with sock:
            data = b""
            while self._until not in data:
                piece = sock.recv(65536)
                if not piece:
                    return
                data += piece
            self.requests.append(data)
            try:
                self._behaviour(sock, data)
            except OSError:
                return


def answer(body: bytes, *, status: str = "200 OK", headers: str = "Connection: close\r\n") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n{headers}\r\n"
    return head.encode() + body
