"""Who calls: every way to log in that a vendor file may declare."""

import base64
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.declarative import forms
from sandbox.declarative.language import Auth, BasicAuth, BearerAuth, Key, OAuth2, Session
from sandbox.declarative.problems import Problem
from sandbox.declarative.templates import fill, fill_text, get
from sandbox.framework import jsontext
from sandbox.framework.clock import iso_seconds
from sandbox.framework.http import Call, Reply
from sandbox.framework.store import SYSTEM, Document

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor


def account_of(vendor: "DeclaredVendor", call: Call) -> str:
    """The account the request's log-in opens; raises `Problem`."""
    for auth in vendor.file.auth:
        found = _opened(vendor, auth, call)
        if found:
            return found
    raise Problem("unauthorized", "The credentials are missing or wrong")


def values_of(account: Document, vendor: "DeclaredVendor") -> dict[str, Any]:
    """What templates may name: the account's credentials, and the account itself."""
    return {**account, "account": account, "base_url": vendor.base_url}


def _opened(vendor: "DeclaredVendor", auth: Auth, call: Call) -> str:
    match auth:
        case OAuth2() | BearerAuth():
            prefix = auth.prefix if isinstance(auth, OAuth2) else "Bearer"
            scheme, _, value = call.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != prefix.lower() or not value.strip():
                return ""
            found = vendor.tokens.check(value.strip(), call.now)
            if found.expired:
                raise Problem("expired", found.problem)
            if not found.problem:
                call.token = value.strip()
            return found.account
        case Key():
            wanted = auth.headers or auth.query
            given = call.headers if auth.headers else call.query
            return _by_value(vendor, {name: given.get(name, "") for name in wanted}, wanted)
        case BasicAuth():
            scheme, _, value = call.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "basic":
                return ""
            try:
                username, _, password = base64.b64decode(value).decode().partition(":")
            except ValueError:
                return ""
            wanted = {"username": auth.username, "password": auth.password}
            return _by_value(vendor, {"username": username, "password": password}, wanted)
        case Session():
            return _by_session(vendor, auth, call)


def _by_value(vendor: "DeclaredVendor", given: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    for account in vendor.accounts():
        known = values_of(account, vendor)
        if all(
            _same(given[name], fill_text(template, known)) if template else True for name, template in wanted.items()
        ):
            if vendor.tokens.is_revoked(account["id"]):
                raise Problem("unauthorized", "This key has been revoked")
            return str(account["id"])
    return ""


def _same(given: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def log_in(vendor: "DeclaredVendor", auth: Session, call: Call) -> Reply:
    """The log-in request of a session."""
    body = forms.decode(call.body) if auth.encoding == "form" else jsontext.loads(call.body or b"{}")
    username, password = str(get(body, auth.username_at) or ""), str(get(body, auth.password_at) or "")
    for account in vendor.accounts():
        if _same(username, account["username"]) and _same(password, account["password"]):
            if vendor.tokens.is_revoked(account["id"]):
                break
            session = secrets.token_hex(20)
            expires = iso_seconds(call.now + timedelta(seconds=auth.seconds))
            vendor.store.put(SYSTEM, "tokens", session, {
                "token": session, "kind": "access", "account": account["id"], "expires_at": expires,
            })  # fmt: skip
            headers = {"Set-Cookie": f"{auth.cookie}={session}; Path=/; HttpOnly"} if auth.cookie else {}
            return Reply(fill(auth.answer, {"session": session, **values_of(account, vendor)}), 200, headers)
    raise Problem("unauthorized", "Invalid username or password")


def _by_session(vendor: "DeclaredVendor", auth: Session, call: Call) -> str:
    if auth.cookie:
        found = re.search(rf"(?:^|;\s*){re.escape(auth.cookie)}=([^;]+)", call.headers.get("Cookie", ""))
        session = found.group(1) if found else ""
    else:
        given = call.headers.get(auth.header, "")
        pattern = re.escape(auth.value).replace(re.escape("${session}"), "(.+)")
        match = re.fullmatch(pattern, given)
        session = match.group(1) if match else ""
    if not session:
        return ""
    checked = vendor.tokens.check(session, call.now)
    if checked.expired:
        raise Problem("expired", "The session has ended")
    return checked.account


def assertion_account(vendor: "DeclaredVendor", assertion: str, now: datetime) -> Document | None:
    """The account whose key signed a JWT (RFC 7523): RS256 where it is the grant, PS256 where it stands for the client's
    secret; None when it does not hold."""
    is_client = vendor.oauth.client_assertion
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size) if is_client else padding.PKCS1v15()
    try:
        head, payload, signature = assertion.split(".")
        claims = json.loads(_unpacked(payload))
        if json.loads(_unpacked(head)).get("alg") != ("PS256" if is_client else "RS256"):
            return None
        account = next(item for item in vendor.accounts() if item["client_id"] == claims.get("iss"))
        key = serialization.load_pem_public_key(account["public_key"].encode())
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(_unpacked(signature), f"{head}.{payload}".encode(), scheme, hashes.SHA256())
    except (ValueError, KeyError, StopIteration, InvalidSignature):
        return None
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or not 0 < expires - now.timestamp() <= 3600:
        return None
    return account if claims.get("aud") and (is_client or claims.get("sub")) else None


def new_key_pair() -> tuple[str, str]:
    """A private key and its public half, as PEM."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
