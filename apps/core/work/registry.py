"""Which function does which kind of work. Apps register in their `tasks` module, imported when the app is ready."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from apps.core.errors import PermanentError
from apps.core.work.queue import Work

Handler = Callable[[Work, datetime], datetime | None]
"""(work, now) → when it is due again, or None when it is done. Runs inside the partner's schema."""

_HANDLERS: dict[str, Handler] = {}
_H = TypeVar("_H", bound=Handler)


class UnknownWorkError(PermanentError):
    code = "unknown_work"


def handles(kind: str) -> Callable[[_H], _H]:
    def register(handler: _H) -> _H:
        _HANDLERS[kind] = handler
        return handler

    return register


def handler_for(kind: str) -> Handler:
    """Raises UnknownWorkError: a newer web process may have made work that this worker does not know yet."""
    try:
        return _HANDLERS[kind]
    except KeyError:
        known = ", ".join(sorted(_HANDLERS))
        raise UnknownWorkError(f"no handler for work {kind!r}; known are: {known}. Is the worker older than the web?")


def kinds() -> list[str]:
    return sorted(_HANDLERS)
