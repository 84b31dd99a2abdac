"""Connections that connect only to checked addresses and tell how far an exchange got; one pool a thread."""

import socket
import threading
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from apps.core.http.guard import resolve
from apps.core.http.watchdog import Exchange

_local = threading.local()


def adapter() -> "GuardedAdapter":
    """This thread's way out: keeps connections alive. No session of requests' above it: that would only merge what we do not
    have (cookies, proxies, netrc, redirects), at a third of a call's cost."""
    found: GuardedAdapter | None = getattr(_local, "adapter", None)
    if found is None:
        found = _local.adapter = GuardedAdapter()
    return found


def begin(exchange: Exchange) -> None:
    """Make `exchange` the one this thread's connections report to."""
    _local.exchange = exchange


class _Guarded:
    """Mixed into urllib3's connections."""

    _scheme = "https"
    _held: list[bytes] | None = None

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        host, port = connection._dns_host, int(connection.port)
        try:
            addresses = resolve(host, port, scheme=self._scheme)
        except socket.gaierror as error:
            raise NameResolutionError(host, connection, error)
        failure: OSError | None = None
        for family, address in addresses:
            try:
                return _connect(family, address, connection)
            except TimeoutError:
                failure = ConnectTimeoutError(connection, f"{host} did not accept the connection in time")  # type: ignore[assignment]
            except OSError as error:
                failure = error
        if isinstance(failure, ConnectTimeoutError):
            raise failure
        raise NewConnectionError(connection, f"no connection to {host}: {failure}")

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Head and body leave together: one system call and one packet instead of two."""
        self._held = []
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        finally:
            held, self._held = self._held, None
        self.send(b"".join(held))

    def send(self, data: Any) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        connection: Any = self
        if connection.sock is None:
            connection.connect()
        exchange: Exchange | None = getattr(_local, "exchange", None)
        if exchange is not None:
            exchange.sock = connection.sock
            exchange.was_written = True
        super().send(data)  # type: ignore[misc]


class _PlainConnection(_Guarded, HTTPConnection):
    _scheme = "http"


class _TlsConnection(_Guarded, HTTPSConnection):
    _scheme = "https"


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class GuardedAdapter(HTTPAdapter):
    """requests' adapter over the guarded pools. Nothing is retried below us: we decide what may be sent twice."""

    def __init__(self) -> None:
        super().__init__(pool_connections=32, pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self.poolmanager = manager


def _connect(family: socket.AddressFamily, address: tuple[str, int], connection: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(connection.timeout)
        for option in connection.socket_options or ():
            sock.setsockopt(*option)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock
