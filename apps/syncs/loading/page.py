"""Load one page: keep what came, map what is new, write what differs. One transaction, the caller's.

A record that cannot be used is kept with its problems and reported; it never stops its page.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction

from apps.canonical import writing
from apps.canonical.registry import Entity, entity
from apps.canonical.services import settle_proposals
from apps.core.json_text import dump_json, storable
from apps.core.problems import Problem, clear, report
from apps.core.turns import turns
from apps.mappings.engine import Deleted, Mapped, Reference, Rejected, Skipped
from apps.syncs.loading import (
    burials,
    differences,
    limits,
    lines,
    matching,
    overtaking,
    payloads,
    proposals,
    references,
    rows,
)
from apps.syncs.loading.context import Counts, LoadContext
from apps.syncs.models import SourceRecord

logger = logging.getLogger(__name__)
JsonObject = dict[str, Any]
_PIECE = 16
"""Records that are worked on before asking whose turn it is."""
_PERHAPS_ALIVE = ("deleted", "gone", "kept")
"""Of such a record an equal payload is news: it is there again."""


@dataclass(slots=True)
class Incoming:
    """One record of the page on its way."""

    external_id: str
    payload: str
    digest: bytes
    record: JsonObject
    status: str = "applied"
    problems: list[JsonObject] | None = None
    values: JsonObject | None = None
    references: dict[str, Reference] | None = None
    record_id: int | None = None
    before: str = ""
    """Status of what is stored until now."""
    is_mapped: bool = False


@dataclass(slots=True)
class Prepared:
    """A page as far as it can be worked out without the database."""

    items: list[Incoming]
    keyless: list[Any]
    repeated: int


def prepare_page(context: LoadContext, records: list[JsonObject], *, map_all: bool) -> Prepared:
    """Key, payload and hash of each record; of one that comes twice in a page, the last. Touches no database: any thread may.

    `map_all` maps them at once, which is lost work for those that turn out to be unchanged.
    """
    page: dict[str, Incoming] = {}
    keyless: list[Any] = []
    for number, record in enumerate(records):
        if not number % _PIECE:
            turns.await_own()
        external_id = str(context.key(record) or "") if isinstance(record, dict) else ""
        if not external_id or len(external_id) > 255 or storable(external_id) != external_id:
            keyless.append(record)
            continue
        raw = payloads.payload_bytes(record)
        page[external_id] = Incoming(external_id, raw.decode(), payloads.payload_hash(raw), record)
    items = list(page.values())
    if map_all and context.mapping is not None:
        _map(context, items)
    return Prepared(items, keyless, repeated=len(records) - len(keyless) - len(items))


def load_page(
    context: LoadContext,
    records: list[JsonObject],
    *,
    now: datetime,
    force: bool = False,
    prepared: Prepared | None = None,
    settled: bool = True,
    is_first: bool = True,
) -> Counts:
    """Write a page of vendor records. `force` maps unchanged payloads too (a corrected mapping is applied again).
    `prepared` is what `prepare_page` made of the same records. Not `settled`: what is said to be gone is only noted, and the
    caller calls `burials.settle` after the last page.

    Falls back to record by record when the database refuses the page, so that only the offending record fails. A record that
    somebody else brought or tied in the meantime (a webhook beside a read, the outcome of our own write) is no failure: the
    page is worked out once more, and finds it known (`is_first` then is False). Raises `OvertakingError`, where `context.made_here`
    names objects, instead of loading a page that may hold what we are just making.
    """
    try:
        with transaction.atomic():
            counts = _load(context, prepared or prepare_page(context, records, map_all=force), now=now, force=force)
            if settled and context.has_gone:
                counts.add(burials.settle(context, now=now))
            return counts
    except (DataError, IntegrityError) as error:
        context.known.clear()  # ids made inside are rolled back with it
        if is_first and _is_tied_meanwhile(error):
            return load_page(context, records, now=now, force=force, settled=settled, is_first=False)
        if len(records) == 1:
            return _refused(context, records[0], error, now=now)
        logger.warning("syncs.load.page_refused %s: %s", context.object_name, error)
    counts = Counts()
    for record in records:
        counts.add(load_page(context, [record], now=now, force=force, settled=False))
    if settled and context.has_gone:
        counts.add(burials.settle(context, now=now))
    return counts


def _is_tied_meanwhile(error: Exception) -> bool:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == "external_ref_once"


def _load(context: LoadContext, prepared: Prepared, *, now: datetime, force: bool) -> Counts:
    author = writing.Author(context.customer_id, context.origin, context.reason, context.run_id, now)
    counts = Counts()
    page = _incoming(context, prepared, counts)
    fresh = _fresh(context, page, counts, force=force)
    if fresh and context.mapping is not None:
        _map(context, fresh)
        _write(context, fresh, author, counts)
    elif fresh:
        counts.skipped += len(fresh)
        for item in fresh:
            item.status = "skipped"
    _keep_sources(context, fresh, author)
    _report(context, fresh, counts)
    return counts


def _incoming(context: LoadContext, prepared: Prepared, counts: Counts) -> list[Incoming]:
    for record in prepared.keyless:
        _report_keyless(context, record)
    counts.failed += len(prepared.keyless)
    counts.keyless += len(prepared.keyless)
    counts.skipped += prepared.repeated
    return prepared.items


def _fresh(context: LoadContext, page: list[Incoming], counts: Counts, *, force: bool) -> list[Incoming]:
    stored = rows.stored_hashes(context.connection_id, context.object_name, [item.external_id for item in page])
    fresh: list[Incoming] = []
    for item in page:
        digest, status = stored.get(item.external_id, (b"", ""))
        item.before = status
        context.has_gone |= status == "gone"
        if digest == item.digest and not force and status not in _PERHAPS_ALIVE:
            counts.unchanged += 1
        else:
            fresh.append(item)
    return fresh


def _map(context: LoadContext, fresh: list[Incoming]) -> None:
    assert context.mapping is not None
    known = entity(context.entity)
    run = context.mapping.run
    for number, item in enumerate(fresh):
        if item.is_mapped:
            continue
        if not number % _PIECE:
            turns.await_own()
        item.is_mapped = True
        outcome = run(item.record)
        if isinstance(outcome, Mapped):
            item.values = _with_custom(outcome.values)
            item.references = outcome.references
            if problems := limits.problems_of(known, outcome.values):
                _reject(item, problems)
        elif isinstance(outcome, Rejected):
            _reject(item, [_problem_json(problem) for problem in outcome.problems])
        elif isinstance(outcome, Deleted):
            item.status = "deleted"
        elif isinstance(outcome, Skipped):
            item.status = "skipped"


def _with_custom(values: JsonObject) -> JsonObject:
    """Fields mapped to `custom.<name>` arrive as flat keys and are kept together in one column."""
    custom = {key.removeprefix("custom."): values.pop(key) for key in list(values) if key.startswith("custom.")}
    if custom:
        values["custom"] = custom
    return values


def _write(context: LoadContext, fresh: list[Incoming], author: writing.Author, counts: Counts) -> None:
    known = entity(context.entity)
    usable = [item for item in fresh if item.status in {"applied", "deleted"}]
    own_keys = [(context.object_name, item.external_id) for item in usable]
    mentioned = references.mentions(known, (item.references for item in usable if item.references))
    keys = own_keys + references.named(mentioned)
    own = references.look_up(context, keys)
    if context.made_here:
        overtaking.look(context, set(keys) - own.keys(), now=author.now)
    if context.same:
        own |= references.tie_same(context, set(own_keys) - own.keys(), author)
    undecided = matching.undecided(context, known, own_keys, mentioned)
    for name in undecided:
        matching.serialise(context, name)
    found = references.resolve(context, mentioned, author)
    if known.name in undecided:  # somebody else may have made it until the lock was ours
        own = references.look_up(context, own_keys)
    for item in usable:
        item.record_id = own.get((context.object_name, item.external_id))
        if item.status == "applied":
            _settle_references(item, known, found)
    present = [item for item in usable if item.status == "applied"]
    unknown = [item for item in present if item.record_id is None]
    adopted = matching.adopt(
        context, known.name, context.object_name, {item.external_id: item.values or {} for item in unknown}, author
    )
    for item in unknown:
        item.record_id = adopted.get(item.external_id)
    new = lines.of_others(known, [item for item in unknown if item.record_id is None])
    present = [item for item in present if item.status == "applied"]
    _insert(context, known, _complete(known, new), author, counts)
    matching.propose(context, new, author)
    made = {item.external_id for item in new}
    _update(context, known, [item for item in present if item.external_id not in made], author, counts)
    counts.skipped += sum(
        item.status == "skipped" or (item.status == "deleted" and not item.record_id) for item in fresh
    )
    _note_gone(context, known, [item for item in usable if item.status == "deleted" and item.record_id], counts)


def _settle_references(item: Incoming, known: Entity, found: dict[references.Key, int]) -> None:
    """Replace references by ids. What is not known and not described well enough for a stub is a problem."""
    values = item.values or {}
    problems: list[JsonObject] = []
    for field, reference in (item.references or {}).items():
        record_id = found.get(reference.key)
        if record_id is not None:
            values[field] = record_id
        elif field in known.references:
            problems.append(
                {
                    "code": "missing_reference",
                    "field": field,
                    "source": reference.object,
                    "value": reference.external_id,
                    "message": references.missing(field, reference),
                }
            )
    if problems:
        _reject(item, problems)


def _complete(known: Entity, new: list[Incoming]) -> list[Incoming]:
    """Those with all a new record needs; the rest is rejected, naming the field."""
    complete: list[Incoming] = []
    for item in new:
        lacking = [name for name in known.required if (item.values or {}).get(name) is None]
        if lacking:
            _reject(
                item,
                [
                    {
                        "code": "missing_value",
                        "field": name,
                        "source": "",
                        "value": "",
                        "message": f"{name} is needed for a new {known.verbose_name} and the record has none.",
                    }
                    for name in lacking
                ],
            )
        else:
            complete.append(item)
    return complete


def _insert(context: LoadContext, known: Entity, new: list[Incoming], author: writing.Author, counts: Counts) -> None:
    ids = writing.new_ids(known.name, len(new))
    written: list[JsonObject] = []
    column_of = known.column_of
    for item, record_id in zip(new, ids, strict=True):
        item.record_id = record_id
        row = {column_of.get(field, field): value for field, value in (item.values or {}).items() if value is not None}
        row["id"] = record_id
        row["_external_id"] = item.external_id
        written.append(row)
    came_as = writing.Origin(context.connection_id, context.object_name, context.url_template)
    writing.insert(known.name, written, author, came_as)
    context.remember({(context.object_name, item.external_id): item.record_id for item in new if item.record_id})
    counts.created += len(new)


def _update(context: LoadContext, known: Entity, items: list[Incoming], author: writing.Author, counts: Counts) -> None:
    """Lock in id order (two connections may bring the same client), compare, write what this connection may write."""
    if not items:
        return
    current = {
        record.pk: record
        for record in known.model.objects.select_for_update().filter(pk__in=[i.record_id for i in items]).order_by("pk")
    }
    policies = context.mapping.overwrite if context.mapping else {}
    written: dict[int, JsonObject] = {}
    compared: dict[int, JsonObject] = {}
    agreed: dict[int, JsonObject] = {}
    suggested: list[proposals.FieldProposal] = []
    for item in items:
        record = current.get(item.record_id or 0)
        if record is None:
            continue
        incoming = _as_columns(known, item.values or {})
        # Two vendor records may stand for one canonical record in the same page: the second sees what the first wrote.
        before = written.get(record.pk) or {column.name: getattr(record, column.name) for column in known.columns}
        difference = differences.compare(
            before,
            incoming,
            foreign=context.foreign_fields,
            policies=policies,
            is_stub=bool(before["is_stub"]),
        )
        revived = before["deleted_at"] is not None and context.owns_entity
        if difference.changes or revived or (before["is_stub"] and context.owns_entity):
            written[record.pk] = {
                **before,
                **{name: new for name, (_, new) in difference.changes.items()},
                "is_stub": False,
                "deleted_at": None if revived else before["deleted_at"],
                "updated_at": author.now,
                "_fields": {**(before.get("_fields") or {}), **{n: [o, v] for n, (o, v) in difference.changes.items()}},
            }
            counts.updated += 1
        else:
            counts.unchanged += 1
        compared[record.pk] = written.get(record.pk) or before
        agreed[record.pk] = {name: new for name, new in incoming.items() if name not in difference.proposed}
        suggested += [
            proposals.FieldProposal(record.pk, str(record), name, old, new)
            for name, (old, new) in difference.proposed.items()
        ]
    writing.update(known.name, list(written.values()), author)
    settle_proposals(
        known.name,
        compared,
        customer_id=context.customer_id,
        now=author.now,
        said=agreed,
        sayer=context.connection_id,
    )
    proposals.propose_fields(context, suggested, author)


def _as_columns(known: Entity, values: JsonObject) -> JsonObject:
    """Values by column; nothing where a column always has a value means its default, so that text is emptied to ''."""
    columns = {known.column_of.get(field, field): value for field, value in values.items()}
    return {name: known.defaults.get(name) if value is None else value for name, value in columns.items()}


def _note_gone(context: LoadContext, known: Entity, items: list[Incoming], counts: Counts) -> None:
    """Those that are marked as deleted at the vendor; what was marked here before stays so."""
    if not items:
        return
    decided = burials.fates(context, known, {item.external_id: (item.record_id, item.before) for item in items})
    for item in items:
        item.status = decided[item.external_id]
    counts.unchanged += sum(item.status == "deleted" and context.owns_entity for item in items)
    counts.skipped += sum(item.status == "kept" or not context.owns_entity for item in items)


def _keep_sources(context: LoadContext, fresh: list[Incoming], author: writing.Author) -> None:
    rows.store_sources(
        context.connection_id,
        context.object_name,
        context.entity,
        [
            (
                item.external_id,
                item.payload,
                item.digest.hex(),
                item.status,
                dump_json(item.problems) if item.problems else "[]",
                item.record_id,
            )
            for item in fresh
            if not (item.status == item.before == "deleted")  # its time stays that of the mark
        ],
        author,
    )


def _report(context: LoadContext, fresh: list[Incoming], counts: Counts) -> None:
    rejected = [item for item in fresh if item.status == "rejected"]
    counts.failed += len(rejected)
    well_again = [
        trace_key(context.connection_id, context.object_name, i.external_id)
        for i in fresh
        if i.before == "rejected" and i.status != "rejected"
    ]
    clear(customer_id=context.customer_id, trace_keys=well_again, note="The record arrived again and could be used.")
    if not rejected:
        return
    ids = dict(
        SourceRecord.objects.filter(
            connection_id=context.connection_id,
            object_name=context.object_name,
            external_id__in=[item.external_id for item in rejected],
        ).values_list("external_id", "id")
    )
    for item in rejected:
        problems = item.problems or []
        first = problems[0] if problems else {}
        report(
            Problem(
                customer_id=context.customer_id,
                connection_id=context.connection_id,
                trace_key=trace_key(context.connection_id, context.object_name, item.external_id),
                reason=str(first.get("code", "invalid_value")),
                title=f"{context.object_name} {item.external_id}: {first.get('message', 'could not be used')}",
                subject_kind="source_record",
                subject_id=ids.get(item.external_id, 0),
                entity=context.entity,
                record_id=item.record_id,
                detail={"problems": problems, "object": context.object_name, "external_id": item.external_id},
            )
        )


def _refused(context: LoadContext, record: JsonObject, error: Exception, *, now: datetime) -> Counts:
    """The database itself refused this record: keep it with the database's words."""
    author = writing.Author(context.customer_id, context.origin, context.reason, context.run_id, now)
    counts = Counts()
    items = _incoming(context, prepare_page(context, [record], map_all=False), counts)
    for item in items:
        said = str(error).splitlines()[0][:300]
        _reject(
            item,
            [
                {
                    "code": "invalid_value",
                    "field": "",
                    "source": "",
                    "value": "",
                    "message": f"The record can't be stored: {said}",
                }
            ],
        )
    _keep_sources(context, items, author)
    _report(context, items, counts)
    return counts


