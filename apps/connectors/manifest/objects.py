"""Section `objects`: what can be read and written."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from apps.connectors.manifest.base import Path, Seconds, Section, Slug, Template, TemplateTree, placeholders
from apps.connectors.manifest.paging import Cursor, FullRead, NoPaging, Paginator, RequestCursor, TimeFormat
from apps.connectors.manifest.requests import Lookup, RequestSpec


class FieldSpec(Section):
    """A field of the vendor's record, for the mapping editor and for drift detection."""

    path: Path
    type: Literal["text", "integer", "decimal", "boolean", "date", "datetime", "id", "list", "object"]
    title: str = ""
    required: bool = False
    aliases: list[str] = []
    """Other names under which a file's header or a table's column may hold it."""


class Attach(Section):
    """A request after each page that fetches what the list does not carry, and puts it into each record: one for many
    records, or with `each` one for every record."""

    into: str
    """Field of the record that receives the list found (empty list if none)."""
    request: RequestSpec
    results: Path = ""
    """The list of results in the answer; with `each` what is put into the record, empty: the whole answer."""
    key: Path = ""
    """Path in a result: the id of the record it belongs to."""
    value: Path = ""
    """Path in a result: what is put into the record."""
    each: bool = False
    """The request is made once for every record, of which it names a field (`${record.id}`): where a vendor's list shows
    less than the record has and there is no batch. It costs a call a record."""
    of: Path = ""
    """Path in the record: the id, or the list of ids, of what is attached (a tax code's rates); empty: its own id."""
    batch: int = Field(default=100, ge=1)
    wrap: str = ""
    """Each id is sent as an object with this key instead of bare."""
    collect: bool = False
    """Several results belong to one record: all of them are put into it, as a list (the lines of many orders at once)."""
    paginator: Paginator = NoPaging(kind="none")
    """How the further results of one batch are asked for."""
    missing_status: list[int] = []
    """Statuses that mean "nothing found" rather than an error."""

    @model_validator(mode="after")
    def _whole(self) -> "Attach":
        named = placeholders(self.request.model_dump())
        if self.each and not any(name.startswith("record.") for name in named):
            raise ValueError("attach.each: the request has to name a field of the record, as ${record.id}")
        if self.each and (
            self.key or self.value or self.wrap or self.of or self.collect or self.paginator.kind != "none"
        ):
            raise ValueError("attach.each: key, value, of, wrap, collect and paginator are for many records at once")
        if not self.each and not (self.results and self.key and self.value):
            raise ValueError("attach needs results, key and value, or `each`")
        return self


class Inside(Section):
    """Records that stand inside those of the list, like the lines of an order: each becomes a record of its own."""

    path: Path
    """The list within a record; JMESPath may flatten several (`tables[].items[]`)."""
    keep: dict[str, Path]
    """Field of the inner record → path in the outer one: the order's id, its currency, when it was changed."""
    position: str = ""
    """Field that receives the place within the outer record, from 1 on."""


class ForEach(Section):
    """A child object: the request is made once for every record of the parent."""

    object: Slug
    field: Path
    """Field of the parent's record, usable as `${parent.<last part>}`."""
    into: str
    """Field of the child record that receives the parent's value."""


class Tombstones(Section):
    """A list of its own that says which records were deleted. It is read at the end of every incremental read, from the
    same time on; what merely is missing from a list is never taken for deleted."""

    request: RequestSpec
    param: str = ""
    """Query parameter that takes the time; empty: the request names `${cursor}`."""
    format: TimeFormat = "iso_seconds"
    records: Path = ""
    id: Path
    """Path in an entry: the id of the record that is gone."""
    where: dict[Path, str] = {}
    """Only entries with these values (the kind of record, `status: Deleted`)."""
    within_days: int | None = Field(default=None, ge=1)
    """The vendor remembers deletions only so long and refuses an older time: it is never asked for one."""
    paginator: Paginator = NoPaging(kind="none")
    empty_status: list[int] = []
    """Statuses that mean this account has no such list (an add-on, a right it lacks): reading goes on without it."""

    @model_validator(mode="after")
    def _asks_since(self) -> "Tombstones":
        if not self.param and "cursor" not in placeholders(self.request.model_dump()):
            raise ValueError("deleted needs `param`, or ${cursor} in its request: from when on is asked")
        return self


