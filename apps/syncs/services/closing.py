"""Documents that would fall into a period the ledger closed: dated anew before they are rendered, or held."""

from collections.abc import Iterable
from datetime import datetime

from apps.canonical.closed_periods import place
from apps.canonical.models import Invoice
from apps.canonical.services import update_record
from apps.connectors.models import Connection
from apps.syncs.models import Delivery


def keep_out_of_closed(connection: Connection, rows: Iterable[Delivery], *, now: datetime) -> frozenset[int]:
    """Move the dates of invoices and credits about to be made, with history, by the connection's policy; the due date keeps its
    distance. Returns the ids of deliveries to be held. A body that a person wrote by hand goes as it is."""
    closed = connection.books_closed_through
    if closed is None:
        return frozenset()
    by_record = {
        row.record_id: row
        for row in rows
        if row.entity == "invoice" and row.operation == "create" and not row.payload_override
    }
    held: set[int] = set()
    for invoice in Invoice.objects.filter(pk__in=by_record, issue_date__lte=closed).order_by("pk"):
        row = by_record[invoice.pk]
        placed = place(invoice.issue_date, closed_through=closed, policy=connection.closed_period_policy)
        if placed.is_held:
            held.add(row.pk)
            continue
        values = {"issue_date": placed.day}
        if invoice.due_date is not None:
            values["due_date"] = invoice.due_date + (placed.day - invoice.issue_date)
        reason = f"{connection.name} is closed through {closed}"
        update_record(invoice, values=values, origin=row.origin, reason=reason, now=now)
    return frozenset(held)
