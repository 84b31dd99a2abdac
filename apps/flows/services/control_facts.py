"""What the control totals are worked out from, read set-based: two statements for all, a handful for each few thousand pieces of
work."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import connection as database

from apps.canonical.models import Expense, TimeEntry
from apps.connectors.models import Connection
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.models import Flow
from apps.flows.rules.control_totals import (
    BillingFact,
    DocumentFact,
    InvoiceFact,
    LineFact,
    UntiedPayment,
    WorkFact,
)
from apps.flows.rules.terms import TimeFact
from apps.flows.services import billable
from apps.flows.services.valuing import Values
from apps.mappings.selectors import specs
from apps.syncs.models import Sync

_ZERO = Decimal(0)
_CHUNK = 20_000
_VOID = "(i.status = 'voided' or i.deleted_at is not null)"


def _rows(statement: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield from cursor.fetchall()


def work_facts(flow: Flow) -> Iterator[WorkFact]:
    """Time since the flow's start and whatever was billed, and the expenses where the flow bills them."""
    yield from _facts_of(flow, TimeEntry)
    if TimeToInvoiceSettings.model_validate(flow.settings).include_expenses:
        yield from _facts_of(flow, Expense)


def _facts_of(flow: Flow, model: type[Any]) -> Iterator[WorkFact]:
    """A few thousand records at a time: years of work are never in memory together."""
    ids = _work_ids(flow, model)
    values = Values(flow)
    # Once for all: a part of them costs Postgres as much as the whole.
    unbilled = set(billable.unbilled(flow, model).values_list("pk", flat=True))
    changed = set(billable.changed_since_billed(flow, model))
    for start in range(0, len(ids), _CHUNK):
        yield from _facts_among(flow, model, ids[start : start + _CHUNK], values, unbilled, changed)


def _facts_among(
    flow: Flow, model: type[Any], ids: list[int], values: Values, unbilled: set[int], changed: set[int]
) -> Iterator[WorkFact]:
    is_time = model is TimeEntry
    kind = "time_entry" if is_time else "expense"
    billings = _billings(flow, kind, ids)
    off = _written_off(flow, kind, ids)
    rows = list(_work_rows(flow, model, ids))
    values.add(row[1] for row in rows if row[1])
    for (
        pk, project_id, day, quantity, is_live, is_billable, is_approved, project_is_billable, own_currency,
        updated_at, person_id, role, task, vendor_rate,
    ) in rows:  # fmt: skip
        known, moved_at = billings.get(pk, ((), None))
        currency = values.currency(project_id)
        rate = None
        if is_time and pk in unbilled:
            fact = TimeFact(
                id=str(pk), date=day, hours=quantity, person_id=str(person_id or ""), role=role or "", task=task,
                project_id=str(project_id or ""), vendor_rate=vendor_rate, currency=own_currency or currency,
            )  # fmt: skip
            rate = values.rate(project_id, fact)
        is_known_to_differ = not is_live or not is_billable or is_approved
        yield WorkFact(
            kind=kind,
            id=pk,
            project_id=project_id or 0,
            day=day,
            currency=currency if is_time else own_currency or currency,
            changed_at=max(updated_at, moved_at) if moved_at else updated_at,
            is_approved=is_live and is_billable and is_approved and (bool(known) or project_is_billable is not False),
            hours=quantity if is_time else _ZERO,
            amount=_ZERO if is_time else quantity,
            rate=rate,
            is_claimed=pk in unbilled or (pk in changed and is_known_to_differ),
            billings=known,
            written_off=off.get(pk),
        )


def _work_ids(flow: Flow, model: type[Any]) -> list[int]:
    """Of work since the flow's start, and of whatever was billed."""
    day, field = ("work_date", "time_entry_id") if model is TimeEntry else ("spent_date", "expense_id")
    rows = _rows(
        f"""
        select e.id from {model._meta.db_table} e
         where e.customer_id = %(customer)s
           and (e.{day} >= %(since)s or e.id in (select b.{field} from canonical_billing b where b.customer_id = %(customer)s))
         order by e.id
        """,
        customer=flow.customer_id,
        since=flow.starts_at.date(),
    )
    return [record_id for (record_id,) in rows]


