"""Several writes in one request: each has its own outcome, and whatever breaks has exactly one effect."""

from collections.abc import Iterator

from apps.connectors.client import VendorClient
from apps.connectors.types import Answer, PreparedCall
from conformance.bench import Bench
from conformance.checks.writing import Write, prepared, settled, writes_of
from conformance.joining import filled
from conformance.result import CheckExempt, CheckFailed, need

GOOD = 3
FAULTS = ("500", "drop_before", "drop_after")


def batches(bench: Bench) -> str:
    titles = [
        f"{name}.{operation}"
        for name, spec in bench.manifest.objects.items()
        for operation, write in spec.write.items()
        if write.batch is not None
    ]
    if not titles:
        raise CheckExempt("The manifest puts no writes together.")
    for title in titles:
        if title not in bench.join.writes:
            raise CheckFailed(f"conformance.yaml names no body for {title}, which goes out in batches (`writes`)")
        _partly_refused(bench, title)
        for kind in FAULTS:
            _broken(bench, title, kind)
    return f"In one request each write keeps its own outcome; broken off, each has exactly one effect ({', '.join(titles)})."


def _partly_refused(bench: Bench, title: str) -> None:
    client, writes = bench.client(), list(_several(bench, title, GOOD))
    calls = [prepared(client, write, write.body) for write in writes]
    spoiled = writes[0].spec.refused
    if spoiled is not None:
        calls.insert(1, prepared(client, writes[0], bench.counted(filled(spoiled, writes[0].known))))
    before = bench.side.count(writes[0].resource)

    answers = [
        client.send(call) if answer.outcome == "not_sent" else answer
        for call, answer in zip(calls, client.send_together(calls), strict=True)
    ]

    wanted = ["done"] * GOOD
    if spoiled is not None:
        wanted.insert(1, "refused")
        need(answers[1].message, f"{title}: one of a batch was refused without a word of why")
    _need_outcomes(title, answers, wanted)
    ids = [answer.external_id for answer in answers if answer.outcome == "done"]
    need(all(ids) and len(set(ids)) == GOOD, f"{title}: the ids of a batch are {ids}")
    made = bench.side.count(writes[0].resource) - before
    need(made == GOOD, f"{title}: a batch of {GOOD} made {made} records")


def _broken(bench: Bench, title: str, kind: str) -> None:
    client, writes = bench.client(), list(_several(bench, title, GOOD))
    client.verify()
    calls = [prepared(client, write, write.body) for write in writes]
    before = bench.side.count(writes[0].resource)
    spec = client.manifest.write(writes[0].name, writes[0].operation).batch
    assert spec is not None
    bench.fault(kind, method=spec.request.method, path=_fixed_end(spec.request.path), count=1)
    answers = client.send_together(calls)
    bench.clear()
    for write, call, answer in zip(writes, calls, answers, strict=True):
        _settle(client, write, call, answer, kind)
    made = bench.side.count(writes[0].resource) - before
    need(made == GOOD, f"{title}: after {kind} a batch of {GOOD} has made {made} records")


def _settle(client: VendorClient, write: Write, call: PreparedCall, answer: Answer, kind: str) -> None:
    """As the engine does: what is uncertain is asked for, what did not happen is sent alone."""
    need(answer.outcome != "done", f"{write.title}: broken off by {kind}, one of a batch was taken for done")
    if answer.outcome == "uncertain" and settled(client, call, write) != "absent":
        return
    again = client.send(call)
    need(again.outcome == "done", f"{write.title}: sent again alone, it ended as {again.outcome}: {again.message}")


def _several(bench: Bench, title: str, number: int) -> Iterator[Write]:
    for _ in range(number):
        yield from writes_of(bench, title)


def _need_outcomes(title: str, answers: list[Answer], wanted: list[str]) -> None:
    found = [str(answer.outcome) for answer in answers]
    told = "; ".join(answer.message for answer in answers if answer.message)
    need(found == wanted, f"{title}: a batch ended as {found} instead of {wanted} ({told})")


def _fixed_end(path: str) -> str:
    """The part of a path behind its last placeholder."""
    return path.rpartition("}")[2] or path
