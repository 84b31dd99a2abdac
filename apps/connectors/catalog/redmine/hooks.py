"""What Redmine wants in bodies beyond a mapping's reach: a well-formed identifier, ids that differ by installation."""

import re
import unicodedata
from typing import Any

from apps.connectors.sdk import HookContext, Record

_LONGEST = 100


def complete(body: Record, context: HookContext) -> Record:
    if context.object_name == "projects" and context.operation == "create":
        return {**body, "identifier": identifier(str(body.get("identifier") or body.get("name") or ""))}
    if context.object_name == "projects":
        # Redmine ignores a changed identifier without a word.
        return {name: value for name, value in body.items() if name != "identifier"}
    if context.object_name == "memberships" and not body.get("role_ids"):
        return {**body, "role_ids": [_number(context.config.get("role_id"))]}
    if context.object_name == "issues" and context.operation == "create" and not body.get("tracker_id"):
        return {**body, "tracker_id": _number(context.config.get("tracker_id"))}
    return body


def identifier(text: str) -> str:
    """Lower-case letters, digits, dashes and underscores, beginning with a letter."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")
    return (slug if slug[:1].isalpha() else f"p-{slug}")[:_LONGEST].strip("-")


def _number(value: Any) -> int:
    return int(value or 0)
