"""Raw payloads: their hash and the one thing Postgres cannot store."""

from hashlib import blake2b
from typing import Any

import orjson

_NUL = b"\\u0000"


def payload_bytes(record: dict[str, Any]) -> bytes:
    """The record as JSON with sorted keys. NUL characters, which Postgres text cannot hold, become U+FFFD."""
    raw = orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return raw.replace(_NUL, b"\\ufffd") if _NUL in raw else raw


def payload_hash(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()
