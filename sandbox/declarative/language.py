"""What a `vendor.yaml` may say. Unknown keys are refused; every section that states a fact names its source."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

Moment = Literal[
    "iso_seconds", "iso_millis", "iso_micros", "iso_offset", "iso_offset_millis", "iso_compact_offset", "epoch_s",
    "epoch_ms", "space", "space_micros", "net", "http", "date",
]  # fmt: skip
Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "prefix"]
QueryLanguage = Literal["soql", "quickbooks", "suiteql", "odata", "jql", "erpnext", "autotask", "connectwise", "search"]
CASES = (
    "unauthorized", "expired", "forbidden", "not_found", "no_such_path", "malformed", "invalid", "required", "wrong_type",
    "not_allowed", "unknown_field", "read_only", "bad_reference", "bad_query", "wrong_state", "duplicate", "conflict",
    "guard_missing", "key_reused", "rate_limited", "failure",
)  # fmt: skip


def _source(value: str) -> str:
    if re.match(r"https?://\S+$", value) or value == "spec" or value.startswith("assumed"):
        return value
    raise ValueError(
        f"found {value!r}; allowed: a URL, `spec` (the published file named in vendor.spec) or `assumed: why`"
    )


Source = Annotated[str, AfterValidator(_source)]
Sources = Annotated[list[Source], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class IdForm(Section):
    """How ids look: `number` counts, `uuid`, or a `pattern` with {n} {alnum14} {hex24} {digits18} {upper8}."""

    field: str = "id"
    form: Literal["number", "number_text", "uuid", "pattern", "given"] = "number"
    pattern: str = ""
    start: int = 1001
    may_be_given: bool = False
    """uuid: the caller may choose it."""

    @model_validator(mode="after")
    def _patterned(self) -> "IdForm":
        if (self.form == "pattern") != bool(self.pattern):
            raise ValueError("`pattern` goes with form: pattern, and only with it")
        return self


class FieldSpec(Section):
    """One field of a record. Written short, a field is just its type: `email: text`."""

    type: Literal[
        "text", "integer", "decimal", "decimal_text", "boolean", "date", "datetime", "enum", "ref", "list", "object",
        "any", "uuid",
    ]  # fmt: skip
    required: bool = False
    read_only: bool = False
    on_create_only: bool = False
    nullable: bool = True
    default: Any = None
    const: Any = None
    values: list[Any] = []
    to: str = ""
    """ref: the resource it points to."""
    form: Literal["id", "object"] = "id"
    """ref: a bare id, or an object that carries the id under `id_key` and the `with` fields of the other record."""
    id_key: str = "id"
    with_: dict[str, str] = Field(default={}, alias="with")
    """ref in object form: field of the answer → field of the other record."""
    by: str = ""
    """ref: the field of the other record that is the key here; empty: its id."""
    look_up: str = ""
    """Filled when read: `customer.name` is the field `name` of the record that `customer` points to."""
    sequence: str = ""
    """Filled when made: `INV-{n}`; {n:05} pads."""
    moment: Moment | None = None
    maximum: int | None = None
    item: "FieldSpec | None" = None
    fields: dict[str, "FieldSpec"] = {}
    open: bool = False
    """object: takes any further keys (metadata, custom fields)."""
    item_id: IdForm | None = None
    """list of objects: every item gets an id."""
    hidden: bool = False
    """Kept but never answered."""
    source: Sources = []

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _coherent(self) -> "FieldSpec":
        for kind, name in (("enum", "values"), ("ref", "to")):
            if (self.type == kind) and not getattr(self, name):
                raise ValueError(f"a field of type {kind} needs `{name}`")
        return self


class Paging(Section):
    """Which page, how long. `$next_url`, `$next_token`, `$has_more`, `$total` … are then known to the answer."""

    kind: Literal["none", "page", "offset", "token", "after_id", "limit", "language"] = "none"
    param: str = ""
    where: Literal["query", "body", "header"] = "query"
    first: int = 1
    size_param: str = ""
    size: int = 100
    most: int = 1000
    over: Literal["cap", "refuse"] = "cap"
    """A size above `most`."""
    stable: Literal["keyset", "snapshot", "offset"] = "keyset"
    """token: goes on behind the last record, reads a frozen list, or only counts."""
    before_param: str = ""
    link_header: bool = False
    source: Sources = []


class Filter(Section):
    """A parameter that narrows a list."""

    field: str = ""
    """Empty: the parameter is taken and changes nothing (`changes: nothing` says why in `source`)."""
    op: Operator = "eq"
    where: Literal["query", "header", "body"] = "query"
    moment: Moment | None = None
    separator: str = ","
    """op in: between the values."""
    required: bool = False
    source: Sources = []

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"field": value} if isinstance(value, str) else value


class Guard(Section):
    """Protects against overwriting what one has not seen."""

    kind: Literal["etag", "field"]
    header: str = "If-Match"
    field: str = ""
    """etag: the field of the record that shows it; field: the field that has to come back (SyncToken, lockVersion)."""
    form: Literal["number", "number_text", "weak_etag"] = "number"
    required: bool = True
    source: Sources = []


class Operation(Section):
    """One thing the API does with a resource."""

    kind: Literal["list", "get", "create", "update", "delete", "upsert", "action", ""] = ""
    method: str = ""
    path: str = ""
    status: int = 0
    created_status: int = 0
    """upsert: when it was made new."""
    answer: Any = None
    """The body of the answer, with `$record`, `$records`, `$id` …; none: as in `defaults`."""
    empty_answer: bool = False
    headers: dict[str, str] = {}
    record_at: str = ""
    """Dotted path in the request where the record is."""
    many: bool = False
    """`record_at` holds a list of records; all or none."""
    by: str = ""
    """The field that the path's {id} names instead of the id (an external id)."""
    paging: Paging | None = None
    filters: dict[str, Filter] = {}
    language: QueryLanguage | None = None
    """The list also takes this query language (OData's `$filter` …, JQL in `language_param`)."""
    language_param: str = ""
    language_where: Literal["query", "body"] = "query"
    order: list[str] = []
    order_param: str = ""
    """list: the parameter that names the field to sort by, one of `orders`."""
    direction_param: str = ""
    """list: the parameter that says asc or desc."""
    direction: Literal["asc", "desc"] = "asc"
    """The direction without `direction_param`."""
    orders: dict[str, str] = {}
    """list: what may stand there → the field that is sorted by; a list where they are the same."""
    only: dict[str, Any] = {}
    """list, get: only records with these values."""
    deleted: Literal["hide", "show", "only"] = "hide"
    narrow_param: str = ""
    """Parameter that names the fields wanted (`$select`, `fields`)."""
    changes: dict[str, Any] = Field(default={}, alias="set")
    """action: the values it gives."""
    when: dict[str, list[Any]] = {}
    """Only in these states; else `wrong_state`."""
    event: str = ""
    deletion: Literal["remove", "flag"] = "remove"
    flag: dict[str, Any] = {}
    """deletion flag: what a deleted record says (`{archived: true}`)."""
    hides: bool = True
    """Whether a deleted record is gone from operations that say nothing about `deleted`."""
    needs_header: dict[str, str] = {}
    source: Sources = []

    @field_validator("orders", mode="before")
    @classmethod
    def _same(cls, value: Any) -> Any:
        return {name: name for name in value} if isinstance(value, list) else value


