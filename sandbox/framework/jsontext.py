"""JSON with exact decimals: numbers with a point are read as `Decimal` and written as plain JSON numbers."""

import json
from decimal import Decimal
from typing import Any


def loads(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=indent)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # Up to 15 significant digits the shortest form of a float is the decimal it came from.
        return float(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
