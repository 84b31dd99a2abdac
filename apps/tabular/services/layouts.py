"""Which column holds which field: proposed with reasons, confirmed by a person, remembered for the next file."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.connectors.manifest.objects import FieldSpec, ObjectSpec
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.problems import clear, report_of
from apps.syncs.models import SyncRun
from apps.syncs.services import add_syncs, start_run
from apps.tabular.models import DataFile, FileStatus, Layout
from apps.tabular.reading.converting import Converter, Target
from apps.tabular.reading.formats import (
    DATE_ORDERS,
    NUMBER_FORMATS,
    Choice,
    Evidence,
    contradicts,
    date_order,
    number_format,
)
from apps.tabular.reading.headings import Wanted, propose, propose_keys
from apps.tabular.services.chunks import first_rows

_NUMBERS, _DATES = {"decimal", "integer"}, {"date", "datetime"}


class LayoutError(PermanentError):
    """What a person chose for the columns does not go together; every mistake is named."""

    code = "layout_invalid"


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """One column as the page shows it: what it could be, why, and how its values look."""

    header: str
    samples: list[str]
    field: str = ""
    keep: bool = True
    why: str = ""
    format: str = ""
    number: Choice | None = None
    date: Choice | None = None
    is_key: bool = False
    detected_number: str = "point"
    detected_date: str = "ymd"


@dataclass(frozen=True, slots=True)
class Suggestion:
    columns: list[ColumnChoice]
    keys: list[str]
    is_remembered: bool
    hold: str = ""
    """Why a remembered layout was not simply applied."""
    missing: list[str] = field(default_factory=list)
    """Titles of needed fields that no column is proposed for."""


def fields_of(spec: ObjectSpec) -> dict[str, FieldSpec]:
    return {item.path: item for item in spec.fields}


def wanted(spec: ObjectSpec) -> list[Wanted]:
    return [Wanted(item.path, (item.title or item.path, item.path, *item.aliases), item.type) for item in spec.fields]


def suggest(file: DataFile) -> Suggestion:
    """What to show for confirmation: the remembered layout where it fits, else proposals by name and by the values."""
    spec = file.connection.manifest.object(file.object_name)
    known = fields_of(spec)
    evidence = {item["header"]: Evidence.from_json(item) for item in file.columns}
    remembered = Layout.objects.filter(connection_id=file.connection_id, object_name=file.object_name).first()
    proposals = propose(list(evidence), wanted(spec))
    fields = {header: proposal.field for header, proposal in proposals.items()}
    whys = {header: proposal.reason for header, proposal in proposals.items()}
    formats: dict[str, str] = {}
    keeps: dict[str, bool] = {}
    if remembered is not None:
        for header, column in remembered.columns.items():
            if header in evidence:
                fields.pop(header, None)
                taken = column["field"]
                for other in [name for name, value in fields.items() if taken and value == taken]:
                    fields.pop(other)
                if taken:
                    fields[header] = taken
                whys[header] = "as in the file before"
                formats[header] = column.get("format", "")
                keeps[header] = bool(column.get("keep", True))
    keys = [key for key in (remembered.keys if remembered else []) if key in evidence]
    if not keys:
        filled = {header: found.filled for header, found in evidence.items()}
        keys = propose_keys(list(evidence), fields, filled, _sampled(evidence))
        keys = _telling_apart(file, spec, list(evidence), fields, keys)
    delimiter = str(file.detected.get("delimiter") or "")
    columns = []
    for header, found in evidence.items():
        number = number_format(found, evidence.values(), delimiter=delimiter)
        date = date_order(found, evidence.values())
        kind = known[fields[header]].type if fields.get(header) in known else ""
        proposed = number.format if kind in _NUMBERS else date.format if kind in _DATES else ""
        columns.append(
            ColumnChoice(
                header=header,
                samples=found.samples,
                field=fields.get(header, "") if fields.get(header) in known else "",
                keep=keeps.get(header, True),
                why=whys.get(header, ""),
                format=formats.get(header) or proposed,
                number=number if found.looks_numeric or kind in _NUMBERS else None,
                date=date if found.looks_dated or kind in _DATES else None,
                is_key=header in keys,
                detected_number=number.format,
                detected_date=date.format,
            )
        )
    placed = {column.field for column in columns}
    return Suggestion(
        columns,
        keys,
        is_remembered=remembered is not None,
        hold=_hold(file, remembered, evidence) if remembered else "",
        missing=[item.title or item.path for item in spec.fields if item.required and item.path not in placed],
    )


@transaction.atomic
def confirm_layout(
    file: DataFile,
    *,
    object_name: str,
    columns: dict[str, dict[str, Any]],
    keys: list[str],
    actor: User | None,
    reason: str,
    now: datetime,
) -> DataFile:
    """Remember how the columns are read and take the file over. A file that was taken over before is read again."""
    row = DataFile.objects.select_for_update(of=("self",)).select_related("connection").get(pk=file.pk)
    if row.status not in (FileStatus.NEEDS_LAYOUT, FileStatus.LOADED):
        raise LayoutError(f"{row.name} is {row.get_status_display().lower()}; its columns can't be confirmed now.")
    if not row.chunk_count:
        raise LayoutError(f"The rows of {row.name} are not kept any more; upload the file again.")
    row.object_name = object_name
    headers = [item["header"] for item in row.columns]
    checked = check_layout(row.connection, object_name, headers, columns, keys)
    remember(row.connection, object_name, columns=checked, keys=keys, actor=actor, reason=reason)
    _take_over(row, {"columns": checked, "keys": keys}, actor=actor, now=now)
    return row


def check_layout(
    connection: Connection, object_name: str, headers: list[str], columns: dict[str, dict[str, Any]], keys: list[str]
) -> dict[str, dict[str, Any]]:
    """The columns with nothing but what is known of them. Raises LayoutError naming every mistake."""
    if object_name not in connection.manifest.objects:
        raise LayoutError("Choose what kind of records the file holds.")
    known = fields_of(connection.manifest.object(object_name))
    mistakes: list[str] = []
    checked: dict[str, dict[str, Any]] = {}
    placed: dict[str, str] = {}
    for header, column in columns.items():
        name, chosen = str(column.get("field") or ""), str(column.get("format") or "")
        if header not in headers:
            mistakes.append(f"There is no column {header!r}.")
            continue
        if name and name not in known:
            mistakes.append(f"{header}: there is no field {name!r}.")
            continue
        if name and name in placed:
            mistakes.append(
                f"{known[name].title or name} is filled from {placed[name]!r} and from {header!r}; choose one."
            )
            continue
        if name:
            placed[name] = header
        kind = known[name].type if name else "text"
        allowed = NUMBER_FORMATS if kind in _NUMBERS else DATE_ORDERS if kind in _DATES else {"": ""}
        if chosen not in allowed:
            if kind in _NUMBERS | _DATES:
                mistakes.append(f"{header}: choose how its {'numbers' if kind in _NUMBERS else 'dates'} are written.")
            chosen = ""
        checked[header] = {"field": name, "format": chosen, "keep": bool(column.get("keep", True))}
    for item in known.values():
        if item.required and item.path not in placed:
            mistakes.append(f"{item.title or item.path} is needed: choose the column that holds it.")
    for key in keys:
        if key not in headers:
            mistakes.append(f"The key column {key!r} is not in the file.")
    if mistakes:
        raise LayoutError(" ".join(mistakes))
    return checked


@transaction.atomic
def remember(
    connection: Connection,
    object_name: str,
    *,
    columns: dict[str, dict[str, Any]],
    keys: list[str],
    options: dict[str, Any] | None = None,
    actor: User | None,
    reason: str,
) -> Layout:
    """Keep the layout; nothing is written when it is the same as before."""
    layout = Layout.objects.select_for_update().filter(connection=connection, object_name=object_name).first()
    if layout is None:
        layout = Layout(customer_id=connection.customer_id, connection=connection, object_name=object_name)
    options = layout.options if options is None else options
    if layout.pk and (layout.columns, layout.keys, layout.options) == (columns, keys, options):
        return layout
    layout.columns, layout.keys, layout.options = columns, keys, options
    layout._change_reason = reason  # type: ignore[attr-defined]
    layout._history_user = actor  # type: ignore[attr-defined]
    layout.save()
    return layout


def go_on_if_known(row: DataFile, *, actor: User | None, now: datetime) -> bool:
    """Apply the remembered layout to a file just read. What it does not fit waits for a person, with a case if nobody is there."""
    layout = Layout.objects.filter(connection_id=row.connection_id, object_name=row.object_name).first()
    evidence = {item["header"]: Evidence.from_json(item) for item in row.columns}
    hold = _hold(row, layout, evidence) if layout else "its columns were never confirmed"
    if layout is not None and not hold:
        columns = {header: column for header, column in layout.columns.items() if header in evidence}
        _take_over(row, {"columns": columns, "keys": layout.keys}, actor=actor, now=now)
        return True
    if row.channel != DataFile.Channel.UPLOAD:
        report_of(
            row,
            trace_key=f"file:{row.pk}",
            reason="file_layout",
            title=f"The file {row.name} waits for its columns to be confirmed: {hold}",
            subject=("file", row.pk),
            file=row.name,
            object=row.object_name,
        )
    return False


def converter(file: DataFile, zone: str) -> Converter:
    """What makes records of the file's rows, by the layout it was confirmed with."""
    headers = [item["header"] for item in file.columns]
    known = fields_of(file.connection.manifest.object(file.object_name))
    return build_converter(headers, file.layout.get("columns", {}), list(file.layout.get("keys", [])), known, zone)


