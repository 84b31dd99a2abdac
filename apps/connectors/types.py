"""The values that pass between a connector and the engine. No ORM, no network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from apps.connectors.manifest import Family
from apps.core.errors import PermanentError, TransientError
from apps.core.http import CallRecord, OutboundRequest

Record = dict[str, Any]
Outcome = Literal["done", "refused", "uncertain", "not_sent", "rate_limited"]


class VendorTransientError(TransientError):
    """A read that may succeed later. `retry_after_seconds` is the vendor's wish when it named one."""

    code = "vendor_transient"

    def __init__(
        self,
        message: str,
        *,
        family: Family,
        retry_after_seconds: float | None,
        call: CallRecord | None,
        code: str = "",
    ) -> None:
        super().__init__(message, code=code, family=str(family), retry_after_seconds=retry_after_seconds)
        self.family = family
        self.retry_after_seconds = retry_after_seconds
        self.call = call


class VendorPermanentError(PermanentError):
    """A read that fails until a person acts."""

    code = "vendor_refused"

    def __init__(self, message: str, *, family: Family, call: CallRecord | None, code: str = "") -> None:
        super().__init__(message, code=code, family=str(family))
        self.family = family
        self.call = call


class ReauthorisationError(VendorPermanentError):
    """The vendor no longer accepts this connection's consent or key."""

    code = "needs_reauthorisation"


@dataclass(frozen=True, slots=True)
class Verification:
    """What the vendor said about the account behind the credentials."""

    account_name: str
    account_id: str
    details: dict[str, Any] = field(default_factory=dict)
    call: CallRecord | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records. `next_resume` None: it was the last. `high_water`: newest modification time seen so far in
    this read (ISO, UTC), already held back by the cursor's lag."""

    object_name: str
    records: list[Record]
    next_resume: dict[str, Any] | None
    high_water: str | None
    calls: int
    call: CallRecord
    deleted_ids: tuple[str, ...] = ()
    """Ids of records the vendor says are gone, from a list of its own."""
    left: int | None = None
    """How many records are still to be looked at, as far as the vendor tells; those of a list that is read again to be sure, twice."""
    book: Any = None
    """What the client wants to keep when the page is loaded (`VendorClient.keep`)."""


class LoadedCounts(Protocol):
    """What became of a page's records."""

    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A write, ready to be sent, stored or shown. `marker` is what was written into the record to recognise it."""

    object_name: str
    operation: str
    request: OutboundRequest
    redacted_body: Any
    external_id: str | None
    idempotency_key: str
    marker: str
    body: Record = field(default_factory=dict, repr=False)
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    item: Any = field(default=None, repr=False)
    """The write as one among several, where the manifest can send them together."""

    def redacted(self) -> dict[str, Any]:
        """Method, address and body as they may be stored and shown (no secret in them)."""
        return {
            "object": self.object_name,
            "operation": self.operation,
            "method": self.request.method,
            "url": self.request.redacted_url(),
            "body": self.redacted_body,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a write."""

    outcome: Outcome
    external_id: str | None = None
    record: Record | None = None
    status: int | None = None
    code: str = ""
    message: str = ""
    retry_after_seconds: float | None = None
    family: Family | None = None
    call: CallRecord | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """Whether an uncertain write happened. `unknown`: the vendor cannot tell (or not yet)."""

    state: Literal["found", "absent", "unknown"]
    found: Record | None = None
    external_id: str | None = None
    reason: str = ""
    retry_after_seconds: float | None = None
    call: CallRecord | None = None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One thing that happened at the vendor. The record itself is fetched: an event's body is not trusted as data."""

    object_name: str
    external_id: str
    event_type: str
    event_id: str
    occurred_at: datetime | None
    deleted: bool = False
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class WebhookVerdict:
    """Whether a webhook is genuine, what to answer, and the events in it. `ignored` counts events about objects the
    manifest does not know."""

    accepted: bool
    reason: str
    status: int
    reply: str = ""
    events: tuple[WebhookEvent, ...] = ()
    ignored: int = 0
    handshake: bool = False


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """A connection's credentials at one moment. `version` grows with every change."""

    credentials: dict[str, Any]
    version: int


class TokenStore(Protocol):
    """Where a client gets and keeps its credentials. Thread-safe."""

    def read(self) -> TokenSnapshot: ...

    def refresh(self, *, seen: int, renew: Callable[[dict[str, Any]], dict[str, Any]]) -> TokenSnapshot:
        """Renew once for all: if the stored version is beyond `seen`, return it; else hold the connection's lock, call
        `renew`, and store what it returns before anybody uses it."""
        ...

    def revoked(self, reason: str) -> None:
        """Record that a person has to consent or enter a key again."""
        ...
