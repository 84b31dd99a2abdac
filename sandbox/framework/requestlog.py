"""The last thousand requests of a vendor, in memory, with secrets blanked before they are kept."""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sandbox.framework.clock import iso_millis

KEPT = 1000
BODY_KEPT = 4000
_SECRET_HEADERS = {"authorization", "cookie", "x-hubspot-signature-v3", "x-xero-signature"}
_SECRET_FIELDS = re.compile(
    r'((?:access_token|refresh_token|client_secret|code_verifier|code|id_token)(?:=|"\s*:\s*"))[^&"\s]+'
)


@dataclass(frozen=True, slots=True)
class Entry:
    at: str
    method: str
    path: str
    status: int
    account: str
    fault: str
    milliseconds: float
    request_headers: dict[str, str]
    request_body: str
    response_body: str
    resource: str = ""
    operation: str = ""


class RequestLog:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def add(
        self, *, at: datetime, method: str, path: str, status: int, account: str, fault: str,
        milliseconds: float, headers: Mapping[str, str], body: bytes, answer: str,
        resource: str = "", operation: str = "",
    ) -> None:  # fmt: skip
        self._entries.appendleft(
            Entry(
                iso_millis(at), method, redact(path), status, account, fault, round(milliseconds, 1),
                {name: "[hidden]" if name.lower() in _SECRET_HEADERS else value for name, value in headers.items()},
                redact(body.decode("utf-8", "replace"))[:BODY_KEPT], redact(answer[: BODY_KEPT * 2])[:BODY_KEPT],
                resource, operation,
            )
        )  # fmt: skip

    def latest(self, limit: int = KEPT) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in list(self._entries)[:limit]]

    def clear(self) -> None:
        self._entries.clear()


def redact(text: str) -> str:
    return _SECRET_FIELDS.sub(r"\1[hidden]", text)
