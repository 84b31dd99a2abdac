"""Writes that carry a version: somebody else changes the record between our reading it and our writing it."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from apps.connectors.manifest import Family
from apps.connectors.types import Answer
from apps.core.http import OutboundRequest, OutboundResponse, send
from conformance.bench import Bench
from conformance.joining import ChangeJoin, filled
from conformance.result import CheckExempt, CheckFailed, need
from conformance.sides import DeclaredSide

EARLIER = timedelta(minutes=5)


@dataclass
class Scene:
    """One record, our change of it, and what became of both."""

    answer: Answer
    record: dict[str, Any]
    body: dict[str, Any]
    meddling: dict[str, Any]
    statuses: list[int] = field(default_factory=list)
    """The vendor's answers to the write, in their order."""


def stale_version(bench: Bench) -> str:
    seen = []
    for name, operation, change in _guarded(bench):
        title = f"{name}.{operation}"
        same = _play(bench, name, operation, change, "same")
        need(same.answer.outcome == "done", f"{title}: already as wanted, it ended as {_told(same.answer)}")

        other = _play(bench, name, operation, change, "other")
        need(
            len(other.statuses) > 1 and other.statuses[0] >= 400,
            f"{title}: the practice vendor took a change for a version that was no longer there ({other.statuses})",
        )
        need(
            other.answer.outcome == "done", f"{title}: another field was changed, and it ended as {_told(other.answer)}"
        )
        need(len(other.statuses) == 2, f"{title}: it was sent {len(other.statuses)} times instead of once more")
        _stands(title, other.record, {**other.meddling, **_shown(other.body, other.record)})

        theirs = _play(bench, name, operation, change, "theirs")
        need(
            theirs.answer.outcome == "refused" and theirs.answer.family is Family.CONFLICT,
            f"{title}: the same field was changed by somebody else, and it ended as {_told(theirs.answer)}",
        )
        need(len(theirs.statuses) == 1, f"{title}: a conflict was sent {len(theirs.statuses)} times")
        _stands(title, theirs.record, theirs.meddling)
        seen.append(title)
    return (
        "A change between reading and writing: as wanted already, done; other fields, sent once more; the same field, a "
        f"conflict and nothing overwritten ({', '.join(seen)})."
    )


def _guarded(bench: Bench) -> Iterator[tuple[str, str, ChangeJoin]]:
    found = [
        (name, operation)
        for name, spec in bench.manifest.objects.items()
        for operation, write in spec.write.items()
        if write.guard is not None
    ]
    if not found:
        raise CheckExempt("Nothing that the manifest writes carries a version.")
    for name, operation in found:
        change = bench.join.changes.get(f"{name}.{operation}") or _derived(bench, name)
        if change is None:
            raise CheckFailed(f"conformance.yaml names no change for {name}.{operation} (`changes`)")
        yield name, operation, change


def _derived(bench: Bench, name: str) -> ChangeJoin | None:
    """Two plain texts of the record, where a file describes the vendor."""
    if not isinstance(bench.side, DeclaredSide) or not bench.makable(name):
        return None
    texts = bench.side.text_fields(bench.resource(name))
    if len(texts) < 2:
        return None
    return ChangeJoin(body={texts[0]: "Kit {n}"}, other={texts[1]: "Other {n}"})


def _play(bench: Bench, name: str, operation: str, change: ChangeJoin, what: str) -> Scene:
    """Our change, with one of somebody else between reading and writing: the same, of another field, of the same field."""
    resource = change.resource or bench.resource(name)
    body = bench.counted(change.body)
    theirs = change.theirs or {key: f"{value} (theirs)" for key, value in body.items() if isinstance(value, str)}
    meddling = bench.counted({"other": change.other, "theirs": theirs}.get(what) or body)
    join = bench.joined(name)
    values = bench.counted({**filled(join.make, bench.prepared(join.prepare)), **change.make})
    record_id = bench.side.make(resource, values, at=datetime.now(UTC) - EARLIER)
    statuses: list[int] = []

    def through(request: OutboundRequest) -> OutboundResponse:
        if not _is(request, call.request):
            return send(request)
        if not statuses:
            bench.side.touch(resource, record_id, meddling)
        answer = send(request)
        statuses.append(answer.status)
        return answer

    client = bench.client(send=through)
    call = client.prepare(name, operation, body, idempotency_key=secrets.token_hex(12), external_id=record_id)
    answer = client.send(call)
    return Scene(answer, bench.side.record(resource, record_id), body, meddling, statuses)


def _is(request: OutboundRequest, meant: OutboundRequest) -> bool:
    return (request.method, urlsplit(request.url).path) == (meant.method, urlsplit(meant.url).path)


def _shown(values: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in record}


def _stands(title: str, record: dict[str, Any], wanted: dict[str, Any]) -> None:
    wrong = {name: record.get(name) for name, value in wanted.items() if record.get(name) != value}
    need(not wrong, f"{title}: afterwards the vendor has {wrong} instead of {wanted}")


def _told(answer: Answer) -> str:
    return f"{answer.outcome} ({answer.message})" if answer.message else str(answer.outcome)
