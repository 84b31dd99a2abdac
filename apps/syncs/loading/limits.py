"""What a canonical column cannot hold, found before the database does: one bad record must not fail its page."""

from decimal import Decimal
from typing import Any

from apps.canonical.registry import Entity


def problems_of(entity: Entity, values: dict[str, Any]) -> list[dict[str, str]]:
    """Problems in the shape `SourceRecord.problems` keeps; empty when the values fit."""
    found: list[dict[str, str]] = []
    for name, limit in entity.max_length.items():
        value = values.get(name)
        if isinstance(value, str) and len(value) > limit:
            found.append(
                _problem(
                    name, value, f"{name} has {len(value)} characters; at most {limit} fit. Shorten it in the mapping."
                )
            )
    for name, allowed in entity.choices.items():
        value = values.get(name)
        if value is not None and str(value) not in allowed:
            expected = ", ".join(sorted(allowed))
            found.append(
                _problem(
                    name, value, f"{name} is {value!r}; expected one of {expected}. Add a value map to the mapping."
                )
            )
    for name, (whole, _) in entity.decimals.items():
        value = values.get(name)
        if isinstance(value, Decimal) and (not value.is_finite() or abs(value) >= Decimal(10) ** whole):
            found.append(_problem(name, value, f"{name} is {value}; a finite number below 10^{whole} is expected."))
    return found


def _problem(field: str, value: Any, message: str) -> dict[str, str]:
    return {"code": "invalid_value", "field": field, "source": "", "value": str(value)[:80], "message": message}
