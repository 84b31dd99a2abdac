"""Fills `${…}` in. No expressions: a name stands for a value, and nothing else is understood."""

import re
from typing import Any
from urllib.parse import quote

from apps.connectors.manifest.base import PLACEHOLDER
from apps.connectors.paths import text_of
from apps.core.errors import PermanentError

Scope = dict[str, Any]
# What may stand in a query outside a quotation: it can neither begin nor end anything.
_PLAIN = re.compile(r"[\w.:+-]*")


class TemplateError(PermanentError):
    """A value needed for a request is missing or cannot stand in a URL."""

    code = "request_incomplete"


def value_of(name: str, scope: Scope) -> Any:
    space, _, key = name.partition(".")
    value = scope.get(space)
    if not key:
        return value
    return value.get(key) if isinstance(value, dict) else None


def fill(template: Any, scope: Scope, quoting: str = "none") -> Any:
    """A structure with all placeholders filled in; one that stands alone in its string keeps its value's type."""
    if isinstance(template, str):
        whole = PLACEHOLDER.fullmatch(template)
        return value_of(whole.group(1), scope) if whole else fill_text(template, scope, quoting)
    if isinstance(template, dict):
        return {key: fill(value, scope, quoting) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, scope, quoting) for value in template]
    return template


def fill_text(template: str, scope: Scope, quoting: str = "none") -> str:
    """The text with every placeholder filled in, each written so that it cannot leave the quotation it stands in."""
    if quoting == "none" or PLACEHOLDER.fullmatch(template):
        return PLACEHOLDER.sub(lambda match: _written(value_of(match.group(1), scope)), template)
    pieces, open_quote, position = [], "", 0
    for match in PLACEHOLDER.finditer(template):
        literal = template[position : match.start()]
        open_quote = _quote_open_after(literal, open_quote)
        pieces += [literal, _escaped(text_of(value_of(match.group(1), scope)), open_quote, quoting, match.group())]
        position = match.end()
    return "".join([*pieces, template[position:]])


def _written(value: Any) -> str:
    """A list (of ids) stands in a text as its items with commas between."""
    return ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)


def fill_optional(template: str, scope: Scope, quoting: str = "none") -> str | None:
    """The text, or None when it consists of placeholders that are all empty: then the parameter is left out."""
    names = PLACEHOLDER.findall(template)
    if names and all(value_of(name, scope) in (None, "") for name in names):
        return None
    return fill_text(template, scope, quoting)


def _quote_open_after(literal: str, open_quote: str) -> str:
    for sign in literal:
        if sign in "\"'" and open_quote in ("", sign):
            open_quote = "" if open_quote else sign
    return open_quote


def _escaped(text: str, open_quote: str, quoting: str, name: str) -> str:
    if not open_quote:
        if not _PLAIN.fullmatch(text):
            raise TemplateError(f"{name} stands outside a quotation of a query and may not be {text[:60]!r}.")
        return text
    if quoting == "double":
        return text.replace(open_quote, open_quote * 2)
    return text.replace("\\", "\\\\").replace(open_quote, "\\" + open_quote)


def fill_path(template: str, scope: Scope) -> str:
    """A URL path; values are quoted, and one that is empty or climbs out of its place is refused."""

    def part(name: str) -> str:
        text = text_of(value_of(name, scope))
        if text in ("", ".", ".."):
            raise TemplateError(f"The address {template} needs a value for ${{{name}}}; found {text!r}.")
        return quote(text, safe="")

    return PLACEHOLDER.sub(lambda match: part(match.group(1)), template)
