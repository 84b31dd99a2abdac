"""Hosts of their own on one machine: each with its network, host name, processes and temporary files, and nothing else it can write.

Postgres is reached over the network between them. Needs root on Linux.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from launcher import debian
from tests.scale.servers import refuse

_LEAVE = """
hostname "$1"; shift
mount -t tmpfs none /var/tmp
mount -o remount,bind,ro /
exec "$@"
"""


class Network:
    """A switch, and this machine's place at it."""

    def __init__(self) -> None:
        self._tag = secrets.token_hex(2)
        self._subnet = f"10.{100 + secrets.randbelow(100)}.{secrets.randbelow(250)}"
        self._hosts: list[str] = []
        self.bridge = f"tl{self._tag}"
        self.address = f"{self._subnet}.1"

    def start(self) -> None:
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")

    def stop(self) -> None:
        for name in self._hosts:
            _ip("netns", "del", f"{self.bridge}{name}")
        _ip("link", "del", self.bridge)

    def host(self, name: str) -> "Host":
        self._hosts.append(name)
        number = len(self._hosts)
        space, outside, inside = f"{self.bridge}{name}", f"{self.bridge}o{number}", f"{self.bridge}i{number}"
        _ip("netns", "add", space)
        _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", space)
        _ip("link", "set", outside, "master", self.bridge, "up")
        _ip("-n", space, "addr", "add", f"{self._subnet}.{number + 1}/24", "dev", inside)
        _ip("-n", space, "link", "set", inside, "up")
        _ip("-n", space, "link", "set", "lo", "up")
        return Host(name, space, outside)


class Host:
    def __init__(self, name: str, space: str, cable: str) -> None:
        self.name = name
        self._cable = cable
        unshared = ["unshare", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        self.run = ["ip", "netns", "exec", space, *unshared, "sh", "-ec", _LEAVE, "host", name]
        """Put before a command, it runs there. Its only writable folder is /var/tmp, and empty."""

    def unplug(self) -> None:
        _ip("link", "set", self._cable, "down")

    def plug_in(self) -> None:
        _ip("link", "set", self._cable, "up")


@contextmanager
def network() -> Iterator[Network]:
    """Skips the test where there can be none; in CI that is a failure."""
    if os.geteuid() != 0:
        refuse("hosts of their own need root")
    for name, package in (("ip", "iproute2"), ("unshare", "util-linux")):
        found, reason = debian.ensure([name], [package], what=name)
        if found is None:
            refuse(reason)
    made = Network()
    try:
        made.start()
    except subprocess.CalledProcessError as error:
        refuse(f"this machine makes no networks: {error.stderr}")
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def reachable(database_url: str, address: str) -> Iterator[str]:
    """The database, which listens on loopback alone, at another address of this machine. Yields its address there."""
    parts = urlsplit(database_url)
    assert parts.hostname and parts.port
    stop = threading.Event()
    listening = threading.Event()

    async def serve() -> None:
        async with await asyncio.start_server(_forwarder(parts.hostname, parts.port), address, parts.port):
            listening.set()
            while not stop.is_set():
                await asyncio.sleep(0.1)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert listening.wait(10)
    try:
        yield urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{address}:{parts.port}"))
    finally:
        stop.set()
        thread.join(10)


def _forwarder(host: str, port: int):  # type: ignore[no-untyped-def]
    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(pipe(reader, to_writer), pipe(to_reader, writer))

    return forward


def _ip(*arguments: str) -> None:
    path = shutil.which("ip") or "/usr/sbin/ip"
    subprocess.run([path, *arguments], check=True, capture_output=True, text=True)
