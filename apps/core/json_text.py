"""JSON text for statements' parameters: decimals as text, never floats; without NUL, which Postgres cannot hold."""

from typing import Any

import orjson

_NUL = b"\\u0000"


def dump_json(value: Any) -> str:
    raw = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    return (raw.replace(_NUL, b"\\ufffd") if _NUL in raw else raw).decode()
