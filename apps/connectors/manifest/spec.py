"""The manifest as a whole, and the checks that need more than one section."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from apps.connectors.manifest.about import About, FormField
from apps.connectors.manifest.auth import AuthMethod, ClientCredentials, JwtBearer, OAuth2Code, SessionLogin
from apps.connectors.manifest.base import Section, Slug, placeholders
from apps.connectors.manifest.client import ClientSpec
from apps.connectors.manifest.ledger import Ledger
from apps.connectors.manifest.objects import ObjectSpec, WriteSpec
from apps.connectors.manifest.paging import NoPaging, Paginator
from apps.connectors.manifest.webhooks import Webhooks

HookPoint = Literal["record", "request_body", "answer", "verification"]
"""record: after reading one record; request_body: before a write is sent; answer: on a write's answer; verification."""
# Kept in the credentials by the engine itself, so a template may name them without a form field.
TOKEN_NAMES = {"access_token", "refresh_token", "session", "expires_at"}
ENGINE_CONFIG = {"base_url", "auth_method", "webhooks"}


class Defaults(Section):
    """Said once for all objects."""

    paginator: Paginator = NoPaging(kind="none")


class Manifest(Section):
    """Everything about a connector that is data."""

    connector: About
    auth: list[AuthMethod] = Field(min_length=1)
    fields: list[FormField] = []
    client: ClientSpec
    defaults: Defaults = Defaults()
    objects: dict[Slug, ObjectSpec] = {}
    webhooks: Webhooks | None = None
    ledger: Ledger | None = None
    mappings: list[dict[str, Any]] = []
    """Default mappings in both directions; their language is that of apps.mappings and is checked there."""
    hooks: dict[HookPoint, str] = {}

    _home: Path | None = PrivateAttr(default=None)

    @property
    def home(self) -> Path | None:
        """The folder it was read from; none when it was made in memory."""
        return self._home

    def found_in(self, home: Path) -> "Manifest":
        """Remember the folder, where hooks and fixtures lie."""
        self._home = home
        return self

    @property
    def slug(self) -> str:
        return self.connector.slug

    def method(self, name: str = "") -> AuthMethod:
        """The named way to log in, or the first."""
        for method in self.auth:
            if method.name == name:
                return method
        return self.auth[0]

    def object(self, name: str) -> ObjectSpec:
        """The named object; an unknown name lists the known ones."""
        try:
            return self.objects[name]
        except KeyError:
            raise KeyError(f"connector {self.slug} has no object {name!r}; it has: {', '.join(self.objects)}")

    def same(self, object_name: str) -> frozenset[str]:
        """The names under which the vendor's records of this object come, this one included (`same_as`)."""
        first = self.object(object_name).same_as or object_name
        return frozenset(name for name, spec in self.objects.items() if first in (name, spec.same_as))

    def read_path(self, object_name: str, *, is_full: bool) -> str:
        """The path a page of the object is read from, as the manifest writes it."""
        read = self.object(object_name).read
        if read is None:
            return ""
        return (read.full_request if is_full and read.full_request else read.request).path

    def paginator(self, object_name: str, *, is_full: bool) -> Paginator:
        """How the object's list is cut into pages."""
        read = self.object(object_name).read
        usual = (read.paginator if read else None) or self.defaults.paginator
        return (read.full_paginator or usual) if read and is_full and read.full_request else usual

    def find_path(self, object_name: str) -> str:
        """The path by which a record of the object is looked for first."""
        read = self.object(object_name).read
        return next((lookup.request.path for lookup in read.find.values()), "") if read else ""

    def write(self, object_name: str, operation: str) -> WriteSpec:
        """The named write operation; an unknown name lists the known ones."""
        operations = self.object(object_name).write
        if operation not in operations:
            known = ", ".join(operations) or "none"
            raise KeyError(f"connector {self.slug}, object {object_name}: no operation {operation!r}; it has: {known}")
        return operations[operation]

    @model_validator(mode="after")
    def _coherent(self) -> "Manifest":
        self._check_names()
        self._check_placeholders()
        self._check_webhooks()
        return self

    def _check_names(self) -> None:
        methods = [method.name for method in self.auth]
        for field in self.fields:
            if unknown := set(field.methods) - set(methods):
                raise ValueError(f"fields.{field.name}.methods: unknown {sorted(unknown)}; allowed: {methods}")
        for name, spec in self.objects.items():
            if spec.read and spec.read.for_each and spec.read.for_each.object not in self.objects:
                raise ValueError(f"objects.{name}.read.for_each.object: unknown {spec.read.for_each.object!r}")
            if spec.same_as:
                self._check_same(name, spec.same_as)
            if not spec.read and not spec.write:
                raise ValueError(f"objects.{name}: neither read nor write; one of them is needed")
            if spec.read and self.client.kind == "http" and "request" not in spec.read.model_fields_set:
                raise ValueError(f"objects.{name}.read.request: an HTTP API needs it")
        if not self.objects and self.client.kind != "warehouse":
            raise ValueError("objects: at least one is needed")

    def _check_same(self, name: str, other: str) -> None:
        where = f"objects.{name}.same_as"
        if other not in self.objects or other == name:
            raise ValueError(
                f"{where}: found {other!r}; allowed: another of {[one for one in self.objects if one != name]}"
            )
        if self.objects[other].same_as:
            raise ValueError(f"{where}: {other} is itself the same as {self.objects[other].same_as}; name that one")
        if self.objects[other].primary_key != self.objects[name].primary_key:
            raise ValueError(f"{where}: {name} and {other} have different primary keys, so their ids are not the same")

    def _check_placeholders(self) -> None:
        secret = {field.name for field in self.fields if field.secret} | TOKEN_NAMES
        plain = {field.name for field in self.fields if not field.secret} | ENGINE_CONFIG
        plain |= {name for item in self.client.variables for name in (item.name, *item.also)}
        for method in self.auth:
            if isinstance(method, SessionLogin):
                secret |= set(method.names)
            elif isinstance(method, OAuth2Code | ClientCredentials | JwtBearer):
                secret |= set(method.keep)
            if isinstance(method, OAuth2Code):
                plain |= set(method.callback)
        whole = self.model_dump(exclude={"mappings"})
        for dumped in whole["auth"]:
            if dumped.get("client_auth") in ("assertion", "none"):  # their defaults name fields nobody needs then
                unused = {"client_secret"} if dumped["kind"] == "oauth2_code" else {"client_id", "client_secret"}
                dumped.update(dict.fromkeys(unused))
        for name in placeholders(whole):
            space, _, key = name.partition(".")
            if space == "credentials" and key not in secret:
                raise ValueError(f"${{{name}}}: no secret field {key!r} in `fields`; there are: {sorted(secret)}")
            if space == "config" and key not in plain:
                raise ValueError(f"${{{name}}}: no such field {key!r} in `fields`; there are: {sorted(plain)}")

    def _check_webhooks(self) -> None:
        if self.webhooks is None:
            return
        for value, name in self.webhooks.events.objects.items():
            if name not in self.objects:
                raise ValueError(
                    f"webhooks.events.objects.{value}: no object {name!r}; there are: {list(self.objects)}"
                )
