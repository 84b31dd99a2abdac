"""Section `webhooks`: how the vendor signs, shakes hands, and where its events stand in the body."""

from typing import Literal

from pydantic import Field

from apps.connectors.manifest.base import Path, Seconds, Section, Template

SignedPart = Literal["body", "method", "uri", "timestamp", "."]


class Signature(Section):
    """HMAC over the named parts, put together in that order."""

    kind: Literal["hmac", "secret_header", "secret_query", "none"]
    header: str = ""
    param: str = ""
    digest: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["base64", "hex"] = "base64"
    prefix: str = ""
    signed: list[SignedPart] = ["body"]
    timestamp_header: str = ""
    timestamp_unit: Literal["ms", "s"] = "s"
    tolerance_seconds: Seconds = 300
    secret: Template = ""
    """Which credential is the key."""


class Handshake(Section):
    """How the vendor checks that the address is ours before it sends events."""

    kind: Literal["none", "intent_to_receive", "echo_query", "echo_body"] = "none"
    """intent_to_receive: an ordinary signed request without events; a wrong signature has to be answered with 401."""
    param: str = ""
    bad_signature_status: int = 401


class Events(Section):
    """Where the events stand and what each is about."""

    items: Path = ""
    """The list of events; empty: the body itself (a list, or one event)."""
    event_type: Path
    object_from: Path
    """Path whose value tells the object, through `objects`."""
    objects: dict[str, str]
    """Value, or beginning followed by `*` → object name; what matches nothing is ignored."""
    external_id: Path
    event_id: list[Path] = Field(min_length=1)
    """One path, or several which together make the event unique."""
    occurred_at: Path = ""
    account_id: Path = ""
    deleted: list[str] = []
    """Event types (or beginnings/endings with `*`) that mean the record is gone."""


class Webhooks(Section):
    """The section `webhooks`."""

    signature: Signature
    handshake: Handshake = Handshake()
    events: Events
    docs: str = ""
    setup: str = ""
    """What the customer does at the vendor so that events arrive, step by step."""
