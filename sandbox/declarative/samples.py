"""Invents valid records: what a field is called and which type it has decides its value."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Record
from sandbox.declarative.language import FieldSpec
from sandbox.declarative.templates import get, put

if TYPE_CHECKING:
    from sandbox.declarative.records import Records

_WORDS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch", "Maple")


def sample(records: "Records", resource: str, values: Mapping[str, Any], *, depth: int = 0) -> Record:
    """Values for a new record: given ones, then the file's `sample`, then invented ones for what is required."""
    spec = records.spec(resource)
    given: Record = {}
    form = records.id_form(resource)
    if form.form == "given":
        put(given, form.field, f"x{secrets.token_hex(5)}")
    known = {**spec.sample, **values}
    for name, field in spec.fields.items():
        if get(known, name) is not None or field.read_only or field.const is not None or field.look_up:
            continue
        wanted = field.required or name in spec.unique or (field.type in ("text",) and not field.sequence)
        if not wanted or (field.default is not None and not field.required):
            continue
        value = invent(records, name, field, depth)
        if value is not None:
            put(given, name, value)
    for name, value in known.items():
        put(given, name, value)
    return given


def invent(records: "Records", name: str, field: FieldSpec, depth: int = 0) -> Any:
    now = records.now
    match field.type:
        case "text":
            return _text(name.rpartition(".")[2].lower(), field.maximum or 60)
        case "integer":
            return secrets.randbelow(900) + 100
        case "decimal":
            return secrets.randbelow(90_000) / 100 + 1
        case "decimal_text":
            return f"{secrets.randbelow(90_000) / 100 + 1:.2f}"
        case "boolean":
            return True
        case "date":
            return moments.written(now - timedelta(days=secrets.randbelow(20)), field.moment or "date")
        case "datetime":
            return moments.written(now, field.moment or records.file.defaults.moment)
        case "enum":
            return field.values[0]
        case "ref":
            return _reference(records, field, depth)
        case "uuid":
            return str(uuid.uuid4())
        case "list":
            return [invent(records, name, field.item, depth + 1)] if field.item is not None else []
        case "object":
            return {
                key: invent(records, key, inner, depth + 1)
                for key, inner in field.fields.items()
                if inner.required or inner.type == "text"
            }
    return None


def _reference(records: "Records", field: FieldSpec, depth: int) -> Any:
    """A record that is there already, or a new one."""
    there = records.all(field.to)
    if there:
        found = there[-1]
    elif depth > 4:
        return None
    else:
        found = records.create(field.to, sample(records, field.to, {}, depth=depth + 1))
    value = get(found, field.by) if field.by else records.id_of(field.to, found)
    return {field.id_key: value} if field.form == "object" else value


def _text(name: str, longest: int) -> str:
    tail = secrets.token_hex(3)
    word = secrets.choice(_WORDS)
    if "email" in name or name.endswith("mail"):
        return f"{word}.{tail}@example.com".lower()
    if "currency" in name:
        return "EUR"
    if "country" in name:
        return "DE"
    if "url" in name or "website" in name or "domain" in name:
        return f"https://{word}-{tail}.example".lower()
    if "phone" in name:
        return "+49 30 5550100"
    if "colo" in name:
        return "#0f766e"
    if "number" in name or "code" in name:
        return f"{word[:3]}-{tail}".upper()[:longest]
    return f"{word} {tail}"[:longest]