class ReadSpec(Section):
    """How records are read."""

    request: RequestSpec = RequestSpec(path="")
    """Needed by an HTTP API; files and tables are not asked for."""
    full_request: RequestSpec | None = None
    """Used instead when there is no cursor yet."""
    full_paginator: Paginator | None = None
    records: Path = ""
    empty_status: list[int] = []
    """Statuses of a list that mean "there is none" rather than an error."""
    paginator: Paginator | None = None
    """None: the one in `defaults`."""
    cursor: Cursor
    fetch: Lookup | None = None
    """One record by its id."""
    find: dict[Slug, Lookup] = {}
    """Criterion (reference, tax_number, domain, email, name, code …) → request."""
    attach: list[Attach] = []
    for_each: ForEach | None = None
    inside: Inside | None = None
    drop: list[Path] = []
    """Dotted paths that are taken out of every record before anything is kept: what a vendor shows and nobody here has
    any business to know (birthdays, salaries)."""
    deleted: Tombstones | None = None

    @model_validator(mode="after")
    def _asks_since(self) -> "ReadSpec":
        if isinstance(self.cursor, RequestCursor):
            if "cursor" not in placeholders(self.request.model_dump()):
                raise ValueError("cursor.kind in_request: the request has to name ${cursor}")
            if self.cursor.full_from is None and self.full_request is None:
                raise ValueError("cursor.kind in_request: full_from or full_request is needed for the first read")
        if self.deleted and isinstance(self.cursor, FullRead):
            raise ValueError("deleted: without an incremental cursor there is no time to ask from")
        if self.inside and (self.fetch or self.find):
            raise ValueError("inside: records within others are read by pages; fetch and find are the outer object's")
        return self


class Idempotency(Section):
    """The vendor's own protection against doing a thing twice."""

    where: Literal["header", "query", "body", "none"] = "none"
    name: str = ""
    """Of the header or parameter; for the body the dotted path."""
    max_length: int = 128
    valid_seconds: Seconds | None = None
    """How long the vendor remembers a key: within it, an uncertain call is simply asked again."""

    @model_validator(mode="after")
    def _named(self) -> "Idempotency":
        if self.where != "none" and not self.name:
            raise ValueError("idempotency needs the name of its header or parameter")
        return self


class Marker(Section):
    """A field of the vendor's record into which a short mark is written."""

    field: str
    template: Template = "${marker}"
    append: bool = True
    """The mapping's own value stays in front of the mark."""
    max_length: int = 255


class ByIdempotencyKey(Section):
    """Ask again with the same key: the vendor answers with what it did the first time."""

    by: Literal["idempotency_key"]


class ByLookup(Section):
    """Look for the record by its natural key or by the marker."""

    by: Literal["natural_key", "marker"]
    lookup: Lookup
    field: str = ""
    """natural_key: the field of the body that is the key."""
    settle_seconds: Seconds = 0
    """The vendor's search lags so much: "not found" counts only after it."""


Probe = Annotated[ByIdempotencyKey | ByLookup, Field(discriminator="by")]


class BodyLookup(Section):
    """A value the vendor wants in the body that only the vendor knows: it is asked for just before sending."""

    into: str
    """Dotted path in the body."""
    lookup: Lookup
    value: Path
    """Path in the first record found."""
    remember: bool = False
    """The answer is the same for every record with the same question (a currency's id): ask once a client."""
    unless: str = ""
    """Field of the body that makes the question needless when it holds something."""
    only_with: str = ""
    """Field of the body without which nothing is asked and nothing put there (a client's currency)."""
    missing: str = "the record it needs was not found at the vendor"
    """What a person is told when nothing is found; the write is then refused."""


class Guard(Section):
    """The vendor wants to be told which version of the record a change is meant for. It is read just before sending. When
    somebody was faster, the record is read once more: unless one of the fields we send was changed, the change is sent
    once more with the new version; else it is a conflict."""

    kind: Literal["if_match", "sync_token", "version_field"]
    """if_match: in a header. sync_token, version_field: in the body, at `into`."""
    token: Path = ""
    """Where the version stands in the record."""
    token_header: str = ""
    """The header of the answer that carries it (`ETag`)."""
    header: str = "If-Match"
    into: str = ""
    """Dotted path in the body."""
    lookup: Lookup | None = None
    """How the record is read; none: by the object's `fetch`."""

    @model_validator(mode="after")
    def _placed(self) -> "Guard":
        if bool(self.token) == bool(self.token_header):
            raise ValueError("guard needs one of token and token_header: where the version stands")
        if self.kind != "if_match" and not self.into:
            raise ValueError(f"guard {self.kind} needs `into`: where the version goes in the body")
        return self


