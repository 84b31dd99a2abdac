"""Tokens and authorisation codes: each belongs to one account, may expire, be revoked, be replaced."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.framework.clock import iso_seconds, parse_moment
from sandbox.framework.store import SYSTEM, Document, Store

CODE_SECONDS = 300
REFRESH_DAYS = 60


@dataclass(frozen=True, slots=True)
class Checked:
    account: str = ""
    problem: str = ""
    expired: bool = False


class Tokens:
    def __init__(self, store: Store) -> None:
        self._store = store

    def issue_static(self, account: str, token: str) -> str:
        self._save(token, kind="static", account=account)
        return token

    def issue_pair(
        self, *, account: str, client_id: str, scope: str, now: datetime, seconds: int, refresh: str = "",
        also: Sequence[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Issue an access token, and a refresh token unless an old one (`refresh`) goes on being good."""
        access = secrets.token_urlsafe(48)
        self._save(
            access, kind="access", account=account, also=list(also), client_id=client_id, scope=scope, parent=refresh,
            expires_at=iso_seconds(now + timedelta(seconds=seconds)),
        )  # fmt: skip
        if not refresh:
            refresh = secrets.token_urlsafe(48)
            self._save(
                refresh, kind="refresh", account=account, also=list(also), client_id=client_id, scope=scope,
                expires_at=iso_seconds(now + timedelta(days=REFRESH_DAYS)),
            )  # fmt: skip
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": seconds,
            "token_type": "Bearer",
            "scope": scope,
        }

    def issue_code(
        self, *, account: str, client_id: str, redirect_uri: str, scope: str, challenge: str, method: str, now: datetime,
        also: Sequence[str] = (),
    ) -> str:  # fmt: skip
        code = secrets.token_urlsafe(32)
        self._save(
            code, kind="code", account=account, also=list(also), client_id=client_id, scope=scope, redirect_uri=redirect_uri,
            challenge=challenge, method=method, expires_at=iso_seconds(now + timedelta(seconds=CODE_SECONDS)),
        )  # fmt: skip
        return code

    def check(self, token: str, now: datetime) -> Checked:
        """Say which account a bearer token opens, or why it opens none."""
        found = self._store.peek(SYSTEM, "tokens", token)
        if found is None or found["kind"] not in ("static", "access"):
            return Checked(problem="This access token is not valid")
        if found.get("revoked"):
            return Checked(problem="This access token has been revoked")
        if _past(found, now):
            return Checked(problem="This access token has expired", expired=True)
        return Checked(account=found["account"])

    def opened_by(self, token: str) -> list[str]:
        """The accounts the token opens: mostly one; several where a consent may name several."""
        found = self._store.peek(SYSTEM, "tokens", token) or {}
        return [found["account"], *found.get("also", [])] if found else []

    def redeem(self, token: str, kind: str, client_id: str, now: datetime) -> Document | None:
        """The live code or refresh token, or None; a code or a replaced refresh token is good only once."""
        found = self._store.get(SYSTEM, "tokens", token)
        if found is None or found["kind"] != kind or found["client_id"] != client_id:
            return None
        if found.get("revoked") or found.get("used") or _past(found, now):
            return None
        return found

    def mark_used(self, token: str) -> None:
        self._change(token, used=True)

    def revoke(self, account: str) -> int:
        """Revoke everything that opens the account; returns how many tokens that were."""
        return self._set_revoked(account, True)

    def restore(self, account: str) -> int:
        return self._set_revoked(account, False)

    def expire(self, account: str, now: datetime) -> int:
        """Let the account's OAuth access tokens run out now."""
        mine = [token for token, body in self._of(account) if body["kind"] == "access"]
        for token in mine:
            self._change(token, expires_at=iso_seconds(now - timedelta(seconds=1)))
        return len(mine)

    def is_revoked(self, account: str) -> bool:
        return any(body.get("revoked") for _token, body in self._of(account))

    def _set_revoked(self, account: str, revoked: bool) -> int:
        mine = [token for token, _body in self._of(account)]
        with self._store.transaction():
            for token in mine:
                self._change(token, revoked=revoked)
        return len(mine)

    def _of(self, account: str) -> list[tuple[str, Document]]:
        return [(body["token"], body) for body in self._store.all(SYSTEM, "tokens") if body["account"] == account]

    def _change(self, token: str, **values: Any) -> None:
        found = self._store.get(SYSTEM, "tokens", token)
        if found is not None:
            self._store.put(SYSTEM, "tokens", token, {**found, **values})

    def _save(self, token: str, **values: Any) -> None:
        self._store.put(SYSTEM, "tokens", token, {"token": token, **values})


def _past(token: Document, now: datetime) -> bool:
    return bool(token.get("expires_at")) and parse_moment(token["expires_at"]) <= now
