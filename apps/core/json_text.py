"""JSON text for statements' parameters: decimals as text, never floats; without what Postgres cannot hold.

Vendors do send NUL characters, halves of characters, whole numbers beyond 64 bits and nesting without end.
"""

import re
from typing import Any

import orjson

# An escaped NUL, but not the text "\u0000" itself, whose backslash is escaped.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_DEEPEST = 100
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def dump_bytes(value: Any, *, sort_keys: bool = False) -> bytes:
    """JSON in UTF-8. NUL characters and halves of characters become U+FFFD, numbers beyond 64 bits text."""
    options = orjson.OPT_NON_STR_KEYS | (orjson.OPT_SORT_KEYS if sort_keys else 0)
    try:
        raw = orjson.dumps(value, default=str, option=options)
    except orjson.JSONEncodeError:
        raw = orjson.dumps(tame(value), default=str, option=options)
    return _NUL.sub(rb"\1\\ufffd", raw) if b"\\u0000" in raw else raw


def dump_json(value: Any) -> str:
    return dump_bytes(value).decode()


def tame(value: Any, depth: int = 0) -> Any:
    """The value with everything replaced that JSON in Postgres cannot hold; equal to it where nothing has to be."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {tame(key, depth + 1): tame(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tame(item, depth + 1) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
        return str(value)
    return value


def storable(text: str) -> str:
    """Text as a Postgres column can hold it."""
    if "\x00" in text:
        text = text.replace("\x00", _REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", _REPLACEMENT, text)
    return text
