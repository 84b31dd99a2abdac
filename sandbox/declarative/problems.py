"""Refusals in the vendor's own shape."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.language import ErrorCase, Errors
from sandbox.declarative.templates import fill, fill_text
from sandbox.framework.http import Refusal, Reply

# A case the file does not describe answers as its family does.
_FAMILY = {
    "expired": "unauthorized", "forbidden": "unauthorized", "no_such_path": "not_found", "malformed": "invalid",
    "required": "invalid", "wrong_type": "invalid", "not_allowed": "invalid", "unknown_field": "invalid",
    "read_only": "invalid", "bad_reference": "invalid", "bad_query": "invalid", "wrong_state": "invalid",
    "duplicate": "invalid", "conflict": "invalid", "guard_missing": "invalid", "key_reused": "invalid",
}  # fmt: skip


class Problem(Exception):
    """What is wrong with a request; the vendor's `errors` section says how it is told."""

    def __init__(self, case: str, message: str, *, field: str = "", **values: Any) -> None:
        super().__init__(message)
        self.case, self.message, self.field, self.values = case, message, field, values


def reply(
    errors: Errors, case: str, message: str, now: datetime, *, field: str = "", values: Mapping[str, Any] | None = None
) -> Reply:
    spec = described(errors, case)
    wait = int((values or {}).get("retry_after", 1))
    again = now + timedelta(seconds=wait)
    known: dict[str, Any] = {
        "field": field, "status": spec.status, "code": spec.code, "request_id": secrets.token_hex(8),
        "retry_after": wait, "retry_at": int(again.timestamp()), "retry_at_ms": int(again.timestamp() * 1000),
        "retry_at_http": moments.written(again, "http"), "retry_at_iso": moments.written(again, "iso_seconds"),
        "now": moments.written(now, "iso_millis"), "case": case, "default_message": message, "problem": "",
        **(values or {}),
    }  # fmt: skip
    known["code"] = fill_text(spec.code, known)
    known["message"] = fill_text(spec.message, known) if spec.message else message
    known |= fill(spec.values, known)
    body = fill(errors.body if spec.body is None else spec.body, known)
    headers = {name: fill_text(value, known) for name, value in spec.headers.items()}
    kind = "text/html" if isinstance(body, str) and body.lstrip().startswith("<") else "application/json"
    return Reply(body, spec.status, headers, kind)


def refusal(errors: Errors, problem: Problem, now: datetime) -> Refusal:
    return Refusal(reply(errors, problem.case, problem.message, now, field=problem.field, values=problem.values))


def described(errors: Errors, case: str) -> ErrorCase:
    while case not in errors.cases:
        case = _FAMILY[case]
    return errors.cases[case]
