"""Connections that are not HTTP (SFTP, databases), under the same rule about addresses."""

import socket

from apps.core.http.errors import NotSentError
from apps.core.http.guard import resolve


def open_socket(host: str, port: int, *, scheme: str, timeout: float) -> socket.socket:
    """A TCP connection to a checked address. Raises BlockedAddressError, or NotSentError when nobody answers there."""
    failure: Exception | None = None
    for family, address in checked_addresses(host, port, scheme=scheme):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise NotSentError(f"no connection to {host}:{port}: {failure}")


def checked_addresses(host: str, port: int, *, scheme: str) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """The host's addresses, each of them allowed."""
    try:
        return resolve(host, port, scheme=scheme)
    except (socket.gaierror, UnicodeError) as error:
        raise NotSentError(f"the name {host} is not known: {error}")
