"""Reading: pages while records change, rows committed late, one record, deletions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

from apps.connectors.paths import get, text_of
from apps.connectors.times import parse_time, to_iso
from apps.connectors.types import Record
from conformance.bench import Bench
from conformance.result import CheckExempt, need
from conformance.sides import DeclaredSide

ROWS = 7
PAGE = 2


def pages_under_change(bench: Bench) -> str:
    """The worst that can happen to a reader is done after the first page, each in a read of its own."""
    names = _readable(bench)
    doubled, done = 0, set()
    for name in names:
        for happening, is_full in product(_HAPPENINGS, _ways(bench, name)):
            found = _read_under(bench, name, happening, is_full=is_full)
            if found is not None:
                doubled += found
                done.add(happening.__doc__ or "")
    told = "; ".join(sorted(done))
    tail = f"{doubled} came twice with equal content, which the hash drops" if doubled else "nothing doubled"
    return f"{len(names)} objects read while records changed ({told}): nothing skipped, {tail}."


def _ways(bench: Bench, name: str) -> tuple[bool, ...]:
    """A full read, and one of what changed where that asks in other words."""
    spec = bench.manifest.object(name).read
    return (True, False) if spec is not None and spec.full_request else (True,)


def _read_under(bench: Bench, name: str, happening: "Happening", *, is_full: bool) -> int | None:
    """How many records came twice; None: this cannot happen to them."""
    began = datetime.now(UTC) - timedelta(minutes=30)
    wanted = [bench.make(name, at=began + timedelta(minutes=number)) for number in range(ROWS)]
    since = None if is_full else to_iso(began - timedelta(minutes=1))
    # Which one a jolt makes a reader skip is chance; so none of those that are there may be missing.
    there = {bench.id_of(name, record) for record in bench.read(name, cursor=since)[0]} | set(wanted)
    changed: list[str] = []
    is_over, can_happen = False, True

    def between(records: list[Record]) -> None:
        nonlocal is_over, can_happen
        seen = {bench.id_of(name, record) for record in records}
        read = [item for item in wanted if item in seen]
        if not read or is_over:
            return
        is_over = True
        ahead = [item for item in reversed(wanted) if item not in seen]
        can_happen = happening(bench, name, read[0], ahead[0] if ahead else "", changed)

    records, _cursor = bench.read(name, cursor=since, size=PAGE, between=between)

    if not can_happen:
        return None
    lost = there - {bench.id_of(name, record) for record in records}
    need(not lost, f"{name}: {len(lost)} of {len(there)} records were skipped: {happening.__doc__}")
    return _doubled(bench, name, records, changed)


def _doubled(bench: Bench, name: str, records: list[Record], changed: list[str]) -> int:
    """Those that came more than once; what nobody changed must have come in equal words."""
    by_id: dict[str, list[Record]] = {}
    for record in records:
        by_id.setdefault(bench.id_of(name, record), []).append(record)
    for record_id, copies in by_id.items():
        others = [copy for copy in copies[1:] if copy != copies[0]]
        need(not others or record_id in changed, f"{name}: {record_id} came twice with different content")
    return sum(len(copies) - 1 for copies in by_id.values())


Happening = Callable[[Bench, str, str, str, list[str]], bool]
"""(bench, object, one that was read, one that was not yet read, ids changed) → whether it can happen at this vendor."""


def _touched(bench: Bench, name: str, read: str, _ahead: str, changed: list[str]) -> bool:
    """one that was read is changed, and another made"""
    changed.append(read)
    bench.touch(name, read)
    bench.make(name)
    return True


def _moved_away(bench: Bench, name: str, read: str, _ahead: str, changed: list[str]) -> bool:
    """one that was read moves to the end"""
    changed.append(read)
    return bench.side.displace(bench.resource(name), read, to_end=True)


def _moved_forward(bench: Bench, name: str, _read: str, ahead: str, changed: list[str]) -> bool:
    """one that was not yet read moves to the beginning"""
    changed.append(ahead)
    return bool(ahead) and bench.side.displace(bench.resource(name), ahead, to_end=False)


def _gone(bench: Bench, name: str, read: str, _ahead: str, changed: list[str]) -> bool:
    """one that was read is deleted"""
    changed.append(read)
    return bench.remove(name, read)


_HAPPENINGS: tuple[Happening, ...] = (_touched, _moved_away, _moved_forward, _gone)


def late_commit(bench: Bench) -> str:
    """A row whose modification time lies just before the cursor, but which was committed after the read."""
    checked = []
    for name in _readable(bench):
        spec = bench.manifest.object(name).read
        if spec is None or spec.cursor.kind == "full":
            continue
        bench.make(name, at=datetime.now(UTC) - timedelta(minutes=5))
        _records, cursor = bench.read(name)
        need(cursor, f"{name}: after a read that found records there is no cursor")
        edge = parse_time(cursor)
        assert edge is not None
        late = bench.make(name, at=edge - timedelta(seconds=2))

        records, _cursor = bench.read(name, cursor=cursor)

        seen = [bench.id_of(name, record) for record in records]
        need(late in seen, f"{name}: a row committed late, 2 s before the cursor, was never read")
        checked.append(name)
    if not checked:
        raise CheckExempt("Nothing is read incrementally: every run reads all.")
    return f"A row committed 2 s behind the cursor is still read ({len(checked)} objects)."


def fetch_one(bench: Bench) -> str:
    checked = []
    for name in _readable(bench):
        spec = bench.manifest.object(name).read
        if spec is None or spec.fetch is None:
            continue
        made = bench.make(name)
        found = bench.client().fetch(name, made)
        need(
            found is not None and bench.id_of(name, found) == made,
            f"{name}: {made} was made but is not found by its id",
        )
        checked.append(name)
    if not checked:
        raise CheckExempt("The manifest fetches no single record (`read.fetch`): it takes no webhooks.")
    return f"A record is fetched by its id ({len(checked)} objects)."


def deletion(bench: Bench) -> str:
    checked = []
    for name in _readable(bench):
        spec = bench.manifest.object(name)
        if isinstance(bench.side, DeclaredSide) and not bench.side.deletable(bench.resource(name)):
            continue
        fetch = spec.read is not None and spec.read.fetch is not None
        listed = spec.read is not None and spec.read.deleted is not None
        if spec.deletion is None and not fetch and not listed:
            continue
        made = bench.make(name, at=datetime.now(UTC) - timedelta(minutes=5))
        _records, cursor = bench.read(name)
        bench.side.remove(bench.resource(name), made)

        told = False
        if fetch:
            found = bench.client().fetch(name, made)
            told = found is None or _is_gone(spec.deletion, found)
        if not told and spec.deletion is not None:
            records, _cursor = bench.read(name, cursor=cursor)
            told = any(bench.id_of(name, item) == made and _is_gone(spec.deletion, item) for item in records)
        need(told or listed, f"{name}: {made} was deleted at the vendor, and neither fetching nor reading it says so")
        if listed:
            now = datetime.now(UTC)
            pages = bench.client().pages(name, cursor=cursor, page_size=None, now=now)
            gone = {external_id for page in pages for external_id in page.deleted_ids}
            need(made in gone, f"{name}: {made} was deleted at the vendor, and the list of deleted ones lacks it")
        checked.append(name)
    if not checked:
        raise CheckExempt("Nothing that the manifest reads can be deleted at the vendor and fetched by id.")
    return f"A deletion is noticed ({', '.join(checked)})."


def _is_gone(deletion: object, record: dict[str, object]) -> bool:
    path, values = getattr(deletion, "path", ""), getattr(deletion, "values", [])
    return bool(path) and text_of(get(record, path)) in values


def _readable(bench: Bench) -> list[str]:
    names = bench.objects()
    if not names:
        raise CheckExempt("The kit can make records of none of the objects (conformance.yaml, `objects`).")
    return names