def trace_key(connection_id: int, object_name: str, external_id: str) -> str:
    """The case key of a source record."""
    return f"source:{connection_id}:{object_name}:{external_id}"[:250]


def keyless_trace(connection_id: int, object_name: str) -> str:
    """The case key of records without an id: nothing tells them apart, so it is one for the object."""
    return f"keyless:{connection_id}:{object_name}"[:250]


def _reject(item: Incoming, problems: list[JsonObject]) -> None:
    item.status = "rejected"
    item.problems = (item.problems or []) + problems


def _problem_json(problem: Any) -> JsonObject:
    found = {
        "code": problem.code.reason,
        "field": problem.field,
        "source": problem.source,
        "value": problem.value,
        "message": problem.message,
    }
    if problem.value_map:
        found |= {"value_map": problem.value_map, "map_key": problem.map_key}
    return found


def _report_keyless(context: LoadContext, record: Any) -> None:
    report(
        Problem(
            customer_id=context.customer_id,
            connection_id=context.connection_id,
            trace_key=keyless_trace(context.connection_id, context.object_name),
            reason="bad_answer",
            title=f"{context.object_name}: a record came without a usable id and was left out",
            subject_kind="connection",
            subject_id=context.connection_id,
            entity=context.entity,
            detail={"record": str(record)[:500]},
        )
    )
