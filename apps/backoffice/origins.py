"""Who made a change, by name: `connection:3` is told as the connection's name."""

from collections.abc import Iterable
from typing import Any

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.flows.models import Flow

_KINDS: dict[str, type[Any]] = {"connection": Connection, "user": User, "flow": Flow}


def name_origins(rows: Iterable[Any]) -> list[Any]:
    """The rows with `origin_name` beside `origin`; one query for each kind that occurs."""
    rows = list(rows)
    wanted: dict[str, set[int]] = {}
    for row in rows:
        kind, _, number = row.origin.partition(":")
        if kind in _KINDS and number.isdigit():
            wanted.setdefault(kind, set()).add(int(number))
    names = {f"{kind}:{pk}": name for kind, numbers in wanted.items() for pk, name in _names(kind, numbers)}
    for row in rows:
        row.origin_name = names.get(row.origin, row.origin)
    return rows


def _names(kind: str, numbers: set[int]) -> list[tuple[int, str]]:
    found = _KINDS[kind].objects.filter(pk__in=numbers)
    if kind == "flow":
        return [(row.pk, f"the flow {row.get_blueprint_display()}") for row in found]
    return [(row.pk, str(row)) for row in (found.defer("credentials") if kind == "connection" else found)]
