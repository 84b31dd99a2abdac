"""Sends one request and returns its answer, or says whether it may have arrived."""

import contextlib
import http.client
import time
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as UrllibSSLError

from apps.core.http import pool
from apps.core.http.errors import AnswerTooLargeError, BlockedAddressError, MaybeSentError, NotSentError, OutboundError
from apps.core.http.redact import excerpt, redact_headers
from apps.core.http.values import CallRecord, OutboundRequest, OutboundResponse
from apps.core.http.watchdog import Exchange, watch

_CHUNK = 64 * 1024
_MOST_REDIRECTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}


def send(request: OutboundRequest) -> OutboundResponse:
    """Send it once. Any status is an answer; no answer raises `NotSentError`, `MaybeSentError`,
    `BlockedAddressError` or `AnswerTooLargeError`, each with the redacted record in `.call`."""
    started = time.monotonic()
    url = request.url
    for _ in range(_MOST_REDIRECTS + 1):
        status, headers, body = _exchange(request, url, started)
        target = _redirect_target(request, url, status, headers)
        if target is None:
            break
        url = target
    elapsed = _elapsed_ms(started)
    call = _record(request, started, status=status, headers=headers, body=body)
    return OutboundResponse(status=status, headers=headers, body=body, url=url, elapsed_ms=elapsed, call=call)


def _exchange(request: OutboundRequest, url: str, started: float) -> tuple[int, dict[str, str], bytes]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise _with_call(
            BlockedAddressError(f"Only http and https addresses are called, not {url[:60]!r}."), request, started
        )
    exchange = Exchange(deadline=started + request.total_timeout)
    pool.begin(exchange)
    watch(exchange)
    try:
        with contextlib.closing(_open(request, url)) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            body = _read(response, request.max_bytes)
        if exchange.has_expired:  # a cut connection can look like the end of an answer of unknown length
            raise TimeoutError
        return response.status_code, headers, body
    except OutboundError as error:
        raise _with_call(error, request, started)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise _with_call(_explain(error, exchange, request), request, started)
    finally:
        exchange.finish()


def _open(request: OutboundRequest, url: str) -> requests.Response:
    headers = {"User-Agent": request.user_agent, "Accept-Encoding": "gzip, deflate", **request.headers}
    prepared = requests.PreparedRequest()
    prepared.prepare(method=request.method, url=url, headers=headers, data=request.body)
    return pool.adapter().send(prepared, stream=True, timeout=(request.connect_timeout, request.read_timeout))


def _read(response: requests.Response, most: int) -> bytes:
    """The decoded body, refused as soon as it is too large: a small gzip can hold gigabytes."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > most:
            raise AnswerTooLargeError(f"The answer is larger than {most // 1024 // 1024} MB; it was not read further.")
        chunks.append(chunk)
    return b"".join(chunks)


def _explain(error: Exception, exchange: Exchange, request: OutboundRequest) -> OutboundError:
    host = urlsplit(request.url).netloc.rpartition("@")[2]
    if not exchange.was_written:
        return NotSentError(f"No connection to {host}: {_reason(error)}. Nothing was sent.", host=host)
    if exchange.has_expired:
        text = f"{host} did not finish its answer within {request.total_timeout:g} s"
    elif isinstance(error, requests.Timeout | TimeoutError):
        text = f"{host} sent nothing for {request.read_timeout:g} s"
    else:
        text = f"The connection to {host} broke before the answer was complete ({_reason(error)})"
    return MaybeSentError(f"{text}. The request may have been carried out.", host=host)


def _reason(error: BaseException) -> str:
    for cause in _chain(error):
        if isinstance(cause, NameResolutionError):
            return "the name is not known"
        if isinstance(cause, requests.exceptions.SSLError | UrllibSSLError):
            return f"the secure connection failed ({str(cause)[:120]})"
        if isinstance(cause, requests.Timeout):
            return "it did not accept the connection in time"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(cause, NewConnectionError):
            return "the connection was refused" if "refused" in str(cause) else "it cannot be reached"
        if isinstance(cause, ConnectionResetError | http.client.RemoteDisconnected | http.client.IncompleteRead):
            return "the other side closed it"
    return type(error).__name__


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    todo: list[object] = [error]
    while todo and len(found) < 20:
        item = todo.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            todo += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return found


def _redirect_target(request: OutboundRequest, url: str, status: int, headers: Mapping[str, str]) -> str | None:
    location = headers.get("location", "")
    if not request.follow_redirects or request.method != "GET" or status not in _REDIRECTS or not location:
        return None
    target = urljoin(url, location)
    here, there = urlsplit(url), urlsplit(target)
    same = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    return target if same else None


def _with_call(error: OutboundError, request: OutboundRequest, started: float) -> OutboundError:
    error.call = _record(request, started, error=error.message)
    return error


def _record(
    request: OutboundRequest,
    started: float,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    error: str = "",
) -> CallRecord:
    hidden = "(not kept: it holds credentials)" if request.sensitive else None
    return CallRecord(
        method=request.method,
        url=request.redacted_url(),
        request_headers=redact_headers(request.headers, request.secrets),
        request_body=hidden or excerpt(request.body, request.secrets),
        status=status,
        response_headers=redact_headers(headers or {}, request.secrets),
        response_body=hidden or excerpt(body, request.secrets),
        elapsed_ms=_elapsed_ms(started),
        error=error,
    )


def _elapsed_ms(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
