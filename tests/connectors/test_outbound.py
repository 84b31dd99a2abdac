"""The one way out: guarded addresses, guarded time and size, and the difference between not sent and perhaps sent."""

import gzip
import ipaddress
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from apps.core.http import (
    AnswerTooLargeError,
    BlockedAddressError,
    MaybeSentError,
    NotSentError,
    OutboundRequest,
    send,
)
from apps.core.http.guard import refusal
from apps.core.http.redact import HIDDEN
from tests.connectors.raw_server import RawServer, answer, raw_server


@pytest.fixture(autouse=True)
def _private_addresses(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.OUTBOUND_ALLOWED_HOSTS = []


def get(url: str, **kwargs: Any) -> OutboundRequest:
    return OutboundRequest("GET", url, **kwargs)


class TestAnswers:
    def test_any_status_is_an_answer(self) -> None:
        with raw_server(lambda sock, _: sock.sendall(answer(b'{"a":1}', status="418 Teapot"))) as server:
            response = send(get(server.url + "/x"))

        assert (response.status, response.json()) == (418, {"a": 1})
        assert response.call.status == 418

    def test_says_who_we_are(self) -> None:
        with raw_server(lambda sock, _: sock.sendall(answer(b"{}"))) as server:
            send(get(server.url, user_agent="Acme Connect (it@acme.example)"))

        assert b"User-Agent: Acme Connect (it@acme.example)\r\n" in server.requests[0]

    def test_one_customers_cookie_is_not_sent_with_the_next_customers_call(self) -> None:
        with raw_server(
            lambda sock, _: sock.sendall(answer(b"{}", headers="Connection: close\r\nSet-Cookie: who=first\r\n"))
        ) as server:
            send(get(server.url))
            send(get(server.url))

        assert all(b"ookie" not in request for request in server.requests)

    def test_a_connection_is_used_again(self) -> None:
        peers = []

        def twice(sock: socket.socket, _: bytes) -> None:
            peers.append(sock.getpeername())
            sock.sendall(answer(b"{}", headers=""))
            sock.recv(65536)
            peers.append(sock.getpeername())
            sock.sendall(answer(b"{}"))

        with raw_server(twice) as server:
            send(get(server.url))
            send(get(server.url))

        assert len(peers) == 2
        assert len(set(peers)) == 1


class TestNotSent:
    def test_refused_connection(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]

        with pytest.raises(NotSentError, match="refused") as caught:
            send(get(f"http://127.0.0.1:{port}/"))

        assert caught.value.call is not None
        assert "Nothing was sent" in caught.value.call.error

    def test_unknown_name(self) -> None:
        with pytest.raises(NotSentError, match="name is not known"):
            send(get("https://no-such-host.invalid/"))

    def test_tls_failure(self) -> None:
        plain = raw_server(lambda sock, _: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), until=b"")

        with plain as server, pytest.raises(NotSentError, match="secure connection failed"):
            send(get(f"https://127.0.0.1:{server.port}/"))


class TestMaybeSent:
    def test_connection_dropped_after_the_request(self) -> None:
        with raw_server(lambda sock, _: None) as server, pytest.raises(MaybeSentError, match="may have been carried"):
            send(OutboundRequest("POST", server.url, body=b"{}"))

    def test_answer_cut_short(self) -> None:
        cut = answer(b"x" * 1000)[:-500]

        with raw_server(lambda sock, _: sock.sendall(cut)) as server, pytest.raises(MaybeSentError):
            send(OutboundRequest("POST", server.url, body=b"{}"))

    def test_silence(self) -> None:
        with (
            raw_server(lambda sock, _: server.stopped.wait(5) and None) as server,
            pytest.raises(MaybeSentError, match="sent nothing for"),
        ):
            send(get(server.url, read_timeout=0.3))

    @pytest.mark.parametrize(
        "beginning",
        [
            b"HTTP/1.1 200 OK\r\nX-Slow: ",
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ],
        ids=["headers", "body", "body of unknown length"],
    )
    def test_an_answer_that_drips_is_ended_at_the_total_time(self, beginning: bytes) -> None:
        def drip(sock: socket.socket, _: bytes) -> None:
            sock.sendall(beginning)
            while not server.stopped.wait(0.05):
                sock.sendall(b"a")

        with raw_server(drip) as server:
            started = time.monotonic()
            with pytest.raises(MaybeSentError, match="did not finish"):
                send(get(server.url, read_timeout=5, total_timeout=0.6))

        assert time.monotonic() - started < 4


class TestSize:
    def test_too_large_an_answer_is_not_read_to_its_end(self) -> None:
        large = raw_server(lambda sock, _: sock.sendall(answer(b"a" * 3_000_000)))

        with large as server, pytest.raises(AnswerTooLargeError, match="larger than 1 MB"):
            send(get(server.url, max_bytes=1024 * 1024))

    def test_a_small_gzip_that_unpacks_to_too_much(self) -> None:
        bomb = gzip.compress(b"0" * 20_000_000)
        assert len(bomb) < 30_000

        packed = answer(bomb, headers="Content-Encoding: gzip\r\n")

        with raw_server(lambda sock, _: sock.sendall(packed)) as server, pytest.raises(AnswerTooLargeError):
            send(get(server.url, max_bytes=1024 * 1024))

    def test_a_gzip_that_is_none(self) -> None:
        lie = answer(b'{"plain": true}', headers="Content-Encoding: gzip\r\n")

        with raw_server(lambda sock, _: sock.sendall(lie)) as server, pytest.raises(MaybeSentError):
            send(get(server.url))