def _work_rows(flow: Flow, model: type[Any], ids: list[int]) -> Iterator[tuple[Any, ...]]:
    is_time = model is TimeEntry
    day, quantity = ("work_date", "hours") if is_time else ("spent_date", "amount")
    own = "e.resource_id, r.role, e.task, e.billable_rate" if is_time else "null, null, null, null"
    person = "left join canonical_resource r on r.id = e.resource_id" if is_time else ""
    return _rows(
        f"""
        select e.id, e.project_id, e.{day}, e.{quantity}, e.deleted_at is null, e.is_billable,
               e.approval = 'approved' and not e.is_billed_at_source, p.is_billable, e.currency, e.updated_at, {own}
          from {model._meta.db_table} e left join canonical_project p on p.id = e.project_id {person}
         where e.customer_id = %(customer)s and e.id = any(%(ids)s)
         order by e.id
        """,
        customer=flow.customer_id,
        ids=ids,
    )


def _billings(flow: Flow, kind: str, ids: list[int]) -> dict[int, tuple[tuple[BillingFact, ...], Any]]:
    """Standing billings by record, with the hours each stands for, and when something about them last changed."""
    found: dict[int, list[BillingFact]] = defaultdict(list)
    moved: dict[int, Any] = {}
    before: dict[int, Decimal] = {}
    rows = _rows(
        f"""
        select b.{kind}_id, coalesce(l.project_id, i.project_id, 0), i.currency, b.worked_hours, b.is_adjustment, b.amount,
               b.unbilled_amount, b.rate, {_VOID}, b.released_at,
               greatest(b.created_at, b.released_at, case when {_VOID} then i.updated_at end)
          from canonical_billing b join canonical_invoiceline l on l.id = b.line_id join canonical_invoice i on i.id = l.invoice_id
         where b.customer_id = %(customer)s and b.{kind}_id = any(%(ids)s)
         order by b.{kind}_id, b.sequence
        """,
        customer=flow.customer_id,
        ids=ids,
    )
    for pk, project_id, currency, worked, is_adjustment, amount, beyond, rate, is_void, released_at, at in rows:
        hours = worked - (before.get(pk, _ZERO) if is_adjustment else _ZERO)
        before[pk] = worked
        moved[pk] = max(moved.get(pk, at), at)
        known = found[pk]
        if released_at is None:
            known.append(BillingFact(project_id, currency, hours, amount, beyond, rate, is_void))
    return {pk: (tuple(facts), moved[pk]) for pk, facts in found.items()}


def _written_off(flow: Flow, kind: str, ids: list[int]) -> dict[int, tuple[Decimal, Decimal]]:
    rows = _rows(
        f"select {kind}_id, hours, amount from canonical_writeoff "
        f"where customer_id = %(customer)s and {kind}_id = any(%(ids)s) and undone_at is null",
        customer=flow.customer_id,
        ids=ids,
    )
    return {pk: (hours, amount) for pk, hours, amount in rows}


def line_facts(flow: Flow) -> Iterator[LineFact]:
    """Lines of our valid invoices whose work does not come to the line's amount."""
    rows = _rows(
        f"""
        select l.id, coalesce(l.project_id, i.project_id, 0), coalesce(i.issue_date, i.created_at::date), i.currency,
               case i.kind when 'credit_note' then -l.amount else l.amount end as amount, coalesce(b.amount, 0), coalesce(b.number, 0),
               greatest(i.updated_at, l.updated_at)
          from canonical_invoice i join canonical_invoiceline l on l.invoice_id = i.id
          left join (select line_id, sum(amount) as amount, count(*) as number from canonical_billing
                      where customer_id = %(customer)s and released_at is null group by line_id) b on b.line_id = l.id
         where i.customer_id = %(customer)s and i.is_produced_here and not {_VOID}
           and case i.kind when 'credit_note' then -l.amount else l.amount end <> coalesce(b.amount, 0)
         order by l.id
        """,
        customer=flow.customer_id,
    )
    return (LineFact(*row) for row in rows)


