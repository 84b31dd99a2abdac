"""Writing approved work off: a person decides that it is never invoiced, says why, and may take it back.

Under the flow's billing lock: who is billing at that moment either billed it before, and the write-off is refused, or finds it
written off.
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.canonical.models import Approval, Billing, Expense, TimeEntry, WriteOff
from apps.core.errors import PermanentError
from apps.core.work import wake
from apps.core.work.kinds import CONTROL, REACT
from apps.flows.models import Flow
from apps.flows.services.billed import IS_ON_VOID
from apps.flows.services.locks import lock_billing
from apps.flows.services.valuing import Values

_ZERO = Decimal(0)


class NotUnbilledError(PermanentError):
    code = "not_unbilled"


@transaction.atomic
def write_off(record: TimeEntry | Expense, *, actor: User | None, reason: str, now: datetime) -> WriteOff:
    """Never invoice this approved work. Asked twice it is the same as once. Its billings on voided invoices are released.
    Raises NotUnbilledError when it is not approved, or stands on an invoice that is valid."""
    flow = _flow_of(record)
    lock_billing(flow.pk)
    row = type(record).objects.get(pk=record.pk)
    field = "expense" if isinstance(row, Expense) else "time_entry"
    known = WriteOff.objects.filter(**{field: row}, undone_at__isnull=True).first()
    if known is not None:
        return known
    if row.approval != Approval.APPROVED or row.deleted_at is not None:
        raise NotUnbilledError(f"{_named(row)} is not approved; only approved work is written off")
    standing = Billing.objects.filter(**{field: row}, released_at__isnull=True)
    invoice = standing.exclude(IS_ON_VOID).values_list("line__invoice__reference", flat=True).first()
    if invoice is not None:
        raise NotUnbilledError(f"{_named(row)} is on invoice {invoice}; credit or void that invoice in the ERP first")
    standing.update(released_at=Now())
    values = Values(flow)
    made = WriteOff.objects.create(
        customer_id=row.customer_id,
        **{field: row},
        hours=row.hours if isinstance(row, TimeEntry) else _ZERO,
        amount=values.of(row) or _ZERO,
        currency=values.currency_of(row),
        reason=reason,
        made_by=actor,
        made_at=now,
    )
    wake(REACT, row.customer_id)
    wake(CONTROL, row.customer_id)
    return made


@transaction.atomic
def undo_write_off(made: WriteOff, *, actor: User | None, reason: str, now: datetime) -> None:
    """The work is unbilled again and comes with the next draft. What was undone already stays as it is."""
    lock_billing(_flow_of(made).pk)
    row = WriteOff.objects.select_for_update(of=("self",)).get(pk=made.pk)
    if row.undone_at is not None:
        return
    row.undone_at, row.undone_by, row.undone_reason = now, actor, reason
    row.save(update_fields=["undone_at", "undone_by", "undone_reason"])
    wake(REACT, row.customer_id)
    wake(CONTROL, row.customer_id)


def _flow_of(row: TimeEntry | Expense | WriteOff) -> Flow:
    flow = Flow.objects.filter(customer_id=row.customer_id, blueprint=Flow.Blueprint.TIME_TO_INVOICE).first()
    if flow is None:
        raise NotUnbilledError(f"{row.customer} has no flow that invoices work; there is nothing to write off")
    return flow


def _named(row: TimeEntry | Expense) -> str:
    return f"{'Expense' if isinstance(row, Expense) else 'Time entry'} {row.pk} ({row})"