class Children(Section):
    """Records of another resource shown (and made) inside this one."""

    resource: str
    by: str
    """The other resource's field that points here."""
    expand_param: str = ""
    """Only shown when this parameter names the field; empty: always."""


class Resource(Section):
    """A kind of record: its fields, and what the API does with it."""

    title: str = ""
    path: str
    source: Sources = Field(min_length=1)
    id: IdForm | None = None
    created: str = ""
    updated: str = ""
    fields: dict[str, FieldSpec]
    unique: list[str] = []
    external: list[str] = []
    """Fields that may serve as key of an upsert."""
    path_fields: dict[str, str] = {}
    """Parameter in the path → field it fills and narrows by."""
    operations: dict[str, Operation]
    guard: Guard | None = None
    children: dict[str, Children] = {}
    seed: list[dict[str, Any]] = []
    """Records every account has from its first day."""
    query_name: str = ""
    """Its name in the vendor's query language and JSON-RPC; empty: the name here."""
    open: bool = False
    """Takes and shows any further fields (custom fields)."""
    spec_schema: str = ""
    """The schema of one record in the published file, where the answers of its operations do not tell."""
    sample: dict[str, Any] = {}
    """Values the generator cannot guess when it makes a record (a number in the vendor's form)."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("operations"), list):
            return {**value, "operations": {name: {} for name in value["operations"]}}
        return value


class Key(Section):
    """Keys in headers or parameters; all have to fit."""

    kind: Literal["key"]
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    source: Sources = Field(min_length=1)


class BasicAuth(Section):
    kind: Literal["basic"]
    username: str
    password: str = ""
    source: Sources = Field(min_length=1)


class BearerAuth(Section):
    """The account's own long-lived token."""

    kind: Literal["bearer"]
    source: Sources = Field(min_length=1)


