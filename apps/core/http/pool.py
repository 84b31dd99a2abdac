"""Connections that connect only to checked addresses and tell how far an exchange got; one pool a thread."""

import http.cookiejar
import socket
import threading
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from apps.core.http.guard import resolve
from apps.core.http.watchdog import Exchange

_local = threading.local()


def session() -> requests.Session:
    """This thread's session: keeps connections alive, keeps no cookie, reads no proxy or netrc."""
    found: requests.Session | None = getattr(_local, "session", None)
    if found is None:
        found = requests.Session()
        found.trust_env = False
        found.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        found.mount("https://", GuardedAdapter())
        found.mount("http://", GuardedAdapter())
        _local.session = found
    return found


def begin(exchange: Exchange) -> None:
    """Make `exchange` the one this thread's connections report to."""
    _local.exchange = exchange


class _Guarded:
    """Mixed into urllib3's connections."""

    _scheme = "https"

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

    def send(self, data: Any) -> None:
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
