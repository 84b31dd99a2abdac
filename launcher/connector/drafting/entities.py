"""Which canonical entity an object may be, and mappings to it: proposals, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.canonical.registry import entity
from apps.mappings.shapes import quoted
from apps.mappings.suggesting import SourceField, Suggestion, TargetField, aliases_of, suggest
from apps.mappings.targets import targets_of
from launcher.connector.drafting.document import Document
from launcher.connector.drafting.guesses import Guess
from launcher.connector.drafting.naming import flat, singular
from launcher.connector.drafting.resources import Resource
from launcher.connector.drafting.schemas import properties_of, type_of

_NAMES = {
    "client": "client customer company organisation organization debtor business_partner",
    "contact": "contact person contact_person client_contact",
    "opportunity": "opportunity deal",
    "quote": "quote estimate proposal offer sales_quote quotation",
    "contract": "contract agreement engagement_letter",
    "project": "project job engagement matter",
    "milestone": "milestone phase",
    "resource": "resource user employee member staff worker consultant team_member people person_profile",
    "assignment": "assignment allocation booking project_member membership user_assignment project_assignment",
    "time_entry": "time_entry timeentry worklog timesheet_entry time_log time_record timesheet_line work_log hour",
    "expense": "expense expense_entry expense_item",
    "ticket": "ticket case conversation service_ticket support_ticket",
    "tax_rate": "tax_rate tax tax_code vat_rate tax_group",
    "ledger_account": "ledger_account gl_account nominal_code chart_of_account",
    "invoice": "invoice sales_invoice",
    "payment": "payment customer_payment invoice_payment",
}
_BY_NAME = {name: entity_name for entity_name, names in _NAMES.items() for name in names.split()}
# Where a category says what an ambiguous name means.
_BY_CATEGORY = {
    ("erp", "contact"): "client",
    ("billing", "contact"): "client",
    ("erp", "account"): "ledger_account",
    ("crm", "account"): "client",
    ("hr", "person"): "resource",
    ("resources", "person"): "resource",
    ("time_and_expense", "person"): "resource",
    ("projects", "person"): "resource",
}
_KINDS = {
    "string": "text",
    "integer": "integer",
    "number": "decimal",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}

_WORTH_PROPOSING = 0.7


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a proposed mapping."""

    value: dict[str, Any]
    reason: str
    gap: str = ""
    """What a person has to complete in it."""


def entity_for(name: str, category: str) -> Guess:
    """The entity an object of this name usually becomes; no value when none comes to mind."""
    one = singular(name)
    for known, why in ((_BY_CATEGORY.get((category, one)), f" in {category}"), (_BY_NAME.get(one), "")):
        if known:
            if known == one:
                return Guess(known, "it bears the name of ours")
            return Guess(known, f"{one.replace('_', ' ')}{why} is what we call {known.replace('_', ' ')}")
    return Guess("")


def source_fields(document: Document, schema: Any, *, prefix: str = "", depth: int = 0) -> list[SourceField]:
    """The fields of a record, those of the objects inside it too."""
    found: list[SourceField] = []
    for name, value in properties_of(document, schema).items():
        path = f"{prefix}{quoted(name)}"
        kind = type_of(document, value.schema)
        if kind == "object" and depth < 1:
            found += source_fields(document, value.schema, prefix=f"{path}.", depth=depth + 1)
            continue
        form = {"date": "date", "date-time": "datetime"}.get(str(value.schema.get("format")), "")
        found.append(SourceField(path, form or _KINDS.get(kind, ""), str(value.schema.get("title") or "")))
    return found


