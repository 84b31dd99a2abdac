"""Applies a log-in to a request, and makes the requests that get or renew tokens. No storage: see stores.py."""

import base64
import hashlib
import secrets as random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

import orjson

from apps.connectors.building import address
from apps.connectors.manifest import Family, Manifest
from apps.connectors.manifest.auth import (
    ApiKey,
    Assertion,
    AuthMethod,
    Basic,
    Bearer,
    ClientCredentials,
    HeaderKeys,
    JwtBearer,
    OAuth2Code,
    SessionLogin,
)
from apps.connectors.paths import get, text_of
from apps.connectors.signing import sign
from apps.connectors.templates import Scope, fill, fill_path, fill_text
from apps.connectors.times import parse_time, to_iso
from apps.connectors.types import ReauthorisationError, VendorTransientError
from apps.core.http import MaybeSentError, NotSentError, OutboundRequest, OutboundResponse

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_CLIENT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Credentials = dict[str, Any]
Send = Callable[[OutboundRequest], OutboundResponse]


def is_renewable(method: AuthMethod) -> bool:
    """Whether a new token can be had without a person."""
    return isinstance(method, ClientCredentials | JwtBearer | SessionLogin) or (
        isinstance(method, OAuth2Code) and method.refresh
    )


def is_due(method: AuthMethod, credentials: Credentials, now: datetime) -> bool:
    """Whether the token has to be renewed before the next call."""
    if isinstance(method, SessionLogin):
        held = all(credentials.get(name) for name in method.names)
        margin = 0
    elif isinstance(method, ClientCredentials | JwtBearer | OAuth2Code):
        held, margin = bool(credentials.get("access_token")), method.refresh_before_seconds
    else:
        return False
    expires = parse_time(credentials.get("expires_at") or None)
    return not held or (expires is not None and expires <= now + timedelta(seconds=margin))


def apply(method: AuthMethod, scope: Scope) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and query parameters that carry the log-in."""
    if isinstance(method, ApiKey):
        pair = {method.param: fill_text(method.value, scope)}
        return (pair, {}) if method.where == "header" else ({}, pair)
    if isinstance(method, HeaderKeys):
        return {name: fill_text(value, scope) for name, value in method.headers.items()}, {}
    if isinstance(method, Basic):
        return {"Authorization": _basic(fill_text(method.username, scope), fill_text(method.password, scope))}, {}
    if isinstance(method, Bearer):
        return {"Authorization": f"{method.prefix} {fill_text(method.token, scope)}".strip()}, {}
    if isinstance(method, ClientCredentials | JwtBearer | OAuth2Code):
        return {"Authorization": f"Bearer {(scope.get('credentials') or {}).get('access_token', '')}"}, {}
    if isinstance(method, SessionLogin):
        value = _encode_tail(fill_text(method.value, scope))
        if method.carry == "query":
            return {}, {method.param: value}
        if method.carry == "cookie":
            return {"Cookie": f"{method.param}={value}"}, {}
        return ({method.header: value}, {}) if method.carry == "header" else ({}, {})
    return {}, {}


def applied_to_body(method: AuthMethod, scope: Scope, body: bytes | None) -> bytes | None:
    """The body with the session in it, where the vendor wants it there. The rest keeps its very bytes: money in it was
    written exactly, and reading it back would not keep that."""
    if not isinstance(method, SessionLogin) or method.carry != "body":
        return body
    value = _encode_tail(fill_text(method.value, scope))
    rest = (body or b"").strip()
    if not rest.startswith(b"{"):
        return urlencode({method.param: value}).encode() + (b"&" + rest if rest else b"")
    inner = rest[1:].lstrip()
    field = orjson.dumps({method.param: value})[:-1]
    return field + (inner if inner == b"}" else b"," + inner)


def renew(manifest: Manifest, method: AuthMethod, scope: Scope, send: Send, now: datetime) -> Credentials:
    """New token fields for the credentials. Raises `ReauthorisationError` when only a person can help."""
    if isinstance(method, SessionLogin):
        return _log_in(manifest, method, scope, send, now)
    if isinstance(method, ClientCredentials):
        extra = {name: fill_text(value, scope) for name, value in method.params.items()}
        form = {"grant_type": "client_credentials", "scope": method.scope_separator.join(method.scopes), **extra}
        return _token(manifest, method, scope, send, now, {name: value for name, value in form.items() if value})
    if isinstance(method, JwtBearer):
        form = {"grant_type": _JWT_GRANT, "assertion": _signed(manifest, method.assertion, scope, now)}
        if method.scopes:
            form["scope"] = method.scope_separator.join(method.scopes)
        return _token(manifest, method, scope, send, now, form)
    assert isinstance(method, OAuth2Code)
    token = (scope.get("credentials") or {}).get("refresh_token")
    if not token:
        raise ReauthorisationError(
            f"{manifest.connector.name}: nobody has given consent yet. Press “Connect” on the connection.",
            family=Family.AUTH,
            call=None,
        )
    return _token(manifest, method, scope, send, now, {"grant_type": "refresh_token", "refresh_token": str(token)})


def exchange_code(
    manifest: Manifest,
    method: OAuth2Code,
    scope: Scope,
    send: Send,
    now: datetime,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
) -> Credentials:
    """The tokens for an authorization code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if method.pkce:
        form["code_verifier"] = verifier
    return _token(manifest, method, scope, send, now, form)


