"""Reading: pages while records change, rows committed late, one record, deletions."""

from datetime import UTC, datetime, timedelta

from apps.connectors.paths import get, text_of
from apps.connectors.times import parse_time
from conformance.bench import Bench
from conformance.result import CheckExempt, need
from conformance.sides import DeclaredSide

ROWS = 7
PAGE = 2


def pages_under_change(bench: Bench) -> str:
    names = _readable(bench)
    doubled = 0
    for name in names:
        began = datetime.now(UTC) - timedelta(minutes=30)
        wanted = [bench.make(name, at=began + timedelta(minutes=number)) for number in range(ROWS)]
        changed: list[str] = []

        def between(number: int, name: str = name, wanted: list[str] = wanted, changed: list[str] = changed) -> None:
            if number == 0:
                changed.append(wanted[0])
                bench.touch(name, wanted[0])
                bench.make(name)

        records, _cursor = bench.read(name, size=PAGE, between=between)
        seen = [bench.id_of(name, record) for record in records]
        lost = [item for item in wanted if item not in seen]
        need(not lost, f"{name}: {len(lost)} of {ROWS} records were skipped while others changed under the reader")
        by_id: dict[str, list[object]] = {}
        for record in records:
            by_id.setdefault(bench.id_of(name, record), []).append(record)
        for record_id, copies in by_id.items():
            extra = [copy for copy in copies[1:] if copy != copies[0]]
            doubled += len(copies) - 1
            need(not extra or record_id in changed, f"{name}: {record_id} came twice with different content")
    tail = f"; {doubled} came twice with equal content, which the hash drops" if doubled else ", nothing doubled"
    return f"{len(names)} objects read while records changed: nothing skipped{tail}."


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
