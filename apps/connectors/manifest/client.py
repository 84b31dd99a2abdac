"""Section `client`: address, limits, error shapes, verification, values found after log-in."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from apps.connectors.manifest.base import Path, Seconds, Section, Slug, Template
from apps.connectors.manifest.requests import RequestSpec


class Family(StrEnum):
    """What kind of failure an answer is; decides what happens next."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    PERMISSION = "permission"
    VALIDATION = "validation"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    CLOSED_PERIOD = "closed_period"


class Timeouts(Section):
    """Seconds; `total` bounds the whole exchange however slowly the answer drips."""

    connect: float = Field(default=5, gt=0)
    read: float = Field(default=30, gt=0)
    total: float = Field(default=60, gt=0)


class RateWindow(Section):
    """So many calls in so many seconds, and the headers in which the vendor tells its own count. A header that tells
    several numbers is named with the one meant: `RateLimit;remaining`, `Sforce-Limit-Info;api-usage`."""

    name: Slug
    limit: int = Field(ge=1)
    per_seconds: int = Field(ge=1)
    limit_header: str = ""
    remaining_header: str = ""
    reset_header: str = ""
    reset_format: Literal["epoch_s", "epoch_ms", "seconds", "iso"] = "epoch_s"
    usage_header: str = ""
    """Tells used and allowed calls in one: `api-usage=18/5000`."""
    paths: list[str] = []
    """Only calls to these paths, as the manifest writes them, with `*` (a search limit of its own); empty: all calls."""
    calls: Literal["all", "reads", "writes"] = "all"
    """Vendors may count calls that change something apart from the others."""


class RateLimits(Section):
    """All calls to one vendor account draw on these windows together."""

    windows: list[RateWindow] = Field(min_length=1)
    concurrency: int = Field(default=4, ge=1)
    live_reserve: float = Field(default=0.2, ge=0, lt=1)
    """Share of each window kept for live work."""
    account: Template = ""
    """What names the vendor account the budget belongs to; empty: the account found by the verification."""
    retry_after_headers: list[str] = ["Retry-After"]
    retry_after_format: Literal["auto", "seconds", "http_date", "epoch_s", "epoch_ms", "iso"] = "auto"
    retry_after_default: Seconds = 10
    source: str = ""
    """Where the numbers stand written; "assumed" when the vendor publishes none."""


class ErrorRule(Section):
    """First rule that fits decides. A rule without `status` fits any; `code` and `contains` narrow it."""

    status: int | None = None
    code: str = ""
    contains: str = ""
    """Text in the message, ignoring case."""
    family: Family
    effect: Literal["none", "unknown"] = "none"
    """Whether a write answered so may have happened all the same."""


class ErrorShape(Section):
    """Where code and message stand in an error body, and which answers mean what."""

    code: list[Path] = []
    message: list[Path] = []
    details: Path = ""
    """A list or mapping of texts (field → texts), however nested: joined behind the message."""
    message_headers: list[str] = []
    """Headers that carry the message where the body says nothing."""
    decode: list[Path] = []
    """Fields (dotted paths) that hold JSON text, read before the other paths are; a list of JSON texts counts too."""
    html: bool = False
    """Messages are HTML: the marks are taken out."""
    envelope: Path = ""
    """Path that, when it holds something in a 2xx answer, makes it an error ("200 with an error inside")."""
    rules: list[ErrorRule] = []


class Verification(Section):
    """The request of "test connection" and where the account's name and id stand in its answer."""

    request: RequestSpec
    account_name: Path
    account_id: Path
    details: dict[str, Path] = {}


class Variable(Section):
    """A setting found after log-in by asking the vendor (Xero tenant, Jira site); several: a person chooses."""

    name: Slug
    title: str
    request: RequestSpec
    items: Path = ""
    id: Path
    key_type: Literal["text", "integer"] = "text"
    """How `${config.<name>}` stands in a body of its own."""
    label: Path
    also: dict[Slug, Path] = {}
    """Further settings taken from the chosen item (`base_uri`): name → path."""
    where: dict[Path, str] = {}
    """Only items where these paths have these values."""


class ClientSpec(Section):
    """The section `client`. Only `kind: http` is described further by it; what answers for the other kinds is registered in
    `apps.connectors.sources` under the kind's name."""

    kind: Literal["http", "files", "sql", "warehouse"] = "http"
    """http: an API. files: files people hand over. sql: tables of a database. warehouse: a database we write to."""
    base_url: Template = ""
    headers: dict[str, Template] = {}
    timeouts: Timeouts = Timeouts()
    max_answer_mb: int = Field(default=50, ge=1, le=500)
    rate: RateLimits = RateLimits(windows=[RateWindow(name="reads", limit=100_000, per_seconds=60)], concurrency=8)
    errors: ErrorShape = ErrorShape()
    verification: Verification | None = None
    variables: list[Variable] = []

    @model_validator(mode="after")
    def _fits_kind(self) -> "ClientSpec":
        needed = ("base_url", "rate", "errors", "verification")
        if self.kind == "http" and (missing := [name for name in needed if name not in self.model_fields_set]):
            raise ValueError(f"{', '.join(missing)} missing: an HTTP API needs {', '.join(needed)}")
        if self.kind != "http" and (odd := sorted(self.model_fields_set - {"kind", "rate"})):
            raise ValueError(f"{', '.join(odd)} only belong to kind http; found kind {self.kind}")
        return self


Status = Annotated[int, Field(ge=100, le=599)]