class TestRedirects:
    def test_followed_on_the_same_host_when_allowed(self) -> None:
        def behave(sock: socket.socket, request: bytes) -> None:
            moved = request.startswith(b"GET /old ")
            sock.sendall(
                answer(b"{}", status="302 Found", headers="Connection: close\r\nLocation: /new\r\n")
                if moved
                else answer(b"[1]")
            )

        with raw_server(behave) as server:
            assert send(get(server.url + "/old", follow_redirects=True)).json() == [1]

    def test_never_to_another_host(self) -> None:
        with raw_server(lambda sock, _: sock.sendall(answer(b"[1]"))) as elsewhere:
            headers = f"Location: {elsewhere.url}/\r\n"
            with raw_server(lambda sock, _: sock.sendall(answer(b"", status="302 Found", headers=headers))) as server:
                response = send(get(server.url, follow_redirects=True))

        assert response.status == 302
        assert elsewhere.requests == []


class TestAddresses:
    @pytest.fixture(autouse=True)
    def _public_only(self, settings: Settings) -> None:
        settings.OUTBOUND_ALLOW_PRIVATE = False

    @pytest.fixture
    def server(self) -> Iterator[RawServer]:
        with raw_server(lambda sock, _: sock.sendall(answer(b"{}"))) as server:
            yield server

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
    def test_our_own_machine_is_refused(self, server: RawServer, host: str) -> None:
        with pytest.raises(BlockedAddressError, match="OUTBOUND_ALLOWED_HOSTS"):
            send(get(f"http://{host}:{server.port}/"))

        assert server.requests == []

    def test_a_named_host_is_allowed(self, server: RawServer, settings: Settings) -> None:
        settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]

        assert send(get(server.url)).status == 200

    def test_a_name_that_resolves_differently_a_moment_later_gains_nothing(
        self, server: RawServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        def rebinding(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        connected: list[Any] = []
        monkeypatch.setattr(
            "apps.core.http.pool._connect", lambda family, address, _: connected.append(address) or _refuse()
        )

        with pytest.raises(NotSentError):
            send(get("https://rebind.example/"))

        assert asked == ["rebind.example"]
        assert connected == [("93.184.216.34", 443)]

    def test_one_bad_address_among_good_ones_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)

        with pytest.raises(BlockedAddressError, match=r"10\.0\.0\.1"):
            send(get("https://half.example/"))

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
            "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fd00:ec2::254", "fc00::1", "::ffff:127.0.0.1",
            "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:7f00:1::",
        ],
    )  # fmt: skip
    def test_refused(self, address: str) -> None:
        assert refusal(ipaddress.ip_address(address), scheme="https")

    @pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
    def test_public_addresses_are_called_over_tls_only(self, address: str) -> None:
        assert refusal(ipaddress.ip_address(address), scheme="https") == ""
        assert "plain http" in refusal(ipaddress.ip_address(address), scheme="http")

    def test_metadata_stays_refused_where_private_networks_are_allowed(self, settings: Settings) -> None:
        settings.OUTBOUND_ALLOW_PRIVATE = True

        assert refusal(ipaddress.ip_address("10.0.0.1"), scheme="http") == ""
        assert refusal(ipaddress.ip_address("169.254.169.254"), scheme="http")

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://vendor.example/", "gopher://vendor.example/"])
    def test_other_schemes(self, url: str) -> None:
        with pytest.raises(BlockedAddressError, match="Only http and https"):
            send(get(url))


class TestRecord:
    def test_holds_no_secret_wherever_it_stood(self) -> None:
        secret = "s3cret-Value/42"
        body = f'{{"password": "{secret}", "note": "x {secret} y", "name": "Ada"}}'.encode()
        with raw_server(lambda sock, _: sock.sendall(answer(body, headers=f"X-Echo: {secret}\r\n"))) as server:
            request = OutboundRequest(
                "POST",
                f"{server.url}/p/{secret}?api_key={secret}&page=2",
                {"Authorization": f"Bearer {secret}", "X-Own": secret},
                body,
                secrets=(secret,),
            )
            call = send(request).call

        assert secret not in str(call)
        assert "s3cret" not in str(call)
        assert call.request_headers["Authorization"] == HIDDEN
        assert '"name": "Ada"' in call.request_body
        assert "page=2" in call.url

    def test_a_sensitive_exchange_keeps_no_body(self) -> None:
        with raw_server(lambda sock, _: sock.sendall(answer(b'{"access": "abc"}'))) as server:
            call = send(OutboundRequest("POST", server.url, body=b"grant=1", sensitive=True)).call

        assert "abc" not in str(call)
        assert "grant" not in str(call)

    def test_a_secret_across_the_cut_of_a_long_body_does_not_show_its_half(self) -> None:
        secret = "Z" * 400
        body = b'{"note": "' + b"a" * 7_700 + secret.encode() + b'"}'

        with raw_server(lambda sock, _: sock.sendall(answer(body))) as server:
            call = send(get(server.url, secrets=(secret,))).call

        assert "ZZZ" not in call.response_body


def _refuse() -> Any:
    raise ConnectionRefusedError
