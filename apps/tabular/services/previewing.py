"""What the first rows of a file would become with the columns as they are chosen. Nothing is written."""

from dataclasses import dataclass
from typing import Any

from apps.tabular.models import DataFile
from apps.tabular.reading.converting import KEY
from apps.tabular.services.chunks import first_rows
from apps.tabular.services.layouts import build_converter, fields_of

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class PreviewRow:
    line: int
    values: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows, and those of the first that would be set aside."""

    titles: list[str]
    rows: list[PreviewRow]
    looked_at: int
    set_aside: int
    repeated: int
    """Rows named like one before: of those the last would be kept."""


def preview(file: DataFile, columns: dict[str, dict[str, Any]], keys: list[str]) -> Preview | None:
    """The first thousand rows by these columns; None when the rows are not kept any more."""
    rows = first_rows(file)
    if not rows:
        return None
    known = fields_of(file.connection.manifest.object(file.object_name))
    headers = [item["header"] for item in file.columns]
    convert = build_converter(headers, columns, keys, known, file.customer.time_zone).record
    placed = {column["field"] for column in columns.values()}
    shown = [item for item in known.values() if item.path in placed]
    good: list[PreviewRow] = []
    bad: list[PreviewRow] = []
    seen: set[str] = set()
    set_aside = repeated = 0
    for row, occurrence in rows:
        record, problems = ({}, []) if row.problem else convert(row.line, row.cells, occurrence)
        wrong = row.problem or " ".join(f"{one.column} {one.message}." for one in problems)
        set_aside += bool(wrong)
        values = [_words(record.get(item.path)) for item in shown]
        if wrong and len(bad) < _SHOWN:
            bad.append(PreviewRow(row.line, values, wrong))
        elif not wrong:
            repeated += record[KEY] in seen
            seen.add(record[KEY])
            if len(good) < _SHOWN:
                good.append(PreviewRow(row.line, values))
    return Preview([item.title or item.path for item in shown], [*good, *bad], len(rows), set_aside, repeated)


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:80]
