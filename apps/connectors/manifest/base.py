"""Ground rules for every manifest section: frozen, no unknown keys, only known `${…}` names."""

import re
from typing import Annotated, Any

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
# One closed list: what a template may name. Logic beyond it belongs in hooks.py.
TEMPLATE_NAMES = {
    "cursor": "where the last run got to, in the vendor's own format",
    "external_id": "the vendor's id of the record meant",
    "value": "the value looked for (find)",
    "body": "the whole body the mapping produced (writes); alone in its string it stays a structure",
    "idempotency_key": "the delivery's key",
    "idempotency_uuid": "the same key as a UUID, for vendors that let the caller choose a new record's id",
    "marker": "the short mark written into the record so that it can be recognised again",
    "natural_key": "the value of the record's natural key (probe)",
    "ids": "the ids of the page's records (attach); alone in its string it stays a list",
    "items": "the writes of a batch; alone in its string it stays a list",
    "today": "today's date in UTC",
    "year_ago": "the day 365 days before today, for vendors whose reports span at most a year",
}
TEMPLATE_SPACES = {
    "credentials": "a secret of the connection",
    "config": "a setting of the connection",
    "body": "one field of the body (writes)",
    "parent": "one field of the parent record (child objects)",
    "record": "one field of the record that something is fetched for (attach with `each`)",
    "variables": "a value the caller passed in",
    "subscription": "webhooks: url (our address), secret, item, and id once the vendor gave one",
    "page": "what paging asks for: number, offset, size, token or last (`where: in_request`)",
}
PLAIN_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
"""Most paths are names with dots between them; the rest is left to JMESPath."""
_SPACED = re.compile(r"^([a-z]+)\.([A-Za-z_][A-Za-z0-9_]*)$")


class Section(BaseModel):
    """Parent of every part of a manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def placeholders(value: Any) -> list[str]:
    """Every `${…}` name inside a nested structure of strings, lists and dicts."""
    if isinstance(value, str):
        return PLACEHOLDER.findall(value) if "${" in value else []
    if isinstance(value, dict):
        return [name for key, item in value.items() for name in (*placeholders(key), *placeholders(item))]
    if isinstance(value, list | tuple):
        return [name for item in value for name in placeholders(item)]
    return []


def check_template(value: Any) -> Any:
    """Refuse a `${…}` that is not in the closed list."""
    for name in placeholders(value):
        spaced = _SPACED.match(name)
        if name in TEMPLATE_NAMES or (spaced and spaced.group(1) in TEMPLATE_SPACES):
            continue
        allowed = [*TEMPLATE_NAMES, *(f"{space}.<name>" for space in TEMPLATE_SPACES)]
        raise ValueError(f"unknown placeholder ${{{name}}}; allowed: {', '.join(allowed)}; anything else is a hook")
    return value


def check_path(value: str) -> str:
    """Refuse a record path that is not valid JMESPath."""
    if value and not PLAIN_PATH.fullmatch(value):
        try:
            jmespath.compile(value)
        except JMESPathError as error:
            raise ValueError(f"not a valid path (JMESPath): {value!r}: {error}")
    return value


Template = Annotated[str, AfterValidator(check_template)]
TemplateTree = Annotated[Any, AfterValidator(check_template)]
Path = Annotated[str, AfterValidator(check_path)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Seconds = Annotated[int, Field(ge=0)]
