"""Answers of a test account, kept as fixtures: the first pages of each object, in the vendor's own words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import orjson

from apps.connectors.client import VendorClient
from apps.connectors.contract.replay import held_still
from apps.connectors.manifest import Manifest
from apps.core import http
from apps.core.http import OutboundRequest, OutboundResponse
from launcher.connector.sessions import Session

_MOST_PAGES = 4
_PAGE_SIZE = 2


class Recorder:
    """Sends, and keeps the bodies of the answers."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def __call__(self, request: OutboundRequest) -> OutboundResponse:
        response = http.send(request)
        self.bodies.append(response.body)
        return response


def record(manifest: Manifest, session: Session, object_name: str, folder: Path) -> str:
    """Write `<object>__page_<n>.json`; says what was done, or why nothing was."""
    read = manifest.object(object_name).read
    if read is None or read.attach or read.for_each:
        return "not recorded: it is made of several requests; record them by hand"
    if list(folder.glob(f"{object_name}__page_*.json")):
        return "not recorded: there are fixtures already"
    recorder = Recorder()
    client = VendorClient(held_still(manifest), config=session.config, tokens=session.tokens, send=recorder)
    for page in client.pages(object_name, cursor=None, page_size=_PAGE_SIZE, now=datetime.now(UTC)):
        if page.next_resume is not None and len(recorder.bodies) >= _MOST_PAGES:
            most = _MOST_PAGES * _PAGE_SIZE
            return f"not recorded: more than {most} records; use a test account that holds two pages of them"
    for number, body in enumerate(recorder.bodies, 1):
        text = json.dumps(orjson.loads(body), indent=2, ensure_ascii=False)
        (folder / f"{object_name}__page_{number}.json").write_text(text + "\n", encoding="utf-8")
    return f"recorded {len(recorder.bodies)} page(s); look them through, no real data and no secrets may stay"
