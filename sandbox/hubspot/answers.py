"""HubSpot's answer forms: errors with category and correlation id, pages with `paging.next`."""

import uuid
from typing import Any
from urllib.parse import urlencode

from sandbox.framework.http import Call, Reply
from sandbox.framework.store import Document


def error(message: str, category: str, status: int, **extra: Any) -> Reply:
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category, **extra}
    return Reply(body, status)


def not_found() -> Reply:
    return error("resource not found", "OBJECT_NOT_FOUND", 404)


def objects_page(call: Call, results: list[Document], following: str | None) -> Document:
    if following is None:
        return {"results": results}
    kept = [(name, value) for name, value in call.query.items() if name != "after"]
    link = f"{call.vendor.base_url}{call.path}?{urlencode([*kept, ('after', following)])}"
    return {"results": results, "paging": {"next": {"after": following, "link": link}}}
