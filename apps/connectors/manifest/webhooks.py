"""Section `webhooks`: how the vendor signs, shakes hands, and where its events stand in the body."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from apps.connectors.manifest.base import Path, Seconds, Section, Template
from apps.connectors.manifest.requests import Lookup, RequestSpec

SignedPart = Literal["body", "method", "uri", "timestamp", "."]


def _one_group(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise ValueError(f"not a valid regular expression: {value!r}: {error}")
    if value and groups != 1:
        raise ValueError(f"{value!r} needs exactly one group in brackets: the id")
    return value


class Signature(Section):
    """How a genuine sender is told from a forger."""

    kind: Literal["hmac", "secret_header", "secret_query", "secret_body", "basic", "none"]
    """hmac: over the parts `signed`, in that order. secret_header, secret_query, secret_body: the secret itself stands
    there (a client state). basic: user and password in the address, `secret` is `user:password`."""
    header: str = ""
    """May end in `*`: several signatures, of which any may fit (one for each of the vendor's keys)."""
    param: str = ""
    path: Path = ""
    """secret_body: where the secret stands; a list: in every one of them."""
    signature_key: str = ""
    """The header holds pairs, `t=…,v1=…`: the key of the signature; there may be several, of which any may fit."""
    timestamp_key: str = ""
    """The key of the time of sending in the same header."""
    digest: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["base64", "hex"] = "base64"
    prefix: str = ""
    signed: list[SignedPart] = ["body"]
    timestamp_header: str = ""
    timestamp_unit: Literal["ms", "s", "iso"] = "s"
    tolerance_seconds: Seconds = 300
    secret: Template = ""
    """Which credential is the key."""
    key_digest: Literal["", "sha256"] = ""
    """hmac: the key is this digest of the secret instead of the secret itself."""
    key_from: Path = ""
    """hmac: where the body names the address at which the vendor tells the key. Its host is never used: the key is asked
    for at the connection's own address, with its log-in."""
    key_at: Path = ""
    """key_from: where the key stands in that answer."""

    @model_validator(mode="after")
    def _placed(self) -> "Signature":
        needed = {
            "hmac": self.header or self.param,
            "secret_header": self.header,
            "secret_query": self.param,
            "secret_body": self.path,
        }
        if not needed.get(self.kind, "none needed"):
            raise ValueError(f"signature kind {self.kind} needs to say where it stands (header, param or path)")
        if bool(self.key_from) != bool(self.key_at) or (self.key_from and (self.secret or self.kind != "hmac")):
            raise ValueError("key_from goes with key_at and kind hmac, and instead of `secret`")
        if "timestamp" in self.signed and not (self.timestamp_header or self.timestamp_key):
            raise ValueError("signed names timestamp: timestamp_header or timestamp_key is needed")
        return self


class Handshake(Section):
    """How the vendor checks that the address is ours before it sends events."""

    kind: Literal["none", "intent_to_receive", "echo_query", "echo_body"] = "none"
    """intent_to_receive: an ordinary signed request without events; a wrong signature has to be answered with 401."""
    param: str = ""
    answer_key: str = ""
    """echo_body: the answer is JSON that holds the value under this key; empty: the bare value."""
    bad_signature_status: int = 401


class Events(Section):
    """Where the events stand and what each is about. Beside an event's own fields its paths may name a header of the
    request (`_headers."x-event"`, in small letters) and `_digest`, a fingerprint of the body."""

    items: Path = ""
    """The list of events; empty: the body itself (a list, or one event)."""
    event_type: Path
    object_from: Path
    """Path whose value tells the object, through `objects`."""
    objects: dict[str, str]
    """Value, or beginning followed by `*` → object name; what matches nothing is ignored."""
    external_id: Path
    external_id_pattern: Annotated[str, AfterValidator(_one_group)] = ""
    """A regular expression whose one group is the id within the value (an address that ends in it)."""
    event_id: list[Path] = Field(min_length=1)
    """One path, or several which together make the event unique."""
    occurred_at: Path = ""
    account_id: Path = ""
    deleted: list[str] = []
    """Event types (or beginnings/endings with `*`) that mean the record is gone."""


class Subscribe(Section):
    """How our address is made known at the vendor and kept known. Its requests may name `${subscription.url}`,
    `${subscription.secret}` (made by us), `${subscription.item}` and `${subscription.id}`."""

    create: RequestSpec
    items: list[str] = []
    """One subscription for each (a resource, an event); empty: one in all."""
    id: Path
    """The subscription's id in the answer."""
    secret: Path = ""
    """Where the vendor's answer carries the key of the signatures, when the vendor makes it."""
    expires_at: Path = ""
    lifetime_seconds: Seconds | None = None
    """How long it lives when the answer does not tell; without either it lives until it is ended."""
    find: Lookup | None = None
    """Looks for one that exists already, before another is made."""
    renew: RequestSpec | None = None
    """None: one that ends is made anew."""
    delete: RequestSpec | None = None


class Webhooks(Section):
    """The section `webhooks`."""

    signature: Signature
    handshake: Handshake = Handshake()
    events: Events
    subscribe: Subscribe | None = None
    docs: str = ""
    setup: str = ""
    """What the customer does at the vendor so that events arrive, step by step."""
