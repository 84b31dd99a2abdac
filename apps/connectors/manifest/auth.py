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


class _OAuth(_Method):
    token_url: Template
    scopes: list[str] = []
    scope_separator: str = " "
    client_id: Template = "${config.client_id}"
    client_secret: Template = "${credentials.client_secret}"  # noqa: S105 - a placeholder
    client_auth: Literal["body", "basic"] = "body"
    """Where the client's id and secret go on the token request."""
    refresh_before_seconds: Seconds = 60
    """Renew this long before the access token runs out."""


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


class ClientCredentials(_OAuth):
    """OAuth 2 client credentials."""

    kind: Literal["client_credentials"]
    params: dict[str, Template] = {}


class SessionLogin(_Method):
    """Log in with a request, carry the session afterwards, log in again when the vendor says 401."""

    kind: Literal["session"]
    login_path: Template
    login_body: TemplateTree
    encoding: Literal["json", "form", "json_rpc"] = "json"
    rpc_method: str = ""
    values: dict[str, Path]
    """Name → path in the log-in answer; kept encrypted and usable as `${credentials.<name>}`."""
    header: str = "Authorization"
    value: Template
    """The header's value; `base64:` in front of a part encodes the rest of the string after it."""
    lifetime_seconds: Seconds | None = None

    @model_validator(mode="after")
    def _rpc(self) -> "SessionLogin":
        if self.encoding == "json_rpc" and not self.rpc_method:
            raise ValueError("encoding json_rpc needs rpc_method")
        return self


class NoAuth(_Method):
    """The vendor wants no log-in (practice systems, public data)."""

    kind: Literal["none"]


AuthMethod = Annotated[
    ApiKey | Basic | Bearer | OAuth2Code | ClientCredentials | SessionLogin | NoAuth, Field(discriminator="kind")
]
