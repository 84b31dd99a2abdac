"""What one piece of background work reads again and again, read once: settings, mappings, owners.

Lives as long as the claim it was made for. Outside background work nothing is remembered. For configuration only: what the
work itself writes must be read anew.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

_T = TypeVar("_T")
_KNOWN: ContextVar[dict[Hashable, Any] | None] = ContextVar("work_memory", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    token = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(token)


def once(key: Hashable, read: Callable[[], _T]) -> _T:
    """What `read` returns, read at most once in a piece of work. The value is shared: don't change it."""
    known = _KNOWN.get()
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    value: _T = known[key]
    return value
