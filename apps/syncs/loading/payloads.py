"""Raw payloads as they are kept, and their hash."""

from hashlib import blake2b
from typing import Any

from apps.core.json_text import dump_bytes


def payload_bytes(record: dict[str, Any]) -> bytes:
    """The record as JSON with sorted keys, without what Postgres cannot hold."""
    return dump_bytes(record, sort_keys=True)


def payload_hash(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()
