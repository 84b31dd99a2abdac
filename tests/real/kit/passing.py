"""A server that passes every request on to a real system: the kit's faults happen between it and the connector."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from conformance.sides import Side
from sandbox.framework import jsontext
from sandbox.framework.http import Call, Handler, Reply
from sandbox.framework.store import Document, Store
from sandbox.framework.tokens import Tokens
from sandbox.framework.vendor import OAuthPaths, Vendor
from sandbox.serving import Served

_OURS = {"host", "content-length", "connection", "accept-encoding", "x-practice-fault"}
_THEIRS = {"content-length", "content-encoding", "transfer-encoding", "connection", "content-type"}
MakeSide = Callable[[Served, str], Side]


class Ending(Tokens):
    """Sessions are the system's: it is asked to end them."""

    vendor: "Passing"

    def expire(self, account: str, now: datetime) -> int:
        seen, self.vendor.sessions = self.vendor.sessions, set()
        for path, header in seen:
            requests.post(
                f"{self.vendor.address}/{path}", headers={"Authorization": header}, timeout=60,
                json={"id": 1, "method": "common.db.logout", "params": []},
            )  # fmt: skip
        return len(seen)


class Passing(Vendor):
    """Adds nothing of its own: answers, statuses and headers are the system's."""

    oauth = OAuthPaths(authorize=(), token=(), access_seconds=0, rotates_refresh=False)

    def __init__(self, store: Store, *, slug: str, address: str, make_side: MakeSide) -> None:
        super().__init__(store)
        self.name = self.label = slug
        self.address, self.side = address.rstrip("/"), make_side
        self.sessions: set[tuple[str, str]] = set()
        self.tokens = Ending(store)
        self.tokens.vendor = self

    def is_login(self, entry: Mapping[str, Any]) -> bool:
        """Whether a request of the log was a log-in."""
        return "common.db.login" in entry["request_body"]

    def routes(self) -> list[tuple[str, str, Handler]]:
        return []

    async def elsewhere(self, call: Call) -> Reply:
        """Side by side, as they come: one after the other, fifty workers would wait for each other at our door."""
        return await asyncio.to_thread(self._pass_on, call)

    def authenticate(self, call: Call) -> None:
        call.account = self.accounts()[-1]["id"]

    def new_account_id(self, slug: str) -> str:
        return slug

    def prepare_account(self, account: Document) -> None:
        return None

    def token_extra(self, pair: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def assertion_account(self, assertion: str, now: datetime) -> Document | None:
        return None

    def _pass_on(self, call: Call) -> Reply:
        headers = {name: value for name, value in call.headers.items() if name.lower() not in _OURS}
        path = call.url.partition("://")[2].partition("/")[2]
        header = call.headers.get("Authorization", "")
        if header.startswith("Session "):
            self.sessions.add((path, header))
        answer = requests.request(
            call.method, f"{self.address}/{path}", headers=headers, data=call.body or None, timeout=120,
            allow_redirects=False,
        )  # fmt: skip
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _THEIRS}
        kind = answer.headers.get("Content-Type", "application/json").partition(";")[0]
        text = answer.text.replace(self.address, self.base_url)
        body: Any = text or None
        if text and "json" in kind:
            body = jsontext.loads(text)
        return Reply(body, answer.status_code, kept, kind)


def passing(slug: str, address: str, make_side: MakeSide) -> Callable[[Path], Vendor]:
    return lambda path: Passing(Store(path), slug=slug, address=address, make_side=make_side)
