"""Decides which addresses may be called. Checked on the resolved address that is then connected to, so a name that
resolves differently a moment later (DNS rebinding) gains nothing."""

import ipaddress
import socket

from django.conf import settings

from apps.core.http.errors import BlockedAddressError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Schemes under which nothing travels readable.
_ENCRYPTED = {"https", "sftp", "postgres"}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Cloud metadata services that are not link-local.
_METADATA = {ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")}


def resolve(host: str, port: int, *, scheme: str) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """The host's addresses, every one of them allowed; raises `BlockedAddressError` when one is not."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    answers = [(family, (str(sockaddr[0]), int(sockaddr[1]))) for family, _, _, _, sockaddr in found]
    if is_allowed_host(host, port):
        return answers
    for _, (text, _port) in answers:
        if reason := refusal(ipaddress.ip_address(text.partition("%")[0]), scheme=scheme):
            raise BlockedAddressError(
                f"{host} resolves to {text}, {reason}. If this system is meant to be reached, "
                f"the operator adds {host} to OUTBOUND_ALLOWED_HOSTS.",
                host=host,
            )
    return answers


def is_allowed_host(host: str, port: int) -> bool:
    """Named by the operator: `host`, `host:port`, or `.example.com` for all below."""
    host = host.strip("[]").rstrip(".").lower()
    for entry in settings.OUTBOUND_ALLOWED_HOSTS:
        entry = entry.strip().lower()
        if entry in (host, f"{host}:{port}") or (entry.startswith(".") and host.endswith(entry)):
            return True
    return False


def refusal(address: Address, *, scheme: str) -> str:
    """Why the address may not be called; empty when it may."""
    address = _embedded(address)
    if address in _METADATA or address.is_link_local:
        return "a link-local or metadata address"
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return "not the address of a single system"
    if not address.is_global:
        return "" if settings.OUTBOUND_ALLOW_PRIVATE else "a private address"
    return "" if scheme in _ENCRYPTED else f"a public address, over plain {scheme}, where keys would travel readable"


def _embedded(address: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one: it is what is really reached."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address.teredo:
            return address.teredo[1]
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
