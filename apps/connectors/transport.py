"""Sends requests under a connection's log-in: renews a token that is due, and once after a 401."""

import codecs
import dataclasses
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from apps.connectors import auth
from apps.connectors.building import Built, outbound
from apps.connectors.classify import Fault, fault_of
from apps.connectors.manifest import Family, Manifest
from apps.connectors.templates import Scope
from apps.connectors.types import ReauthorisationError, TokenSnapshot, TokenStore
from apps.core import http
from apps.core.http import OutboundRequest, OutboundResponse
from apps.core.turns import turns

_NEVER_SECRET = {"expires_at"}


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """An answer with its parsed body and, when it is a failure, what kind."""

    response: OutboundResponse
    body: Any
    is_json: bool
    fault: Fault | None


class Transport:
    """One connection's way to its vendor. Thread-safe; knows no database."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        config: Mapping[str, Any],
        tokens: TokenStore,
        user_agent: str,
        clock: Callable[[], datetime],
        send: auth.Send | None = None,
    ) -> None:
        self.manifest = manifest
        self._send = send or _over_the_network
        self.config = _typed(manifest, config)
        self.user_agent = user_agent
        self.clock = clock
        self.method = manifest.method(str(self.config.get("auth_method", "")))
        self._kept = set(getattr(self.method, "keep", ()))
        self._shown = _NEVER_SECRET | self._kept
        self._tokens = tokens
        self._lock = threading.Lock()
        self._snapshot: TokenSnapshot | None = None

    def scope(self, **values: Any) -> Scope:
        """The values a template may name. An address that the log-in's answer names has to be known before the first
        request can be built."""
        snapshot = self._current()
        if any(name not in snapshot.credentials for name in self._kept) and auth.is_renewable(self.method):
            snapshot = self.renew(snapshot.version)
        return {"config": self.config, "credentials": snapshot.credentials, **values}

    def outbound(self, built: Built) -> OutboundRequest:
        client = self.manifest.client
        most = client.max_answer_mb * 1024 * 1024
        return outbound(built, timeouts=client.timeouts, max_bytes=most, user_agent=self.user_agent)

    def exchange(self, request: OutboundRequest) -> Received:
        """Send with log-in. Raises what `core.http.send` raises, and the errors of renewing a log-in."""
        snapshot = self._current()
        if auth.is_due(self.method, snapshot.credentials, self.clock()):
            snapshot = self.renew(snapshot.version)
        received = self._received(self._send(self._with_login(request, snapshot)))
        if _is_refused(received) and auth.is_renewable(self.method):
            snapshot = self.renew(snapshot.version)
            received = self._received(self._send(self._with_login(request, snapshot)))
        return received

    def _received(self, response: OutboundResponse) -> Received:
        body, is_json = None, True
        if response.body:
            turns.await_own()  # a page of a megabyte is taken apart in one piece
            try:
                body = orjson.loads(response.body.removeprefix(codecs.BOM_UTF8))
            except orjson.JSONDecodeError:
                is_json = False
        client = self.manifest.client
        fault = fault_of(
            client.errors,
            client.rate,
            status=response.status,
            headers=response.headers,
            body=body if is_json else _bare_text(response),
            now=self.clock(),
        )
        if fault is None and not is_json:
            kind = response.headers.get("content-type", "no content type")
            text = f"{self.manifest.connector.name} answered with something that is not JSON ({kind})"
            fault = Fault(Family.TRANSIENT, "not_json", text, True, None)
        return Received(response, body, is_json, fault)

    def secrets(self) -> tuple[str, ...]:
        """What must never be stored or shown."""
        return self._secrets(self._current())

    def _secrets(self, snapshot: TokenSnapshot) -> tuple[str, ...]:
        return tuple(str(value) for name, value in snapshot.credentials.items() if name not in self._shown and value)

    def _current(self) -> TokenSnapshot:
        with self._lock:
            if self._snapshot is None:
                self._snapshot = self._tokens.read()
            return self._snapshot

    def renew(self, seen: int) -> TokenSnapshot:
        """One renewal for all threads of this client; the store makes it one for all processes."""
        with self._lock:
            if self._snapshot is not None and self._snapshot.version > seen:
                return self._snapshot
            try:
                self._snapshot = self._tokens.refresh(seen=seen, renew=self._fresh)
            except ReauthorisationError as error:
                self._tokens.revoked(error.message)
                raise
            return self._snapshot

    def _fresh(self, credentials: dict[str, Any]) -> dict[str, Any]:
        scope = {"config": self.config, "credentials": credentials}
        found = auth.renew(self.manifest, self.method, scope, self._send_plain, self.clock())
        return {**credentials, **found}

    def _send_plain(self, request: OutboundRequest) -> OutboundResponse:
        """A log-in: as long as the manifest allows any call to take, since a server at its limit is slow at these too."""
        client = self.manifest.client
        return self._send(
            dataclasses.replace(
                request,
                connect_timeout=client.timeouts.connect,
                read_timeout=client.timeouts.read,
                total_timeout=client.timeouts.total,
                max_bytes=client.max_answer_mb * 1024 * 1024,
                user_agent=self.user_agent,
            )
        )

    def _with_login(self, request: OutboundRequest, snapshot: TokenSnapshot) -> OutboundRequest:
        scope = {"config": self.config, "credentials": snapshot.credentials}
        headers, params = auth.apply(self.method, scope)
        url = request.url
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params)
        secrets, names = self._secrets(snapshot), tuple(headers.values())
        return dataclasses.replace(
            request,
            url=url,
            headers={**request.headers, **headers},
            body=auth.applied_to_body(self.method, scope, request.body),
            secrets=(*secrets, *names),
        )


def _bare_text(response: OutboundResponse) -> str | None:
    """A refusal in plain words instead of JSON, as the manifest's `message: ["@"]` reads it; no page of marks."""
    text = response.body[:2000].decode("utf-8", "replace").strip()
    return text if response.status >= 400 and not text.startswith("<") else None


def _is_refused(received: Received) -> bool:
    """Whether the vendor no longer knows our log-in: by status, or in its own words inside another answer."""
    fault = received.fault
    told = fault is not None and fault.family is Family.AUTH and not fault.may_have_happened
    return received.response.status == 401 or told


def _over_the_network(request: OutboundRequest) -> OutboundResponse:
    return http.send(request)


def _typed(manifest: Manifest, config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with those found after log-in as the vendor writes them."""
    whole = {variable.name for variable in manifest.client.variables if variable.key_type == "integer"}
    return {
        name: int(value) if name in whole and isinstance(value, str) and value.isdigit() else value
        for name, value in config.items()
    }
