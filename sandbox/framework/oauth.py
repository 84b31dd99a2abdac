"""The OAuth2 server: consent page, authorisation code with PKCE, refresh, client credentials.

RFC 6749 error answers; PKCE by RFC 7636 (S256 and plain).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from sandbox.framework.http import Reply
from sandbox.framework.pages import escape, page
from sandbox.framework.store import Document
from sandbox.framework.vendor import Vendor

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CARRIED = ("client_id", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method")


def consent_page(vendor: Vendor, query: Mapping[str, str]) -> Reply:
    """Ask which practice account the application may open."""
    problem = _request_problem(vendor, query)
    if problem:
        return _html(page(vendor, "This request cannot be allowed", f"<p role='alert'>{escape(problem)}</p>"), 400)
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(query.get(name, ""))}">' for name in _CARRIED)
    own = _client(vendor, query["client_id"])
    kind = 'type="checkbox"' if vendor.several_accounts else 'type="radio" required'
    choices = "".join(
        f'<p><label><input name="account" value="{escape(account["id"])}" {kind}'
        f"{' checked' if own and account['id'] == own['id'] else ''}> {escape(account['name'])}"
        f" <small>({escape(account['id'])})</small></label></p>"
        for account in vendor.accounts()
    )
    body = (
        f"<p>An application asks to use your {escape(vendor.label)} account"
        f" with the scope <code>{escape(query.get('scope', '') or 'default')}</code>.</p>"
        f'<form method="post"><fieldset><legend>Practice account</legend>{choices}</fieldset>{hidden}'
        '<p><button name="decision" value="allow">Allow access</button> '
        '<button name="decision" value="deny" class="quiet" formnovalidate>Deny</button></p></form>'
    )
    return _html(page(vendor, f"Connect to {vendor.label}", body))


def consent_answer(vendor: Vendor, form: Mapping[str, str], chosen: Sequence[str], now: datetime) -> Reply:
    problem = _request_problem(vendor, form)
    if problem:
        return _html(page(vendor, "This request cannot be allowed", f"<p role='alert'>{escape(problem)}</p>"), 400)
    state = {"state": form["state"]} if form.get("state") else {}
    if form.get("decision") == "deny":
        return _redirect(form["redirect_uri"], {"error": "access_denied", **state})
    opened = [item["id"] for item in vendor.accounts() if item["id"] in chosen]
    if not opened or (len(opened) > 1 and not vendor.several_accounts):
        return _html(page(vendor, "Choose an account", "<p role='alert'>No practice account was chosen.</p>"), 400)
    code = vendor.tokens.issue_code(
        account=opened[0],
        also=opened[1:],
        client_id=form["client_id"],
        redirect_uri=form["redirect_uri"],
        scope=form.get("scope", ""),
        challenge=form.get("code_challenge", ""),
        method=form.get("code_challenge_method", ""),
        now=now,
    )
    return _redirect(form["redirect_uri"], {"code": code, **state})


def token_answer(vendor: Vendor, body: bytes, headers: Mapping[str, str], now: datetime) -> Reply:
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") == _JWT_BEARER and vendor.oauth.jwt_bearer:
        return _from_assertion(vendor, form.get("assertion", ""), now)
    if form.get("grant_type") == "client_credentials" and vendor.oauth.client_assertion:
        return _from_assertion(vendor, form.get("client_assertion", ""), now, tells_lifetime=True)
    client_id, client_secret = _client_credentials(form, headers)
    client = _client(vendor, client_id)
    grant = form.get("grant_type", "")
    public = grant == "authorization_code" and form.get("code_verifier") and not client_secret
    if client is None or not (public or hmac.compare_digest(client["client_secret"], client_secret)):
        return _error("invalid_client", "Unknown client or wrong client secret", 401)
    with vendor.store.transaction():
        if grant == "authorization_code":
            return _from_code(vendor, form, client_id, now)
        if grant == "refresh_token":
            return _from_refresh(vendor, form, client_id, now)
        if grant == "client_credentials" and vendor.oauth.client_credentials:
            pair = vendor.tokens.issue_pair(
                account=client["id"], client_id=client_id, scope=form.get("scope", ""), now=now,
                seconds=vendor.oauth.access_seconds, refresh="none",
            )  # fmt: skip
            return _tokens(vendor, {name: value for name, value in pair.items() if name != "refresh_token"})
    return _error("unsupported_grant_type", f"grant_type {grant!r} is not supported here")


def _from_code(vendor: Vendor, form: Mapping[str, str], client_id: str, now: datetime) -> Reply:
    code = vendor.tokens.redeem(form.get("code", ""), "code", client_id, now)
    if code is None or code["redirect_uri"] != form.get("redirect_uri", code["redirect_uri"]):
        return _error("invalid_grant", "The code is unknown, used, expired or was issued for another redirect_uri")
    if not _pkce_holds(code, form.get("code_verifier", "")):
        return _error("invalid_grant", "The code_verifier does not match the code_challenge")
    vendor.tokens.mark_used(code["token"])
    return _tokens(
        vendor,
        vendor.tokens.issue_pair(
            account=code["account"], also=code["also"], client_id=client_id, scope=code["scope"], now=now,
            seconds=vendor.oauth.access_seconds,
        )
    )  # fmt: skip


def _from_refresh(vendor: Vendor, form: Mapping[str, str], client_id: str, now: datetime) -> Reply:
    old = vendor.tokens.redeem(form.get("refresh_token", ""), "refresh", client_id, now)
    if old is None:
        return _error("invalid_grant", "The refresh token is unknown, expired, revoked or was already used")
    if vendor.oauth.rotates_refresh:
        vendor.tokens.mark_used(old["token"])
    return _tokens(
        vendor,
        vendor.tokens.issue_pair(
            account=old["account"], also=old.get("also", []), client_id=client_id, scope=old["scope"], now=now,
            seconds=vendor.oauth.access_seconds, refresh="" if vendor.oauth.rotates_refresh else old["token"],
        )
    )  # fmt: skip


def _request_problem(vendor: Vendor, query: Mapping[str, str]) -> str:
    if _client(vendor, query.get("client_id", "")) is None:
        return "No application has this client_id."
    target = urlsplit(query.get("redirect_uri", ""))
    if target.scheme not in ("http", "https") or not target.netloc:
        return "redirect_uri must be a full http(s) address."
    if query.get("response_type", "code") != "code":
        return "response_type must be code."
    return ""


def _client(vendor: Vendor, client_id: str) -> Document | None:
    return next((account for account in vendor.accounts() if account["client_id"] == client_id), None)


def _client_credentials(form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return "", ""
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _pkce_holds(code: Document, verifier: str) -> bool:
    if not code["challenge"]:
        return True
    if code["method"] == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(verifier, code["challenge"])


def _from_assertion(vendor: Vendor, assertion: str, now: datetime, *, tells_lifetime: bool = False) -> Reply:
    account = vendor.assertion_account(assertion, now)
    if account is None:
        return _error("invalid_grant", "The assertion is not signed by a known key, has run out, or names nobody")
    with vendor.store.transaction():
        pair = vendor.tokens.issue_pair(
            account=account["id"], client_id=account["client_id"], scope="", now=now,
            seconds=vendor.oauth.access_seconds, refresh="none",
        )  # fmt: skip
    # Salesforce tells neither lifetime nor refresh token here.
    hidden = ("refresh_token",) if tells_lifetime else ("refresh_token", "expires_in")
    return _tokens(vendor, {name: value for name, value in pair.items() if name not in hidden})


def _tokens(vendor: Vendor, pair: dict[str, Any]) -> Reply:
    pair = {**pair, **vendor.token_extra(pair)}
    return Reply(pair, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _error(code: str, description: str, status: int = 400) -> Reply:
    return Reply({"error": code, "error_description": description}, status, {"Cache-Control": "no-store"})


def _redirect(target: str, extra: Mapping[str, str]) -> Reply:
    parts = urlsplit(target)
    query = "&".join(filter(None, [parts.query, urlencode(extra)]))
    return Reply("", 302, {"Location": urlunsplit(parts._replace(query=query))}, "text/html")


def _html(text: str, status: int = 200) -> Reply:
    return Reply(text, status, content_type="text/html")
