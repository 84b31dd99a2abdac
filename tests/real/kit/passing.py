"""A server that passes every request on to a real system: the kit's faults happen between it and the connector."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from conformance.sides import Side
from sandbox.framework import jsontext
from sandbox.framework.http import Call, Handler, Reply
from sandbox.framework.store import Document, Store
from sandbox.framework.vendor import OAuthPaths, Vendor
from sandbox.serving import Served

_OURS = {"host", "content-length", "connection", "accept-encoding", "x-practice-fault"}
_THEIRS = {"content-length", "content-encoding", "transfer-encoding", "connection", "content-type"}
MakeSide = Callable[[Served, str], Side]


class Passing(Vendor):
    """Adds nothing of its own: answers, statuses and headers are the system's."""

    oauth = OAuthPaths(authorize=(), token=(), access_seconds=0, rotates_refresh=False)

    def __init__(self, store: Store, *, slug: str, address: str, make_side: MakeSide) -> None:
        super().__init__(store)
        self.name = self.label = slug
        self.address, self.side = address.rstrip("/"), make_side

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [("*", "/{rest:(?!_practice).*}", self._pass_on)]

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