class OAuth2(Section):
    """Tokens from the consent page, by refresh, by client credentials, by signed assertion."""

    kind: Literal["oauth2"]
    authorize: list[str] = []
    token: list[str] = Field(min_length=1)
    access_seconds: int = 3600
    rotates: bool = False
    client_credentials: bool = False
    jwt_bearer: bool = False
    client_assertion: bool = False
    """client_credentials by a signed statement instead of a secret (RFC 7523, PS256)."""
    prefix: str = "Bearer"
    extra: dict[str, Any] = {}
    """What the token answer carries besides (`instance_url: $base_url`)."""
    source: Sources = Field(min_length=1)


class Session(Section):
    """A log-in request that answers with a session, sent back in a header or cookie."""

    kind: Literal["session"]
    method: str = "POST"
    path: str
    encoding: Literal["json", "form"] = "json"
    username_at: str
    password_at: str
    answer: Any
    """With `$session`."""
    header: str = "Authorization"
    value: str = "Bearer ${session}"
    cookie: str = ""
    seconds: int = 3600
    source: Sources = Field(min_length=1)


Auth = Annotated[Key | BasicAuth | BearerAuth | OAuth2 | Session, Field(discriminator="kind")]


class Tenant(Section):
    """The account named in the request besides the log-in; it has to be the one the log-in opens."""

    where: Literal["path", "header", "query"]
    name: str
    value: str = "$account.id"
    case: Literal["forbidden", "not_found", "unauthorized"] = "not_found"


class LimitWindow(Section):
    name: str
    requests: int = Field(ge=1)
    seconds: float = Field(gt=0)
    path: str = ""


class Limits(Section):
    windows: list[LimitWindow] = []
    concurrent: int = 0
    headers: dict[str, str] = {}
    """On every answer: `$remaining.<window>` `$limit.<window>` `$reset.<window>` (epoch) `$reset_in.<window>`."""
    source: Sources = Field(min_length=1)


class ErrorCase(Section):
    status: int
    code: str = ""
    message: str = ""
    values: dict[str, Any] = {}
    headers: dict[str, str] = {}
    body: Any = None


class Errors(Section):
    body: Any
    """With `$message` `$code` `$field` `$status` `$request_id` and the case's `values`."""
    cases: dict[str, ErrorCase]
    source: Sources = Field(min_length=1)

    @model_validator(mode="after")
    def _known(self) -> "Errors":
        if unknown := set(self.cases) - set(CASES):
            raise ValueError(f"cases: found {sorted(unknown)}; allowed: {', '.join(CASES)}")
        needed = {"unauthorized", "not_found", "invalid", "rate_limited", "failure"}
        if missing := needed - set(self.cases):
            raise ValueError(f"cases: {sorted(missing)} missing; the other cases fall back on them")
        return self


class Idempotency(Section):
    where: Literal["header", "query", "body"] = "header"
    name: str
    methods: list[str] = ["POST"]
    seconds: int = 86_400
    longest: int = 255
    other_body: Literal["refuse", "replay"] = "refuse"
    replay_header: dict[str, str] = {}
    source: Sources = Field(min_length=1)


class Hmac(Section):
    digest: Literal["sha256", "sha1", "sha512", "md5"] = "sha256"
    encoding: Literal["base64", "hex"] = "hex"
    parts: list[str] = ["body"]
    """In order: body, timestamp, method, url, path, `key` (the key itself) or literal text (`.`)."""
    plain: bool = False
    """A bare hash over the parts instead of an HMAC."""
    key_digest: Literal["", "sha256"] = ""
    """The key is this digest of the secret."""
    timestamp: Literal["s", "ms", "iso"] = "s"


