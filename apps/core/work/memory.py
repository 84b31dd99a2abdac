"""What background work reads again and again, read once: settings, mappings, owners.

For configuration only: what the work itself writes must be read anew. Lives as long as the claim it was made for, and on into
later claims while the partner's configuration has the same stamp (`apps.core.models.ConfigStamp`), which the statement that
claims brings along: whatever was committed before a claim is seen by it. Outside background work nothing is remembered.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

_T = TypeVar("_T")
_OLDEST_SECONDS = 60.0  # for what no trigger tells, such as a file of the deployment
_MOST_SCHEMAS = 64
_MOST_ENTRIES = 500


@dataclass(slots=True)
class _Memory:
    stamp: int | None
    since: float
    known: dict[Hashable, Any] = field(default_factory=dict)


_MEMORY: ContextVar[_Memory | None] = ContextVar("work_memory", default=None)
_KEPT: dict[str, _Memory] = {}


@contextmanager
def remembering(schema_name: str = "", stamp: int | None = None) -> Iterator[None]:
    """Remember inside, starting from what is known of the schema under this stamp. Without a stamp nothing outlives the block;
    nor does it when the block fails: what it remembered may have been rolled back."""
    memory = _kept(schema_name, stamp)
    token = _MEMORY.set(memory)
    try:
        yield
    except BaseException:
        _KEPT.pop(schema_name, None)
        raise
    finally:
        _MEMORY.reset(token)


def _kept(schema_name: str, stamp: int | None) -> _Memory:
    now = time.monotonic()
    found = _KEPT.pop(schema_name, None)
    if stamp is None or found is None or found.stamp != stamp or now - found.since > _OLDEST_SECONDS:
        found = _Memory(stamp, now)
    if stamp is not None:
        _KEPT[schema_name] = found  # last again: the first is the one that was not asked for longest
        if len(_KEPT) > _MOST_SCHEMAS:
            _KEPT.pop(next(iter(_KEPT)))
    return found


def once(key: Hashable, read: Callable[[], _T]) -> _T:
    """What `read` returns, read at most once while the configuration stays as it is. The value is shared: don't change it."""
    memory = _MEMORY.get()
    if memory is None:
        return read()
    if key not in memory.known:
        if len(memory.known) >= _MOST_ENTRIES:
            memory.known.clear()
        memory.known[key] = read()
    value: _T = memory.known[key]
    return value


def forget() -> None:
    """Forget what earlier claims left, as a new process would."""
    _KEPT.clear()
