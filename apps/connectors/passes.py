"""Lists read by counting pages: who counts skips a record when another leaves a page already read, or moves. So a list
of several pages is read again until a pass begins with all that the one before found, in its order. Pure."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from apps.connectors.manifest.paging import CursorToken, LinkHeader, NextUrl, Offset, PageNumber, Paginator
from apps.connectors.paths import get, text_of
from apps.connectors.types import Record

State = dict[str, Any]
MOST = 4
"""Passes at most: a list that moves all the time is not read for ever. What every one of them missed had to move each
time in just the moment between the two pages around it."""


_ANSWERS = 1_000
"""So many pages' fingerprints are kept, to pass over those that are just the same in the next pass."""


def counts(paginator: Paginator) -> bool:
    """Whether the next page depends on how many records stand before it. One by `keyset` does while they all have one
    modification time."""
    if isinstance(paginator, PageNumber | Offset):
        return not paginator.steady
    return isinstance(paginator, CursorToken | NextUrl | LinkHeader) and paginator.counted


def key_of(record: Record, primary_key: str) -> str:
    """What a record is recognised by in the next pass: its id, or all of it where none stands there."""
    return text_of(get(record, primary_key)) or json.dumps(record, sort_keys=True, default=str)


def noted(state: State, keys: Iterable[str], body: bytes) -> State:
    """The pass with one more page, and under `same` whether the one before got that answer at this place too."""
    number, pages = state.get("number", 1), state.get("pages", 0)
    answers = list(state.get("answers", ()))
    answer = hashlib.blake2b(body, digest_size=8).hexdigest()
    same = number > 1 and pages < len(answers) and answers[pages] == answer
    answers[pages : pages + 1] = [answer] if pages < _ANSWERS else []
    before, digest, count = state.get("before"), state.get("digest", ""), state.get("count", 0)
    agrees = state.get("agrees", False)
    for key in keys:
        digest = hashlib.blake2b(f"{digest}\n{key}".encode(), digest_size=12).hexdigest()
        count += 1
        if before and count == before[0]:
            agrees = digest == before[1]
    return {
        "number": number,
        "pages": pages + 1,
        "count": count,
        "digest": digest,
        "before": before,
        "agrees": agrees,
        "answers": answers,
        "same": same,
    }


def still(state: State, left: int) -> int:
    """How many records are to be looked at yet, when so many follow in this pass."""
    is_single = state.get("pages", 1) == 1 and not left
    return left if state.get("number", 1) > 1 or is_single else left + int(state["count"]) + left


def following(state: State) -> State | None:
    """The pass to come after this one, which is at its end; None: the list has been read."""
    if state.get("pages", 1) == 1 or state["agrees"] or state["number"] >= MOST:
        return None
    before = [state["count"], state["digest"]]
    return {"number": state["number"] + 1, "before": before, "answers": state["answers"]}
