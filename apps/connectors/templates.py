"""Fills `${…}` in. No expressions: a name stands for a value, and nothing else is understood."""

from typing import Any
from urllib.parse import quote

from apps.connectors.manifest.base import PLACEHOLDER
from apps.connectors.paths import text_of
from apps.core.errors import PermanentError

Scope = dict[str, Any]


class TemplateError(PermanentError):
    """A value needed for a request is missing or cannot stand in a URL."""

    code = "request_incomplete"


def value_of(name: str, scope: Scope) -> Any:
    space, _, key = name.partition(".")
    value = scope.get(space)
    if not key:
        return value
    return value.get(key) if isinstance(value, dict) else None


def fill(template: Any, scope: Scope) -> Any:
    """A structure with all placeholders filled in; one that stands alone in its string keeps its value's type."""
    if isinstance(template, str):
        whole = PLACEHOLDER.fullmatch(template)
        return value_of(whole.group(1), scope) if whole else fill_text(template, scope)
    if isinstance(template, dict):
        return {key: fill(value, scope) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, scope) for value in template]
    return template


def fill_text(template: str, scope: Scope) -> str:
    return PLACEHOLDER.sub(lambda match: text_of(value_of(match.group(1), scope)), template)


def fill_optional(template: str, scope: Scope) -> str | None:
    """The text, or None when it consists of placeholders that are all empty: then the parameter is left out."""
    names = PLACEHOLDER.findall(template)
    if names and all(value_of(name, scope) in (None, "") for name in names):
        return None
    return fill_text(template, scope)


def fill_path(template: str, scope: Scope) -> str:
    """A URL path; values are quoted, and one that is empty or climbs out of its place is refused."""

    def part(name: str) -> str:
        text = text_of(value_of(name, scope))
        if text in ("", ".", ".."):
            raise TemplateError(f"The address {template} needs a value for ${{{name}}}; found {text!r}.")
        return quote(text, safe="")

    return PLACEHOLDER.sub(lambda match: part(match.group(1)), template)
