"""Answers no honest vendor gives, on demand: changed shapes, lies about encoding, drips, redirects."""

import asyncio
import contextlib
import gzip
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.framework import jsontext
from sandbox.framework.faults import Fault
from sandbox.framework.http import Reply

BOMB_MB = 64


async def answer(request: web.Request, reply: Reply, fault: Fault) -> web.StreamResponse:
    if fault.kind == "redirect":
        return web.Response(status=302, headers={"Location": fault.arg or "http://169.254.169.254/latest/meta-data/"})
    if fault.kind == "gzip_lie":
        return web.Response(
            body=reply.text().encode(), headers={"Content-Encoding": "gzip"}, content_type=reply.content_type
        )
    if fault.kind == "gzip_bomb":
        bomb = gzip.compress(b'{"a": "' + b" " * (BOMB_MB * 1024 * 1024) + b'"}', 9)
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"}, content_type="application/json")
    if fault.kind == "drip":
        return await _drip(request, reply, fault.seconds(30))
    changed = Reply(_changed(reply.body, _CHANGES[fault.kind]), reply.status, reply.headers, reply.content_type)
    return web.Response(
        text=changed.text(), status=changed.status, headers=changed.headers, content_type=changed.content_type
    )


async def _drip(request: web.Request, reply: Reply, seconds: float) -> web.StreamResponse:
    """One byte every fifth of a second: each read succeeds, the answer never ends."""
    response = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type})
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):
        for _ in range(int(seconds * 5)):
            await response.write(b" ")
            await asyncio.sleep(0.2)
    return response


def _changed(body: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The body with every record of its longest list changed."""
    body = jsontext.loads(jsontext.dumps(body))
    found = _longest(body)
    for index, record in enumerate(found or []):
        found[index] = change(record)  # type: ignore[index]
    return body


def _longest(value: Any) -> list[dict[str, Any]] | None:
    lists = [value] if isinstance(value, list) and value and isinstance(value[0], dict) else []
    for held in value.values() if isinstance(value, dict) else []:
        inner = _longest(held)
        if inner is not None:
            lists.append(inner)
    return max(lists, key=len, default=None)


def _with_unknown(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "x_practice_new": {"deep": [1, {"a": None}]}, "x-practice-é": "ü"}


def _with_missing(record: dict[str, Any]) -> dict[str, Any]:
    names = list(record)
    return {name: record[name] for name in names[: max(1, len(names) // 3)]}


def _with_wrong(record: dict[str, Any]) -> dict[str, Any]:
    first, *rest = record
    return {first: record[first], **{name: _wrong(record[name]) for name in rest}}


def _wrong(value: Any) -> Any:
    if isinstance(value, dict | list):
        return "a text where a structure was"
    return [value] if isinstance(value, str) else {"wrong": value}


_CHANGES = {"unknown_fields": _with_unknown, "missing_fields": _with_missing, "wrong_types": _with_wrong}
