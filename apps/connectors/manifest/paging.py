"""The closed sets of paginators and cursors."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from apps.connectors.manifest.base import Path, Seconds, Section, Template, TemplateTree

Where = Literal["query", "body", "in_request"]
"""query: a URL parameter; body: a dotted path in the request body (numbers index lists); in_request: the request itself
names it, as `${page.number}`, `${page.offset}`, `${page.token}`, `${page.last}` and `${page.size}`."""


class NoPaging(Section):
    """Everything comes in one answer."""

    kind: Literal["none"]


class _Sized(Section):
    where: Where = "query"
    size_param: str = ""
    size: int = Field(default=100, ge=1, le=10_000)
    as_text: bool = False
    """Number and size are sent as text, where a body has them so."""


class _Counted(_Sized):
    keyset: bool = False
    """The answer is ordered by modification time: go on from the newest time seen instead of by counting. A record that
    changes meanwhile moves to the end and would make counting skip another; that also passes a vendor's last page."""
    steady: bool = False
    """Nothing ever leaves the list, and its order (named in the request) never changes. Otherwise a list of several
    pages is read again until two passes agree, since counting skips a record when one before it moves or goes."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.keyset and self.steady:
            raise ValueError("keyset and steady exclude each other: keyset does not count")
        return self


class PageNumber(_Counted):
    """page=1, 2, 3 …; ends at the number of pages or records the answer tells, at an empty `next`, or else at a page
    that is not full."""

    kind: Literal["page_number"]
    param: str = "page"
    start: int = 1
    total_pages: Path = ""
    total: Path = ""
    """Number of records in all."""
    total_pages_header: str = ""
    total_header: str = ""
    last_header: str = ""
    """Says `true` on the last page: trusted more than a page that is not full, which a vendor's own limit makes too."""
    next: Path = ""
    """Holds something (a link, a number, `true`) while there is more."""


class Offset(_Counted):
    """offset=0, 100, 200 …; ends at `total`, when `more` holds nothing, or else at a page that is not full."""

    kind: Literal["offset"]
    param: str = "offset"
    start: int = 0
    """The number of the first record."""
    total: Path = ""
    more: Path = ""
    """Holds something while there is more."""


class _Led(_Sized):
    counted: bool = False
    """The link or token only stands for a page's number or a number of records: the list is read as a counted one,
    again until two passes agree."""


class CursorToken(_Led):
    """The answer carries a token which asks for the next page; ends when it is missing."""

    kind: Literal["cursor"]
    param: str = "cursor"
    next: Path = ""
    next_header: str = ""
    """The token stands in this header instead; one of digits goes into a body as a number."""
    more: Path = ""
    """Holds nothing on the last page although it carries a token."""
    replaces: list[str] = []
    """Parameters of the first page that the token stands for: they are not sent beside it."""
    max_results: int | None = None
    """The vendor stops a search after so many results: the engine then starts a new search at the newest
    modification time it has seen."""

    @model_validator(mode="after")
    def _told(self) -> "CursorToken":
        if bool(self.next) == bool(self.next_header):
            raise ValueError("paginator cursor needs one of next and next_header: where the token stands")
        return self


class LastId(_Sized):
    """The last record's id asks for what comes after it (`starting_after`, `id > …`); ends when `more` holds nothing,
    or else at a page that is not full."""

    kind: Literal["last_id"]
    param: str = "starting_after"
    id: Path = ""
    """Empty: the object's primary key."""
    more: Path = ""
    first: str | int | None = None
    """What the first page asks for; none: nothing."""


class LinkHeader(_Led):
    """RFC 8288 `Link: <…>; rel="next"`. Only path and query of the link are used: it cannot lead a token elsewhere."""

    kind: Literal["link_header"]
    rel: str = "next"


