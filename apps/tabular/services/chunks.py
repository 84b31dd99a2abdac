"""A file's rows as they wait in the database: packed a thousand at a time."""

import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from apps.core.json_text import tame
from apps.tabular.models import DataFile, RowChunk
from apps.tabular.reading.rows import Row


def pack(rows: list[Any]) -> bytes:
    try:
        raw = orjson.dumps(rows)
    except TypeError:  # halves of characters, whole numbers beyond 64 bits
        raw = orjson.dumps(tame(rows))
    return zlib.compress(raw, 1)


def unpack(content: bytes | memoryview) -> Iterator[tuple[Row, int]]:
    """The rows of a chunk, each with how many equal ones came before it."""
    for line, mark, rest in orjson.loads(zlib.decompress(content)):
        if isinstance(mark, str):
            yield Row(line, [], mark, rest), 0
        else:
            yield Row(line, rest), mark


def first_rows(file: DataFile) -> list[tuple[Row, int]]:
    """The first thousand; none when they are not kept any more."""
    content = RowChunk.objects.filter(file=file, number=0).values_list("content", flat=True).first()
    return list(unpack(content)) if content is not None else []
