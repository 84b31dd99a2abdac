"""The two families of expected failure. Anything else that is raised is a bug and goes to error tracking.

Concrete errors are defined beside the function that raises them and derive from one of the two.
"""

from typing import Any


class AppError(Exception):
    """A failure that has a name. `message` names the thing, its id and the next step; `context` is for logs."""

    code = "error"

    def __init__(self, message: str, *, code: str = "", **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.context = context


class TransientError(AppError):
    """Trying again later, unchanged, may succeed (an outage, a rate limit, a lock)."""

    code = "transient"


class PermanentError(AppError):
    """Trying again unchanged cannot succeed; a person has to act."""

    code = "permanent"