def inbound(document: Document, resource: Resource, entity_name: str, entities: dict[str, str]) -> list[Line]:
    """Proposed fields of a mapping in; `entities`: entity → the object of this draft that carries it."""
    known = entity(entity_name)
    sources = source_fields(document, resource.item)
    paths = {item.path for item in sources}
    lists = {item.path for item in sources if item.kind in ("list", "object")}
    chosen: dict[str, Suggestion] = {}
    used: set[str] = set()
    for found in sorted(suggest(targets_of(entity_name), sources), key=lambda item: -item.confidence):
        if found.confidence < _WORTH_PROPOSING:
            break
        if found.path in lists and known.kinds[found.to] != "json":
            continue
        if found.to not in chosen and found.path not in used:
            chosen[found.to] = found
            used.add(found.path)
    lines = []
    for target in known.kinds:
        if target not in chosen:
            continue
        found = chosen[target]
        value: dict[str, Any] = {"to": target, "from": found.path}
        if target == "name" and {"first_name", "last_name"} <= paths and found.path in ("first_name", "last_name"):
            value = {"to": target, "template": "{first_name} {last_name}"}
        if target in known.references:
            owner = entities.get(known.references[target])
            if owner is None:
                continue
            value["reference"] = {"object": owner}
        elif found.transform:
            value["transform"] = found.transform[0] if len(found.transform) == 1 else list(found.transform)
        if target in known.required:
            value["required"] = True
        lines.append(Line(value, _told(found)))
    return lines


def outbound(document: Document, body: Any, entity_name: str) -> list[Line]:
    """Proposed fields of a mapping out, for the body of a creation."""
    known = entity(entity_name)
    targets = [
        TargetField(item.path, item.kind or "text", owner=entity_name, aliases=aliases_of(""))
        for item in source_fields(document, body)
        if item.kind not in ("object", "list")
    ]
    sources = [SourceField(name, "" if kind == "reference" else kind) for name, kind in known.kinds.items()]
    required = {name for name, value in properties_of(document, body).items() if value.required}
    best: dict[str, Suggestion] = {}
    lines = [*_references_out(targets, known.references, required)]
    taken = {line.value["to"] for line in lines}
    targets = [target for target in targets if target.name not in taken]
    for found in sorted(suggest(targets, sources, most=1), key=lambda item: -item.confidence):
        if found.confidence < _WORTH_PROPOSING:
            break
        if found.path not in {item.path for item in best.values()}:
            best[found.to] = found
    for target in targets:
        if target.name not in best:
            continue
        found = best[target.name]
        if found.path in ("custom", *known.references):
            continue
        value: dict[str, Any] = {"to": target.name, "from": found.path}
        value.update(_sent(target.kind))
        value.update({"required": True} if target.name in required else {"omit_empty": True})
        lines.append(Line(value, _told(found)))
    missing = sorted(required - {str(line.value["to"]).split(".")[0] for line in lines})
    why = "the vendor insists on it, and no field of ours reads like it; a fixed value, or another field"
    return lines + [Line({"to": name, "value": ""}, "", gap=why) for name in missing]


def _told(found: Suggestion) -> str:
    """How sure the suggestion is, and why."""
    return f"{' '.join(found.reasons[:1]).rstrip('.')}, {found.percent} % sure"


def _references_out(targets: list[TargetField], references: dict[str, str], required: set[str]) -> list[Line]:
    """`client_id` wants the id that the other system has for our client."""
    lines = []
    for target in targets:
        leaf = flat(target.name)
        for name, owner in references.items():
            if leaf in {f"{flat(other)}id" for other in (name, *aliases_of(owner))}:
                value: dict[str, Any] = {"to": target.name, "from": name, "reference": {"entity": owner}}
                value.update({"transform": "integer"} if target.kind == "integer" else {})
                value.update({"required": True} if target.name in required else {"omit_empty": True})
                lines.append(Line(value, f"{target.name} is the id of the {name} it belongs to"))
                break
    return lines


def _sent(kind: str) -> dict[str, Any]:
    return {
        "decimal": {"transform": "json_number"},
        "integer": {"transform": "integer"},
        "date": {"transform": "format_date"},
    }.get(kind, {})
