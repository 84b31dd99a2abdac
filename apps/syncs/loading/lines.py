"""Lines of a document that a flow made are known already, though nobody told us their ids: they are not read a second time."""

from typing import TYPE_CHECKING

from apps.canonical.registry import Entity, entity

if TYPE_CHECKING:
    from apps.syncs.loading.page import Incoming

# A line → the document it stands on.
_DOCUMENTS = {
    "invoice_line": "invoice",
    "purchase_order_line": "purchase_order",
    "bill_line": "bill",
    "journal_line": "journal_entry",
}


def of_others(known: Entity, new: "list[Incoming]") -> "list[Incoming]":
    """Those of the new lines that stand on documents made elsewhere; the rest is marked as skipped."""
    document = _DOCUMENTS.get(known.name)
    if document is None or not new:
        return new
    ids = {(item.values or {}).get(document) for item in new}
    ours = set(
        entity(document).model.objects.filter(pk__in=ids - {None}, is_produced_here=True).values_list("pk", flat=True)
    )
    for item in new:
        if (item.values or {}).get(document) in ours:
            item.status = "skipped"
    return [item for item in new if item.status != "skipped"]