class Batch(Section):
    """Several of these writes in one request. Each keeps its own outcome: what the answer says about it, and where the
    answer says nothing about it, "uncertain". A write that was tried before goes alone."""

    request: RequestSpec
    """Names `${items}`."""
    item: TemplateTree = "${body}"
    """One write among them."""
    size: int = Field(default=50, ge=2, le=500)
    results: Path
    """The list of results in the answer."""
    key: Path = ""
    """Path in a result: the `${marker}` of the write it belongs to; empty: results stand in the order of the items."""
    status: Path = ""
    """Path in a result: its own status."""
    failed: Path = ""
    """Path in a result that, when it holds something, makes it an error."""
    body: Path = ""
    """Path in a result: what the answer to this write alone would have been; id, record and error are read in it."""

    @model_validator(mode="after")
    def _named(self) -> "Batch":
        if "items" not in placeholders(self.request.model_dump()):
            raise ValueError("batch.request has to name ${items}")
        if not self.status and not self.failed:
            raise ValueError("batch needs status or failed: how a result says that its write was refused")
        if self.key and "marker" not in placeholders(self.item):
            raise ValueError("batch.key: the item has to carry ${marker}, or no result could be told from another")
        return self


class WriteSpec(Section):
    """One write operation of an object."""

    request: RequestSpec
    batch: Batch | None = None
    guard: Guard | None = None
    look_up: list[BodyLookup] = []
    consume: list[str] = []
    """Fields of the body that are only used in path or parameters and are not sent."""
    answer_id: Path = ""
    answer_header: str = ""
    """Header that carries the id where the body does not: the last part of its path (`Location`)."""
    answer_lookup: Lookup | None = None
    """How the record is found where the answer names no id (an upsert that answers with nothing)."""
    answer_record: Path = ""
    expect: dict[Path, str] = {}
    """Path in the answer → value that must stand there; else the vendor did not do what was asked."""
    idempotency: Idempotency = Idempotency()
    marker: Marker | None = None
    probe: list[Probe] = []
    """Tried in this order when the outcome is uncertain. Empty: nobody can tell, a case opens."""
    repeatable: bool = False
    """Sending the same again has the same effect (a full update by id, an upsert by a key of ours): an uncertain one may
    be sent again."""

    @model_validator(mode="after")
    def _batchable(self) -> "WriteSpec":
        if self.batch is None:
            return self
        if self.look_up or self.guard or self.answer_lookup or self.answer_header:
            raise ValueError("batch: a write with look_up, guard, answer_lookup or answer_header goes alone")
        if any(isinstance(probe, ByIdempotencyKey) for probe in self.probe):
            raise ValueError(
                "batch: the vendor saw no key of a single write, so `probe` may not ask by idempotency_key"
            )
        return self

    @property
    def most_calls(self) -> int:
        """How many calls one sending may take, with what has to be asked for before and after."""
        return 1 + len(self.look_up) + (4 if self.guard else 0) + (1 if self.answer_lookup else 0)


class Deletion(Section):
    """How a record says that it was deleted or archived."""

    path: Path
    values: list[str]
    """Values (as text) that mean deleted."""


class ObjectSpec(Section):
    """One kind of record."""

    title: str
    entity: str = ""
    """The canonical entity it usually becomes."""
    same_as: str = ""
    """The object that holds the same records of the vendor, with the same ids, under another name: what we make through one
    may come back through the other."""
    primary_key: Path
    key_type: Literal["text", "integer"] = "text"
    """How `${external_id}` stands in a body of its own: some vendors insist on numbers."""
    url: Template = ""
    """Where a person sees the record in the vendor's product."""
    deletion: Deletion | None = None
    fields: list[FieldSpec] = []
    read: ReadSpec | None = None
    write: dict[Slug, WriteSpec] = {}
    """`create`, `update` and named actions."""

    @model_validator(mode="after")
    def _readable(self) -> "ObjectSpec":
        for name, spec in self.write.items():
            if spec.guard and spec.guard.lookup is None and (self.read is None or self.read.fetch is None):
                raise ValueError(f"write.{name}.guard: the object has no read.fetch; name a lookup")
        return self
