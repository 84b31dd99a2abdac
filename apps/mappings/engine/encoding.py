"""JSON bytes of a rendered body, with exact decimals. orjson alone cannot write Decimal."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from .values import as_text


def encode_body(body: Any) -> bytes:
    """Decimals keep their very digits, datetimes end in Z, dates are YYYY-MM-DD. NaN raises."""
    return orjson.dumps(body, default=_encoded, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _encoded(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(as_text(value).encode())
    if isinstance(value, datetime) or hasattr(value, "isoformat"):
        return as_text(value)
    raise TypeError(f"a {type(value).__name__} cannot stand in a JSON body; turn it into text with to_string")