def build_converter(
    headers: list[str], columns: dict[str, Any], keys: list[str], known: dict[str, FieldSpec], zone: str
) -> Converter:
    targets: list[Target | None] = []
    for header in headers:
        column = columns.get(header, {"field": "", "format": "", "keep": True})
        item = known.get(column["field"])
        if item is not None:
            targets.append(Target(header, item.path, item.type, column["format"], item.required))
        elif column.get("keep", True):
            targets.append(Target(header))
        else:
            targets.append(None)
    return Converter(targets, headers=headers, keys=keys, zone=zone)


def _hold(file: DataFile, layout: Layout | None, evidence: dict[str, Evidence]) -> str:
    """Why the remembered layout may not be applied unasked; empty when it may."""
    if layout is None:
        return ""
    needed = {header for header, column in layout.columns.items() if column["field"]} | set(layout.keys)
    if gone := sorted(needed - evidence.keys()):
        return f"the columns {', '.join(map(repr, gone))} of the file before are missing"
    for header, column in layout.columns.items():
        if column["field"] and (why := contradicts(evidence[header], column["format"])):
            return f"the column {header!r} was read with {_format_words(column['format'])} until now, but {why}"
    return ""


def _format_words(name: str) -> str:
    return {**NUMBER_FORMATS, **DATE_ORDERS}.get(name, name).partition(":")[0]


