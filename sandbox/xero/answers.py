"""Xero's answer forms: envelope, /Date()/ values, validation errors, problem details, and XML by default."""

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document

NO_ID = "00000000-0000-0000-0000-000000000000"


def xero_day(text: str | None) -> str | None:
    """`2026-09-15` as `/Date(...+0000)/`."""
    return None if not text else xero_moment(datetime.combine(date.fromisoformat(text[:10]), time(), UTC))


def xero_moment(moment: datetime) -> str:
    return f"/Date({int(moment.timestamp() * 1000)}+0000)/"


def day_string(text: str | None) -> str | None:
    return f"{text[:10]}T00:00:00" if text else None


def envelope(call: Call, name: str, items: list[Document], *, pagination: Document | None = None) -> Reply:
    body: Document = {
        "Id": str(uuid.uuid4()),
        "Status": "OK",
        "ProviderName": "Practice",
        "DateTimeUTC": f"/Date({int(call.now.timestamp() * 1000)})/",
    }
    if pagination is not None:
        body["pagination"] = pagination
    return Reply({**body, name: items})


def problem(status: int, title: str, detail: str) -> Reply:
    body: Document = {
        "Type": None, "Title": title, "Status": status, "Detail": detail, "Instance": str(uuid.uuid4()),
        "Extensions": {},
    }  # fmt: skip
    return Reply(body, status)


def not_found() -> Refusal:
    return Refusal(Reply("The resource you're looking for cannot be found", 404, content_type="text/plain"))


def invalid_post(message: str) -> Reply:
    return Reply({"ErrorNumber": 14, "Type": "PostDataInvalidException", "Message": message}, 400)


class InvalidItemError(ValueError):
    """One element of a request was refused, with all its messages."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def validation_failed(elements: list[Document]) -> Reply:
    body = {
        "ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred",
        "Elements": elements,
    }  # fmt: skip
    return Reply(body, 400)


def refused_element(given: Document, id_name: str, invalid: InvalidItemError) -> Document:
    return {
        **given, id_name: given.get(id_name, NO_ID), "HasErrors": True,
        "ValidationErrors": [{"Message": message} for message in invalid.messages],
    }  # fmt: skip


def as_xml(value: Any, tag: str = "Response") -> str:
    """Without `Accept: application/json` the real API answers XML; element names are the JSON names."""
    if isinstance(value, dict):
        inner = "".join(as_xml(item, name) for name, item in value.items() if item is not None)
    elif isinstance(value, list):
        inner = "".join(as_xml(item, _single(tag)) for item in value)
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(f"{value:f}" if isinstance(value, Decimal) else str(value))
    return f"<{tag}>{inner}</{tag}>"


def _single(plural: str) -> str:
    return f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")
