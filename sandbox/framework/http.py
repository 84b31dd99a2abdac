"""What a handler sees (`Call`), what it gives back (`Reply`), and how it refuses (`Refusal`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.framework import jsontext
from sandbox.framework.store import Store

if TYPE_CHECKING:
    from sandbox.framework.vendor import Vendor


@dataclass(slots=True)
class Reply:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def text(self) -> str:
        if self.body is None:
            return ""
        return self.body if isinstance(self.body, str) else jsontext.dumps(self.body)


class Refusal(Exception):
    """Ends a handler, rolls its transaction back, and sends `reply`."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.text()[:200]}")
        self.reply = reply


@dataclass(slots=True)
class Call:
    vendor: "Vendor"
    store: Store
    now: datetime
    method: str
    path: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, str]
    account: str = ""
    token: str = ""
    resource: str = ""  # what the request was about and what it did: for the request log
    operation: str = ""
    given: Any = None  # the body, once it has been read

    def json(self) -> Any:
        try:
            return jsontext.loads(self.body or b"{}")
        except ValueError as error:
            raise Refusal(self.vendor.malformed(f"Invalid JSON: {error}")) from error

    def object(self) -> dict[str, Any]:
        value = self.json()
        if not isinstance(value, dict):
            raise Refusal(self.vendor.malformed("The request body must be a JSON object"))
        return value

    def number(self, name: str, *, default: int, most: int) -> int:
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise Refusal(self.vendor.malformed(f"{name} must be a number from 1 to {most}, not {text!r}"))
        return int(text)


Handler = Callable[[Call], Reply]