def _take_over(row: DataFile, layout: dict[str, Any], *, actor: User | None, now: datetime) -> None:
    row.layout = layout
    row.status, row.error = FileStatus.READY, ""
    row.chunks_done = row.created_count = row.updated_count = row.unchanged_count = 0
    row.skipped_count = row.rejected_count = row.refused_count = 0
    row.problems, row.loaded_at = [], None
    row.save()
    clear(customer_id=row.customer_id, trace_keys=[f"file:{row.pk}"], note="Its columns are known now.")
    (sync,) = add_syncs(
        row.connection, objects=[row.object_name], actor=actor, reason=f"the file {row.name} was taken over"
    )
    start_run(sync, trigger=SyncRun.Trigger.MANUAL, actor=actor, now=now)


def _telling_apart(
    file: DataFile, spec: ObjectSpec, headers: list[str], fields: dict[str, str], keys: list[str]
) -> list[str]:
    """The proposed key, if no two of the first rows share it; of lines their document and place; the name of what other
    records call by its name; else none."""
    placed = {name: header for header, name in fields.items()}
    lines = [placed[name] for name in (spec.fields[0].path, "position") if name in placed]
    names = [placed["name"]] if "name" in placed and _is_referred_to(file) else []
    rows = [row.cells for row, _ in first_rows(file) if not row.problem]
    for chosen in (keys, lines if len(lines) == 2 else [], names):
        places = [headers.index(key) for key in chosen]
        if places and len({tuple(cells[at] for at in places) for cells in rows}) == len(rows):
            return chosen
    return []


def _is_referred_to(file: DataFile) -> bool:
    fields = (field for mapping in file.connection.manifest.mappings for field in mapping["fields"])
    return any((field.get("reference") or {}).get("object") == file.object_name for field in fields)


def _sampled(evidence: dict[str, Evidence]) -> int:
    return max((found.filled for found in evidence.values()), default=0)
