"""Section `auth`: the closed set of ways to log in."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from apps.connectors.manifest.base import Path, Seconds, Section, Slug, Template, TemplateTree


class _Method(Section):
    name: Slug
    title: str
    help: str = ""


class ApiKey(_Method):
    """A key in a header or in the query."""

    kind: Literal["api_key"]
    where: Literal["header", "query"] = "header"
    param: str
    value: Template


class HeaderKeys(_Method):
    """Several headers at once, each with a key or a name in it."""

    kind: Literal["headers"]
    headers: dict[str, Template] = Field(min_length=1)


class Basic(_Method):
    """HTTP Basic."""

    kind: Literal["basic"]
    username: Template
    password: Template = ""


class Bearer(_Method):
    """A long-lived token in the Authorization header."""

    kind: Literal["bearer"]
    token: Template
    prefix: str = "Bearer"


class Assertion(Section):
    """A signed statement of who we are (RFC 7523) that takes the place of a password."""

    private_key: Template
    """PEM; a key whose line ends were lost on the way into a form is understood too."""
    algorithm: Literal["RS256", "PS256", "ES256"] = "RS256"
    key_id: Template = ""
    issuer: Template
    subject: Template = ""
    audience: Template
    claims: dict[str, Template] = {}
    """Further claims; an empty one is left out."""
    lifetime_seconds: int = Field(default=180, ge=10, le=3600)


class _OAuth(_Method):
    kind: str
    token_url: Template
    scopes: list[str] = []
    scope_separator: str = " "
    client_id: Template = "${config.client_id}"
    client_secret: Template = "${credentials.client_secret}"  # noqa: S105 - a placeholder
    client_auth: Literal["body", "basic", "assertion", "none"] = "body"
    """Where the client's id and secret go on the token request. assertion: a signed statement instead of a secret."""
    assertion: Assertion | None = None
    token_params: dict[str, Template] = {}
    """More fields of the token request; an empty one is left out."""
    refresh_before_seconds: Seconds = 60
    """Renew this long before the access token runs out."""
    lifetime_seconds: Seconds | None = None
    """How long a token lives when the answer does not tell; none: until the vendor refuses it."""
    keep: dict[Slug, Path] = {}
    """Name → path in the token answer; usable as `${credentials.<name>}` (`instance_url`). No secrets: they are shown."""

    @model_validator(mode="after")
    def _stated(self) -> "_OAuth":
        if (self.client_auth == "assertion" or self.kind == "jwt_bearer") and self.assertion is None:
            raise ValueError("this way to log in needs `assertion`")
        return self


class OAuth2Code(_OAuth):
    """OAuth 2 authorization code, with PKCE and rotating refresh tokens."""

    kind: Literal["oauth2_code"]
    authorize_url: Template
    authorize_params: dict[str, Template] = {}
    pkce: bool = True
    refresh: bool = True
    rotates: bool = False
    """The vendor answers each refresh with a new refresh token and kills the old one."""
    idle_days: int | None = None
    """A refresh token unused for so long dies: the engine keeps it alive before that."""
    revoked_codes: list[str] = ["invalid_grant"]
    """Error codes of the token address which mean that the customer must consent again."""
    callback: dict[Slug, str] = {}
    """Setting → parameter with which the vendor sends the customer back (`realm_id: realmId`)."""


class ClientCredentials(_OAuth):
    """OAuth 2 client credentials."""

    kind: Literal["client_credentials"]
    params: dict[str, Template] = {}


class JwtBearer(_OAuth):
    """OAuth 2 with a signed assertion as the grant (RFC 7523): no person, no refresh token."""

    kind: Literal["jwt_bearer"]
    client_auth: Literal["body", "basic", "none"] = "none"


class SessionLogin(_Method):
    """Log in with a request, carry the session afterwards, log in again when the vendor says 401."""

    kind: Literal["session"]
    login_method: Literal["POST", "GET", "PUT"] = "POST"
    login_path: Template
    login_headers: dict[str, Template] = {}
    login_body: TemplateTree = None
    encoding: Literal["json", "form", "json_rpc"] = "json"
    rpc_method: str = ""
    rpc_version: Literal["", "2.0"] = ""
    values: dict[str, Path] = {}
    """Name → path in the log-in answer; kept encrypted and usable as `${credentials.<name>}`."""
    header_values: dict[str, str] = {}
    """Name → header of the log-in answer."""
    cookie_values: dict[str, str] = {}
    """Name → cookie the log-in answer sets."""
    keep: dict[Slug, Path] = {}
    """Name → path in the log-in answer; usable as `${credentials.<name>}` in every request, also in bodies (the number of
    the user). No secrets: they are shown."""
    carry: Literal["header", "cookie", "query", "body"] = "header"
    """Where each request carries the session. body: a field of the form or of the JSON object."""
    header: str = "Authorization"
    param: str = ""
    """Name of the cookie, parameter or field."""
    value: Template
    """What is carried; `base64:` in front of a part encodes the rest of the string after it."""
    lifetime_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _rpc(self) -> "SessionLogin":
        if self.encoding == "json_rpc" and not self.rpc_method:
            raise ValueError("encoding json_rpc needs rpc_method")
        if self.carry != "header" and not self.param:
            raise ValueError(f"carry {self.carry} needs `param`")
        if not self.names:
            raise ValueError("one of values, header_values, cookie_values, keep has to say what the log-in yields")
        return self

    @property
    def names(self) -> list[str]:
        """What the log-in yields."""
        return [*self.values, *self.header_values, *self.cookie_values, *self.keep]


class NoAuth(_Method):
    """The vendor wants no log-in (practice systems, public data)."""

    kind: Literal["none"]


AuthMethod = Annotated[
    ApiKey | HeaderKeys | Basic | Bearer | OAuth2Code | ClientCredentials | JwtBearer | SessionLogin | NoAuth,
    Field(discriminator="kind"),
]
