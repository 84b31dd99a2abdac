"""A canonical record as a nested document: what outbound mappings read and previews show.

Every record in it carries `_entity` and `_id`, so that a mapping can name its counterpart in another system.
"""

from collections.abc import Iterable
from typing import Any

from django.db import models

from apps.canonical.models import (
    BillLine,
    Contact,
    InvoiceLine,
    JournalLine,
    PurchaseOrderLine,
    QuoteLine,
)
from apps.canonical.reading import by_ids
from apps.canonical.registry import entity, name_of, names
from apps.core.errors import PermanentError

Document = dict[str, Any]

# Entity → its lines: the model, the line's field that names it, and what a line brings along.
_LINES: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "invoice": (InvoiceLine, "invoice", ("project",)),
    "opportunity": (QuoteLine, "opportunity", ()),
    "quote": (QuoteLine, "quote", ()),
    "purchase_order": (PurchaseOrderLine, "purchase_order", ("project", "resource")),
    "bill": (BillLine, "bill", ("project", "resource", "purchase_order_line")),
    "journal_entry": (JournalLine, "journal_entry", ("ledger_account", "client", "project")),
}


class RecordGoneError(PermanentError):
    code = "not_found"


def document_of(entity_name: str, record_id: int) -> Document:
    """The record with its direct references, and its lines or contacts. Raises RecordGoneError."""
    found = documents_of(entity_name, [record_id])
    if not found:
        raise RecordGoneError(f"{entity(entity_name).verbose_name} {record_id} does not exist any more")
    return found[record_id]


def documents_of(entity_name: str, record_ids: Iterable[int]) -> dict[int, Document]:
    """The same for many, by id; without those that do not exist."""
    known = entity(entity_name)
    documents: dict[int, Document] = {}
    for record in by_ids(known.model, record_ids, *known.references):
        document = flat(record)
        for field in known.references:
            related = getattr(record, field)
            document[field] = flat(related) if related is not None else None
        document.update(_children(entity_name, record.pk))
        documents[record.pk] = document
    return documents


def flat(record: models.Model) -> Document:
    """The record's own columns; references as `<field>_id`."""
    name = name_of(type(record))
    values = {column.name: getattr(record, column.name) for column in entity(name).columns}
    return {**values, "_entity": name, "_id": record.pk}


def _children(entity_name: str, record_id: int) -> Document:
    if entity_name in _LINES:
        model, parent, references = _LINES[entity_name]
        lines = model.objects.filter(**{f"{parent}_id": record_id}).select_related(*references)
        return {"lines": [_line(line, references) for line in lines.order_by("position", "pk")]}
    if entity_name == "client":
        contacts = Contact.objects.live().filter(client_id=record_id).order_by("-is_billing", "pk")
        found = [flat(contact) for contact in contacts]
        return {"contacts": found, "contact": found[0] if found else None}
    return {}


def _line(line: models.Model, references: tuple[str, ...]) -> Document:
    related = {name: getattr(line, name) for name in references}
    return {**flat(line), **{name: flat(record) if record is not None else None for name, record in related.items()}}


def label_of(entity_name: str, record_id: int) -> str:
    """The record's name for people, or its entity and number when it is gone."""
    if entity_name not in names():
        return f"{entity_name} {record_id}"
    record = entity(entity_name).model.objects.filter(pk=record_id).first()
    return str(record) if record is not None else f"{entity_name} {record_id}"