def document_facts(flow: Flow) -> Iterator[DocumentFact]:
    """Invoices and credits whose delivery is done. What the ledger has is as it was last read there."""
    twins = _twins(flow)
    rows = _rows(
        f"""
        select i.id, coalesce(i.project_id, 0), coalesce(i.issue_date, d.finished_at::date), i.currency,
               case i.kind when 'credit_note' then -coalesce(l.amount, 0) else coalesce(l.amount, 0) end,
               case i.kind when 'credit_note' then -abs(i.total_amount) else i.total_amount end,
               d.finished_at, greatest(i.updated_at, d.finished_at), s.seen_at, r.started_at, {_VOID}
          from syncs_delivery d join canonical_invoice i on i.id = d.record_id
          left join syncs_sighting s on s.delivery_id = d.id
          left join (select invoice_id, sum(amount + coalesce(tax_amount, 0)) as amount from canonical_invoiceline
                      where customer_id = %(customer)s group by invoice_id) l on l.invoice_id = i.id
          left join (select y.connection_id, y.object_name, max(n.started_at) as started_at
                       from syncs_syncrun n join syncs_sync y on y.id = n.sync_id
                      where n.customer_id = %(customer)s and n.status = 'succeeded' and n.cursor_from = ''
                      group by y.connection_id, y.object_name) r
                 on r.connection_id = d.connection_id and r.object_name = d.object_name
         where d.customer_id = %(customer)s and d.entity = 'invoice' and d.operation = 'create' and d.status = 'done'
         order by i.id
        """,
        customer=flow.customer_id,
    )
    return (replace(DocumentFact(*row), twins=twins.get(row[0], ())) for row in rows)


def _twins(flow: Flow) -> dict[int, tuple[int, ...]]:
    rows = _rows(
        """
        select ours.id, array_agg(i.id order by i.id)
          from canonical_invoice ours join canonical_invoice i on i.customer_id = ours.customer_id and i.reference = ours.reference
         where ours.customer_id = %(customer)s and ours.is_produced_here and ours.reference <> ''
           and not i.is_produced_here and i.status <> 'voided' and i.deleted_at is null
         group by ours.id
        """,
        customer=flow.customer_id,
    )
    return {pk: tuple(others) for pk, others in rows}


def _compared(flow: Flow) -> list[int]:
    """Connections whose payments were read, and name the one invoice each pays."""
    found = []
    for connection in Connection.objects.filter(customer_id=flow.customer_id):
        ledger = connection.manifest.ledger
        objects = [spec.object for spec in specs(connection, "in") if spec.entity == "payment"]
        if ledger is None or not ledger.payment_names_one_invoice or not objects:
            continue
        read = Sync.objects.filter(connection=connection, object_name__in=objects, latest_success_at__isnull=False)
        if read.exists():
            found.append(connection.pk)
    return found


def invoice_facts(flow: Flow) -> Iterator[InvoiceFact]:
    """Posted and paid invoices, ours or not, with their payments where those can be compared."""
    rows = _rows(
        """
        select i.id, coalesce(i.project_id, 0), coalesce(i.issue_date, i.created_at::date), i.currency,
               case i.kind when 'credit_note' then -abs(i.total_amount) else i.total_amount end,
               case i.kind when 'credit_note' then -abs(i.paid_amount) else i.paid_amount end,
               i.status = 'paid', greatest(i.updated_at, p.updated_at),
               case when i.kind = 'invoice' and exists (select 1 from canonical_externalref x where x.entity = 'invoice'
                                  and x.record_id = i.id and x.connection_id = any(%(compared)s)) then coalesce(p.amount, 0) end
          from canonical_invoice i
          left join (select invoice_id, sum(amount) as amount, max(updated_at) as updated_at from canonical_payment
                      where customer_id = %(customer)s and deleted_at is null group by invoice_id) p on p.invoice_id = i.id
         where i.customer_id = %(customer)s and i.status in ('posted', 'paid') and i.deleted_at is null
         order by i.id
        """,
        customer=flow.customer_id,
        compared=_compared(flow),
    )
    return (InvoiceFact(*row) for row in rows)


def untied_payments(flow: Flow) -> Iterator[UntiedPayment]:
    rows = _rows(
        """
        select p.id, p.paid_date, coalesce(nullif(p.currency, ''), i.currency, %(currency)s), p.amount,
               greatest(p.updated_at, i.updated_at)
          from canonical_payment p left join canonical_invoice i on i.id = p.invoice_id
         where p.customer_id = %(customer)s and p.deleted_at is null
           and (i.id is null or i.status not in ('posted', 'paid') or i.deleted_at is not null)
           and exists (select 1 from canonical_externalref x where x.entity = 'payment'
                          and x.record_id = p.id and x.connection_id = any(%(compared)s))
         order by p.id
        """,
        customer=flow.customer_id,
        currency=flow.customer.currency,
        compared=_compared(flow),
    )
    return (UntiedPayment(*row) for row in rows)
