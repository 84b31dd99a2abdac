"""Writing: whatever breaks, one intended write has one effect; a refusal is told in the vendor's words."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from apps.connectors.client import VendorClient
from apps.connectors.types import PreparedCall, VendorTransientError
from conformance.bench import Bench
from conformance.joining import WriteJoin, filled
from conformance.result import CheckExempt, CheckFailed, need

LONG_AGO = 3600.0
JUST_NOW = 30.0


@dataclass(frozen=True, slots=True)
class Write:
    """One create of the manifest with a body that the vendor takes."""

    name: str
    operation: str
    spec: WriteJoin
    body: dict[str, Any]
    resource: str
    external_id: str | None
    known: dict[str, Any]
    """What its bodies may name."""

    @property
    def title(self) -> str:
        return f"{self.name}.{self.operation}"


def server_error(bench: Bench) -> str:
    client = bench.client()
    client.verify()
    bench.fault("500", count=None)
    try:
        client.verify()
    except VendorTransientError:
        pass
    else:
        raise CheckFailed("a 500 on reading was taken for an answer")
    bench.clear()
    return "A 5xx on reading is tried again later" + _effects(bench, "500", "; on writing")


def dropped_before(bench: Bench) -> str:
    return "A connection that breaks before the vendor acted" + _effects(bench, "drop_before", ":")


def dropped_after(bench: Bench) -> str:
    return "A connection that breaks after the vendor acted" + _effects(bench, "drop_after", ":")


def refused_write(bench: Bench) -> str:
    shown = []
    for write in writes_of(bench):
        if write.spec.refused is None:
            continue
        body = bench.counted(filled(write.spec.refused, write.known))
        before = bench.side.count(write.resource)
        answer = bench.client().send(prepared(bench.client(), write, body))
        need(
            answer.outcome == "refused",
            f"{write.title}: a body the vendor refuses ended as {answer.outcome}: {answer.message}",
        )
        text = answer.message.strip()
        need(
            len(text) > 10 and not text.startswith("status "),
            f"{write.title}: the vendor gave a reason, and we would show {text!r}",
        )
        need(bench.side.count(write.resource) == before, f"{write.title}: refused, but a record was made")
        shown.append(text)
    if not shown:
        raise CheckExempt(
            "conformance.yaml names no body that the vendor must refuse." if bench.join.writes else _NO_WRITES
        )
    return f"A refusal is told in the vendor's words: “{shown[0][:120]}”."


_NO_WRITES = "The connector creates nothing."


def _effects(bench: Bench, kind: str, joint: str) -> str:
    """Each create is broken once; afterwards there is exactly one record more."""
    done = []
    for write in writes_of(bench):
        if write.external_id is not None:
            continue
        client = bench.client()
        client.verify()
        key = secrets.token_hex(12)
        call = prepared(client, write, write.body, key)
        before = bench.side.count(write.resource)
        path = unquote(urlsplit(call.request.url).path)
        bench.fault(kind, method=call.request.method, path=path, holds=_own_text(client, write), count=1)
        answer = client.send(call)
        bench.clear()
        need(
            answer.outcome in ("uncertain", "not_sent", "rate_limited", "refused"),
            f"{write.title}: broken off by {kind}, the write was taken for {answer.outcome}",
        )
        if answer.outcome == "uncertain":
            answer_state = settled(client, call, write)
            if answer_state == "absent":
                again = client.send(call)
                need(
                    again.outcome == "done", f"{write.title}: sent again, it ended as {again.outcome}: {again.message}"
                )
        elif answer.outcome != "refused":
            again = client.send(call)
            need(again.outcome == "done", f"{write.title}: sent again, it ended as {again.outcome}: {again.message}")
        made = bench.side.count(write.resource) - before
        need(made == 1, f"{write.title}: after {kind} there are {made} records instead of one")
        done.append(write.title)
    if not done:
        if kind == "500":
            return "."
        raise CheckExempt(_NO_WRITES if not _creates(bench) else "conformance.yaml names no body for any create.")
    return f"{joint} exactly one effect ({', '.join(done)})."


def _own_text(client: VendorClient, write: Write) -> str:
    """A text that only the write itself carries, where what is asked before it goes to the same address (JSON-RPC):
    else the fault would meet the question. Empty where the address tells."""
    spec = client.manifest.write(write.name, write.operation)
    address = (spec.request.method, spec.request.path)
    if all((item.lookup.request.method, item.lookup.request.path) != address for item in spec.look_up):
        return ""
    return max((value for value in write.body.values() if isinstance(value, str)), key=len, default="")


def settled(client: VendorClient, call: PreparedCall, write: Write) -> str:
    """What probing says: first while the vendor remembers the key, then when its search has settled."""
    reason = ""
    for age in (JUST_NOW, LONG_AGO):
        result = client.probe(
            write.name, write.operation, idempotency_key=call.idempotency_key, marker=call.marker,
            natural_key=_natural_key(client, write), body=write.body, external_id=write.external_id, variables=call.variables,
            age_seconds=age,
        )  # fmt: skip
        if result.state != "unknown":
            return result.state
        reason = result.reason
    raise CheckFailed(f"{write.title}: nobody can tell whether it happened ({reason})")


def _natural_key(client: VendorClient, write: Write) -> str:
    for way in client.manifest.write(write.name, write.operation).probe:
        field = getattr(way, "field", "")
        if field and write.body.get(field):
            return str(write.body[field])
    return ""


def prepared(client: VendorClient, write: Write, body: dict[str, Any], key: str = "") -> PreparedCall:
    return client.prepare(
        write.name, write.operation, body, idempotency_key=key or secrets.token_hex(12), external_id=write.external_id
    )


def writes_of(bench: Bench, only: str = "") -> Iterator[Write]:
    """Each write of conformance.yaml, or the one named, with a body of its own."""
    for title, spec in bench.join.writes.items():
        if only and title != only:
            continue
        name, _, operation = title.partition(".")
        known = _known(bench, spec)
        resource = spec.resource or bench.resource(name)
        external_id = str(filled(spec.external_id, known)) if spec.external_id else None
        yield Write(name, operation, spec, bench.counted(filled(spec.body, known)), resource, external_id, known)


def _known(bench: Bench, spec: WriteJoin) -> dict[str, Any]:
    return {**bench.prepared(spec.prepare), "random": secrets.token_hex(4)}


def _creates(bench: Bench) -> bool:
    return any("create" in spec.write for spec in bench.manifest.objects.values())
