"""How raw records travel: a few as a JSON parameter, many by COPY through a temporary table.

COPY saves both sides taking a literal of megabytes apart (a third of the statement's cost for a page of 1,000); for a few
records its extra round trips cost more than that.
"""

from typing import Any

import orjson
from django.db import connection

from apps.core.turns import turns

Sources = list[tuple[str, str, str, str, str, int | None]]
"""(external id, payload as JSON text, its hash in hex, status, problems as JSON text, canonical id) of each record; all text is
fit for Postgres."""

MANY = 64
_COLUMNS = "external_id text, payload jsonb, payload_hash text, status text, problems jsonb, record_id bigint"
_NAMES = ("external_id", "payload", "payload_hash", "status", "problems", "record_id")
_MEANING = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"})
_NOTHING = "\\N"
_TABLE = "pg_temp.stage_source_record"


def staged(cursor: Any, sources: Sources) -> tuple[str, str | None]:
    """(what follows `from`, calling the rows `s`; value of its parameter `rows`). To be used in the same transaction."""
    if len(sources) < MANY:
        return f"json_to_recordset(%(rows)s::json) as s({_COLUMNS})", _as_json(sources)
    cursor.execute(
        f"create temp table if not exists {_TABLE.removeprefix('pg_temp.')} ({_COLUMNS}) on commit delete rows"
    )
    cursor.execute(f"delete from {_TABLE}")
    text = "".join(map(_as_line, sources))
    with connection.wrap_database_errors, turns.lent(), cursor.copy(f"copy {_TABLE} from stdin") as copy:
        copy.write(text)
    return f"{_TABLE} as s", None


def _as_line(source: tuple[str, str, str, str, str, int | None]) -> str:
    """A row as COPY reads it. JSON holds no bare tab or line break, a hash and a status nothing that means something there."""
    external_id, payload, digest, status, problems, record_id = source
    if not external_id.isalnum():
        external_id = external_id.translate(_MEANING)
    if "\\" in payload:
        payload = payload.replace("\\", "\\\\")
    if "\\" in problems:
        problems = problems.replace("\\", "\\\\")
    return f"{external_id}\t{payload}\t{digest}\t{status}\t{problems}\t{record_id or _NOTHING}\n"


def _as_json(sources: Sources) -> str:
    rows: list[dict[str, Any]] = [dict(zip(_NAMES, source, strict=True)) for source in sources]
    for row in rows:
        row["payload"], row["problems"] = orjson.Fragment(row["payload"]), orjson.Fragment(row["problems"])
    return orjson.dumps(rows).decode()