def consent_url(
    manifest: Manifest, method: OAuth2Code, scope: Scope, *, state: str, verifier: str, redirect_uri: str
) -> str:
    """Where the customer's browser goes to consent."""
    params = {
        "response_type": "code",
        "client_id": fill_text(method.client_id, scope),
        "redirect_uri": redirect_uri,
        "scope": method.scope_separator.join(method.scopes),
        "state": state,
        **{name: fill_text(value, scope) for name, value in method.authorize_params.items()},
    }
    if method.pkce:
        params |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    return f"{address(manifest, fill_text(method.authorize_url, scope), scope)}?{urlencode(params)}"


def new_verifier() -> str:
    return random.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _token(
    manifest: Manifest,
    method: ClientCredentials | JwtBearer | OAuth2Code,
    scope: Scope,
    send: Send,
    now: datetime,
    form: dict[str, str],
) -> Credentials:
    form |= {name: text for name, value in method.token_params.items() if (text := fill_text(value, scope))}
    client_id, client_secret = fill_text(method.client_id, scope), fill_text(method.client_secret, scope)
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if method.client_auth == "basic":
        headers["Authorization"] = _basic(client_id, client_secret)
    elif method.client_auth == "assertion":
        statement = _signed(manifest, method.assertion, scope, now)
        form = {**form, "client_assertion_type": _JWT_CLIENT, "client_assertion": statement}
    elif method.client_auth == "none" and isinstance(method, OAuth2Code):
        form = {**form, "client_id": client_id}
    elif method.client_auth == "body":
        form = {**form, "client_id": client_id, "client_secret": client_secret}
    url = address(manifest, fill_text(method.token_url, scope), scope)
    request = OutboundRequest("POST", url, headers, urlencode(form).encode(), sensitive=True)
    body = _answer(manifest, request, send, getattr(method, "revoked_codes", ["invalid_client"]))
    if not body.get("access_token"):
        raise _later(manifest, "the token address answered without a token")
    found = {"access_token": str(body["access_token"]), "expires_at": ""}
    if body.get("refresh_token"):
        found["refresh_token"] = str(body["refresh_token"])
    found |= {name: text_of(value) for name, path in method.keep.items() if (value := get(body, path)) is not None}
    if lifetime := body.get("expires_in") or method.lifetime_seconds:
        found["expires_at"] = to_iso(now + timedelta(seconds=float(lifetime)))
    return found


