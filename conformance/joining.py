"""`conformance.yaml` in a connector's folder: how this connector is joined to its practice vendor for the kit."""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apps.connectors.manifest.loader import folder

_WITHIN = re.compile(r"\$\{([a-z_.]+)\}")


class JoinError(ValueError):
    """The file is missing or says what it may not."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Connect(_Section):
    """A connection's settings; `$token`, `$client_id` … are the practice account's, `$base_url` the vendor's address."""

    method: str
    config: dict[str, Any] = {}
    credentials: dict[str, Any] = {}


class ObjectJoin(_Section):
    resource: str = ""
    """The practice vendor's resource; empty: found out by reading once."""
    make: dict[str, Any] = {}
    """Values for records the kit makes at the vendor."""
    prepare: dict[str, dict[str, Any]] = {}
    """Name → {resource, values}: records made before each, usable in `make` as `$made.<name>`."""
    touch: dict[str, Any] = {}
    """A change somebody makes there; empty: some text field."""
    skip: str = ""
    """Why records of this object cannot be made by the kit."""


class WriteJoin(_Section):
    """`<object>.<operation>`: a body as a mapping would make it, and one the vendor must refuse."""

    body: dict[str, Any]
    refused: dict[str, Any] | None = None
    prepare: dict[str, dict[str, Any]] = {}
    """Name → {resource, values}: records made before, usable in `body` as `$made.<name>`."""
    external_id: str = ""
    resource: str = ""


class ChangeJoin(_Section):
    """`<object>.<operation>`, a write that carries a version: what the kit changes, and what somebody else does."""

    body: dict[str, Any]
    """As a mapping would make it: fields of the record."""
    theirs: dict[str, Any] = {}
    """What somebody else makes of one of these fields at the same time; empty: other texts."""
    other: dict[str, Any]
    """A change of another field."""
    make: dict[str, Any] = {}
    """Values of the record that is changed."""
    resource: str = ""


class Join(_Section):
    connect: Connect
    renew: Connect | None = None
    """Another way to log in, for the checks of renewal; none: `connect`."""
    objects: dict[str, ObjectJoin] = {}
    writes: dict[str, WriteJoin] = {}
    changes: dict[str, ChangeJoin] = {}
    webhook_events: list[str] = []
    """Events subscribed to; none: all."""
    exempt: dict[str, str] = Field(default={}, description="check → why it cannot apply")


def join_for(slug: str) -> Join:
    path = folder(slug) / "conformance.yaml"
    if not path.is_file():
        raise JoinError(
            f"{path} is missing: it says how the connector logs in at the practice vendor and what it writes"
        )
    try:
        return Join.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise JoinError(f"{path}: {error}") from error


def has_join(slug: str) -> bool:
    return (folder(slug) / "conformance.yaml").is_file()


def filled(value: Any, known: dict[str, Any]) -> Any:
    """`$name` and `$made.client` replaced, at any depth; `${name}` within a text."""
    if isinstance(value, str) and value.startswith("$") and not value.startswith("${"):
        return _known(value, value[1:], known)
    if isinstance(value, str) and "${" in value:
        return _WITHIN.sub(lambda found: str(_known(value, found.group(1), known)), value)
    if isinstance(value, dict):
        return {name: filled(item, known) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    return value


def _known(value: str, path: str, known: dict[str, Any]) -> Any:
    found: Any = known
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            raise JoinError(f"conformance.yaml: there is no {value}; known: {', '.join(sorted(known))}")
        found = found[part]
    return found


def path_of(slug: str) -> Path:
    return folder(slug) / "conformance.json"
