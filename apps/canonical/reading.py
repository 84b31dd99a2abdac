"""Records read whole by their ids, in plain statements: a joined query of several tables with all their columns costs more to
put together than these look-ups cost to run."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models

_R = TypeVar("_R", bound=models.Model)


def by_ids(model: type[_R], ids: Iterable[Any], *references: str) -> list[_R]:
    """Those that exist, in the order of their ids, each with the records its `references` name."""
    wanted = sorted({pk for pk in ids if pk is not None})
    if not wanted:
        return []
    statement = f"select * from {model._meta.db_table} where id = any(%s) order by id"
    records = list(model._default_manager.raw(statement, [wanted]))
    for name in references:
        field = model._meta.get_field(name)
        related = {one.pk: one for one in by_ids(field.related_model, (getattr(r, field.attname) for r in records))}  # type: ignore[union-attr, arg-type]
        for record in records:
            setattr(record, name, related.get(getattr(record, field.attname)))  # type: ignore[union-attr]
    return records
