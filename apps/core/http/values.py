"""A request to another system, its answer, and the redacted record of both that is stored and shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.core.http.redact import redact_url

DEFAULT_USER_AGENT = "Throughline/1.0"


@dataclass(frozen=True, slots=True)
class OutboundRequest:
    """`secrets` are values that must never appear in a record; `sensitive` leaves both bodies out altogether."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    total_timeout: float = 60.0
    max_bytes: int = 50 * 1024 * 1024
    follow_redirects: bool = False
    """Only on GET, only to the same scheme, host and port."""
    user_agent: str = DEFAULT_USER_AGENT
    secrets: tuple[str, ...] = field(default=(), repr=False)
    sensitive: bool = False

    def redacted_url(self) -> str:
        return redact_url(self.url, self.secrets)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What was asked and answered, without secrets and cut to a readable length."""

    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None
    response_headers: dict[str, str]
    response_body: str
    elapsed_ms: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """An answer, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    elapsed_ms: int
    call: CallRecord

    def json(self) -> Any:
        """The parsed body; raises `orjson.JSONDecodeError` (a ValueError) when it is not JSON."""
        return orjson.loads(self.body)