class Subscriptions(Section):
    """The resource whose records are subscriptions, and where they name target, events and secret."""

    resource: str
    url: str
    events: str = ""
    secret: str = ""
    user: str = ""
    """Basic: where the subscription names the user."""


class Hooks(Section):
    """Webhooks: what is sent when, and how it is signed."""

    headers: dict[str, str] = {}
    """With `${signature}` `${timestamp}` `${secret}` `${event_id}` …"""
    query: dict[str, str] = {}
    hmac: Hmac | None = None
    events: dict[str, dict[str, str]]
    """Resource → created, updated, deleted → the vendor's name of the event."""
    event: Any
    """One event, with `$event.id` `$event.type` `$event.time` `$event.action` `$record` `$id` `$account.id`."""
    batch: int = 1
    """So many events a request."""
    each: dict[str, Any] = {}
    """Put into every event when it is sent: what depends on the subscription (`clientState: $secret`)."""
    body: Any = "$event"
    """The request's body: `$event` (batch: 1) or `$events`."""
    moment: Moment = "iso_millis"
    handshake: Literal["none", "intent_to_receive", "echo_query", "echo_body"] = "none"
    handshake_param: str = ""
    handshake_answer: str = ""
    """echo_body: the answer has to be JSON that holds the value under this key; empty: the value may stand anywhere."""
    subscriptions: Subscriptions | None = None
    source: Sources = Field(min_length=1)


class QueryPath(Section):
    """An address that takes a query in a language of its own and answers records of any resource."""

    language: Literal["soql", "quickbooks", "suiteql"]
    method: str = "GET"
    path: str
    where: Literal["query", "body"] = "query"
    param: str
    paging: Paging = Paging()
    next_path: str = ""
    """Where further pages are read: `/query/{token}`."""
    deleted: Literal["hide", "show"] = "hide"
    """show: deleted records are found too (Salesforce's queryAll)."""
    answer: Any
    """With `$records`, `$resource` (the name in the query) …"""
    record: Any = None
    """How one record looks here; none: as elsewhere."""
    needs_header: dict[str, str] = {}
    source: Sources = Field(min_length=1)


class Rpc(Section):
    """JSON-RPC as Odoo speaks it: `common` for log-in, `object.execute_kw` for models."""

    kind: Literal["odoo"]
    path: str = "/jsonrpc"
    source: Sources = Field(min_length=1)


class Spec(Section):
    """The published file the vendor is checked against, where it is at hand."""

    file: str
    strip: str = ""
    """Beginning of our paths that the file's paths do not have."""
    add: str = ""
    """What the file's paths have in front instead."""
    left_out: dict[str, str] = {}
    """`METHOD path` or `resource.field` → why the file cannot confirm it."""


class About(Section):
    name: str
    summary: str = ""
    docs: str = Field(pattern=r"^https?://")
    prefix: str = ""
    account_id: IdForm = IdForm(form="number", start=4_100_001)
    spec: Spec | None = None
    credentials: dict[str, str] = {}
    """Further secrets of an account and their form (`company: "{alnum8}"`), usable as `${company}`."""


class Defaults(Section):
    """Said once for all resources."""

    encoding: Literal["json", "form"] = "json"
    id: IdForm = IdForm()
    moment: Moment = "iso_seconds"
    absent: Literal["shown", "left_out"] = "shown"
    """Fields without a value: shown as null, or left out."""
    unknown_fields: Literal["ignore", "refuse"] = "ignore"
    read_only: Literal["ignore", "refuse"] = "ignore"
    unknown_params: Literal["ignore", "refuse"] = "ignore"
    required_headers: dict[str, str] = {}
    """Header → regular expression it has to match."""
    answer_headers: dict[str, str] = {}
    operations: dict[str, Operation] = {}
    paging: Paging = Paging()
    order: list[str] = []
    guard: Guard | None = None
    max_body_kb: int = 10_240


class VendorFile(Section):
    """A whole `vendor.yaml`."""

    vendor: About
    auth: list[Auth] = Field(min_length=1)
    tenant: Tenant | None = None
    limits: Limits
    errors: Errors
    idempotency: Idempotency | None = None
    defaults: Defaults = Defaults()
    resources: dict[str, Resource] = Field(min_length=1)
    queries: list[QueryPath] = []
    rpc: Rpc | None = None
    webhooks: Hooks | None = None