def _log_in(manifest: Manifest, method: SessionLogin, scope: Scope, send: Send, now: datetime) -> Credentials:
    body = fill(method.login_body, scope)
    if method.encoding == "json_rpc":
        version = {"jsonrpc": method.rpc_version} if method.rpc_version else {}
        body = {**version, "id": 0, "method": method.rpc_method, "params": body}
    form = method.encoding == "form"
    encoded = None
    if body is not None:
        encoded = urlencode({k: text_of(v) for k, v in body.items()}).encode() if form else orjson.dumps(body)
    headers = {name: _encode_tail(fill_text(value, scope)) for name, value in method.login_headers.items()}
    headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
    url = address(manifest, fill_path(method.login_path, scope), scope)
    request = OutboundRequest(method.login_method, url, headers, encoded, sensitive=True)
    given: list[OutboundResponse] = []

    def kept(request: OutboundRequest) -> OutboundResponse:
        given.append(send(request))
        return given[0]

    answer = _answer(manifest, request, kept, [])
    cookies = SimpleCookie(given[0].headers.get("set-cookie", ""))
    found: Credentials = {name: get(answer, path) for name, path in {**method.values, **method.keep}.items()}
    found |= {name: given[0].headers.get(header.lower()) for name, header in method.header_values.items()}
    found |= {name: cookies[cookie].value for name, cookie in method.cookie_values.items() if cookie in cookies}
    if not all(found.get(name) for name in method.names):
        raise ReauthorisationError(
            f"{manifest.connector.name} refused the log-in. Check user name and password.",
            family=Family.AUTH,
            call=None,
        )
    expires = to_iso(now + timedelta(seconds=method.lifetime_seconds)) if method.lifetime_seconds else ""
    return {**found, "expires_at": expires}


def _answer(manifest: Manifest, request: OutboundRequest, send: Send, revoked: list[str]) -> dict[str, Any]:
    try:
        response = send(request)
    except (NotSentError, MaybeSentError) as error:
        raise _later(manifest, error.message)
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if response.status < 300:
        return body
    code = text_of(body.get("error") or body.get("code") or body.get("status"))
    text = text_of(body.get("error_description") or body.get("message")) or code or f"status {response.status}"
    if code in revoked or response.status in (401, 403):
        raise ReauthorisationError(
            f"{manifest.connector.name} no longer accepts the consent or key ({text}). Please connect it again.",
            family=Family.AUTH,
            call=response.call,
            code="needs_reauthorisation",
        )
    if response.status == 429 or response.status >= 500:
        raise _later(manifest, text)
    raise ReauthorisationError(
        f"{manifest.connector.name} refused the log-in ({text}). Check the credentials of the connection.",
        family=Family.AUTH,
        call=response.call,
    )


def _later(manifest: Manifest, text: str) -> VendorTransientError:
    return VendorTransientError(
        f"{manifest.connector.name}: the log-in could not be renewed: {text}",
        family=Family.TRANSIENT,
        retry_after_seconds=None,
        call=None,
    )


def _signed(manifest: Manifest, spec: Assertion | None, scope: Scope, now: datetime) -> str:
    """A JSON Web Token in its compact form (RFC 7515)."""
    assert spec is not None  # the manifest's validation saw to it
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": fill_text(spec.issuer, scope),
        "sub": fill_text(spec.subject, scope),
        "aud": fill_text(spec.audience, scope),
        "iat": issued,
        "exp": issued + spec.lifetime_seconds,
        **{name: fill_text(value, scope) for name, value in spec.claims.items()},
    }
    head = {"alg": spec.algorithm, "typ": "JWT", "kid": fill_text(spec.key_id, scope)}
    parts = [{name: value for name, value in part.items() if value} for part in (head, claims)]
    message = b".".join(_url64(orjson.dumps(part)) for part in parts)
    try:
        signature = sign(spec.algorithm, fill_text(spec.private_key, scope), message)
    except ValueError as error:
        raise ReauthorisationError(
            f"{manifest.connector.name}: the private key cannot be used ({error}). Enter it again, from its first line "
            "(-----BEGIN …) to its last.",
            family=Family.AUTH,
            call=None,
        )
    return b".".join([message, _url64(signature)]).decode()


def _url64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _encode_tail(value: str) -> str:
    head, marker, tail = value.partition("base64:")
    return head + base64.b64encode(tail.encode()).decode() if marker else value


def utc_now() -> datetime:
    """For a client without a connection's row, and so without a database: fixtures, conformance, bin/connector try."""
    return datetime.now(UTC)  # noqa: TID251