class NextUrl(_Led):
    """The answer carries the next page's URL. Its host is never used: it cannot lead a token elsewhere."""

    kind: Literal["next_url"]
    next: Path
    more: Path = ""
    """Holds nothing on the last page although it carries a link (`"!end_of_stream"`)."""
    total: Path = ""
    """Number of records in all, if it is told: only for saying how long the read will take."""
    take: Literal["query", "path"] = "query"
    """query: its parameters, at the request's own path. path: path and parameters (Salesforce's nextRecordsUrl)."""


Paginator = Annotated[
    NoPaging | PageNumber | Offset | CursorToken | LastId | LinkHeader | NextUrl, Field(discriminator="kind")
]

TimeFormat = Literal[
    "iso", "iso_millis", "iso_seconds", "iso_offset", "iso_local", "datetime", "datetime_minutes",
    "datetime_micros", "date", "http_date",
    "epoch_s", "epoch_ms", "epoch_ms_text", "date_parts", "tryton",
]  # fmt: skip
"""iso 2026-01-31T10:00:00.000000Z · iso_millis 2026-01-31T10:00:00.000Z · iso_seconds 2026-01-31T10:00:00Z ·
iso_offset 2026-01-31T10:00:00+00:00 · iso_local 2026-01-31T10:00:00 · datetime 2026-01-31 10:00:00 ·
datetime_minutes 2026-01-31 10:00 · datetime_micros 2026-01-31 10:00:00.000000 ·
date 2026-01-31 · http_date Sat, 31 Jan 2026 10:00:00 GMT · epoch_s, epoch_ms ·
epoch_ms_text: the milliseconds as text, where a JSON filter takes no number ·
date_parts {"year": 2026, "month": 1, "day": 31} · tryton {"__class__": "datetime", …}."""


class _Cursor(Section):
    field: Path
    """Path of the modification time in a record."""
    format: TimeFormat = "iso_seconds"
    """How the vendor wants it in the request."""
    overlap_seconds: Seconds = 120
    """Ask again for so much before the cursor: a row committed late is still read; duplicates fall out by hash."""
    lag_seconds: Seconds = 5
    """Never move the cursor closer to now than this."""
    exclusive: bool = False
    """The vendor answers what changed after the time, not what changed at it: a second earlier is asked for."""
    zone: Template = ""
    """Time zone (`Europe/Berlin`, `${config.time_zone}`) of times that name none, in requests and records; empty: UTC."""


class ParameterCursor(_Cursor):
    """`updated_since=…` in the query."""

    kind: Literal["updated_since"]
    param: str
    value: Template = "${cursor}"


class HeaderCursor(_Cursor):
    """`If-Modified-Since`."""

    kind: Literal["header"]
    header: str = "If-Modified-Since"
    value: Template = "${cursor}"


class BodyCursor(_Cursor):
    """A filter in the body: a search request or a JSON domain."""

    kind: Literal["search_body", "json_domain"]
    path: str
    """Dotted path in the body where the filter goes."""
    value: TemplateTree
    otherwise: Any = None
    """What stands there on a full read; none: the path is left out."""


class RequestCursor(_Cursor):
    """The request itself names `${cursor}`: in a query language, a JSON filter, a procedure's parameters."""

    kind: Literal["in_request"]
    full_from: datetime | None = None
    """The time a full read asks from; none: there is a `full_request`."""


class CompareCursor(_Cursor):
    """The vendor cannot filter by modification time: all, or a window by another date, is read and compared here."""

    kind: Literal["compare"]
    param: str = ""
    """Parameter that at least bounds the window by the record's own date."""
    value: Template = "${cursor}"
    window_days: int = 400
    """How far before the cursor the window begins: a record older than this that changes today is not seen."""


class FullRead(Section):
    """No incremental read: every run reads all; unchanged records fall out by hash."""

    kind: Literal["full"]


Incremental = ParameterCursor | HeaderCursor | BodyCursor | RequestCursor | CompareCursor
Cursor = Annotated[Incremental | FullRead, Field(discriminator="kind")]
