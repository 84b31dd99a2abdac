"""What was billed of a record so far, read off its billings in the shape the pure rules take.

A released billing (its invoice was voided) does not count, but keeps its number: the next billing takes the one after the
highest. Numbers and what counts are read together, so that who plans from an old state takes a number that is gone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q

from apps.canonical.models import Billing, Contract, Expense, InvoiceStatus, Project, TimeEntry, WriteOff
from apps.core.statements import execute_beside
from apps.flows.rules.adjustments import BilledFact
from apps.flows.rules.expense_adjustments import BilledExpense

_ZERO = Decimal(0)
Worked = TimeEntry | Expense
Home = tuple[str, int]
"""Under which terms something is billed: ("contract", id), or ("project", id) for a project without one."""

IS_VOID = Q(status=InvoiceStatus.VOIDED) | Q(deleted_at__isnull=False)
"""Of an invoice: the ERP voided it, or has it no more."""
IS_ON_VOID = Q(line__invoice__status=InvoiceStatus.VOIDED) | Q(line__invoice__deleted_at__isnull=False)
"""Of a billing: its invoice is."""


def counting(field_name: str) -> Exists:
    """Whether a record (`time_entry`, `expense`) has a billing that counts."""
    return Exists(Billing.objects.filter(**{field_name: OuterRef("pk")}, released_at__isnull=True))


def written_off(field_name: str) -> Exists:
    """Whether a person wrote a record (`time_entry`, `expense`) off, and did not take that back."""
    return Exists(WriteOff.objects.filter(**{field_name: OuterRef("pk")}, undone_at__isnull=True))


def written_off_ids(records: Sequence[Worked]) -> set[int]:
    """Of records of one kind."""
    if not records:
        return set()
    name = "expense" if isinstance(records[0], Expense) else "time_entry"
    found = WriteOff.objects.filter(**{f"{name}__in": records}, undone_at__isnull=True)
    return set(found.values_list(f"{name}_id", flat=True))


def home_of(project: Project) -> Home:
    return ("contract", project.contract_id) if project.contract_id else ("project", project.pk)


@dataclass(slots=True)
class Billed:
    """The billings of one record, oldest first."""

    rows: list[Billing] = field(default_factory=list)

    @property
    def next_sequence(self) -> int:
        return self.rows[-1].sequence + 1 if self.rows else 0

    @property
    def standing(self) -> list[Billing]:
        return [row for row in self.rows if row.released_at is None]

    @property
    def is_undecided(self) -> bool:
        """Part of it stands on a voided invoice: a person is asked, or has decided that it stays unbilled."""
        return any(_is_void(row) for row in self.standing)

    def places(self) -> dict[Home | None, Project | Contract | None]:
        """Where it is billed at present, with the project or contract that says so."""
        found: dict[Home | None, Project | Contract | None] = {}
        for row in self.standing:
            where = _where(row)
            found.setdefault(_home(where), where)
        return found

    def at(self, home: Home | None) -> list[Billing]:
        return [row for row in self.standing if _home(_where(row)) in {home, None}]


def _is_void(row: Billing) -> bool:
    invoice = row.line.invoice
    return invoice.status == InvoiceStatus.VOIDED or invoice.deleted_at is not None


def _where(row: Billing) -> Project | Contract | None:
    return row.line.project or row.line.invoice.project or row.line.invoice.contract


def _home(where: Project | Contract | None) -> Home | None:
    if isinstance(where, Contract):
        return ("contract", where.pk)
    return home_of(where) if where is not None else None


def billed(records: Sequence[Worked]) -> dict[int, Billed]:
    """By record id; those of one kind."""
    found: dict[int, Billed] = defaultdict(Billed)
    if not records:
        return found
    name = "expense" if isinstance(records[0], Expense) else "time_entry"
    rows = (
        Billing.objects.filter(**{f"{name}__in": records})
        .prefetch_related("line__invoice__project", "line__invoice__contract", "line__project")
        .order_by("sequence")
    )
    for row in rows:
        found[getattr(row, f"{name}_id")].rows.append(row)
    return found


def note_seen(records: Sequence[Worked]) -> None:
    """Of records of one kind: as they are now they need no correction. Changed again they will be looked at again."""
    if not records:
        return
    name = "expense" if isinstance(records[0], Expense) else "time_entry"
    execute_beside(
        f"""
        update {Billing._meta.db_table} b set record_updated_at = r.at
          from unnest(%(ids)s::bigint[], %(moments)s::timestamptz[]) as r(id, at)
         where b.{name}_id = r.id and b.customer_id = %(customer)s and b.record_updated_at is distinct from r.at
        """,
        {
            "ids": [record.pk for record in records],
            "moments": [record.updated_at for record in records],
            "customer": records[0].customer_id,
        },
    )


def time_facts(entries: Sequence[TimeEntry], home: Home, known: Mapping[int, Billed]) -> list[BilledFact]:
    """What the invoices that count say about entries billed under these terms."""
    facts: list[BilledFact] = []
    for entry in entries:
        of_entry = known[entry.pk]
        rows = of_entry.at(home)
        if not rows or of_entry.is_undecided:
            continue
        facts.append(
            BilledFact(
                entry_id=str(entry.pk),
                date=entry.work_date,
                worked_hours=_worked(of_entry.rows, rows),
                hours=_sum(rows, "hours"),
                rate=rows[-1].rate or rows[0].rate,
                amount=_sum(rows, "amount"),
                unbilled_amount=_sum(rows, "unbilled_amount"),
                is_partial=_is_partial(of_entry.rows, rows),
                **_place(of_entry, rows, entry),
            )
        )
    return facts


def expense_facts(expenses: Sequence[Expense], home: Home, known: Mapping[int, Billed]) -> list[BilledExpense]:
    facts: list[BilledExpense] = []
    for expense in expenses:
        of_expense = known[expense.pk]
        rows = of_expense.at(home)
        if not rows or of_expense.is_undecided:
            continue
        facts.append(
            BilledExpense(
                expense_id=str(expense.pk),
                date=expense.spent_date,
                amount=_sum(rows, "amount"),
                is_partial=_is_partial(of_expense.rows, rows),
                **_place(of_expense, rows, expense),
            )
        )
    return facts


def _place(of_record: Billed, rows: list[Billing], record: Worked) -> dict[str, Any]:
    """Where it counts now. After a move within one contract that is the project moved to, not the first one."""
    by_project: dict[int, Decimal] = defaultdict(lambda: _ZERO)
    for row in rows:
        by_project[row.line.project_id or row.line.invoice.project_id or record.project_id or 0] += row.amount
    holding = [project_id for project_id, amount in by_project.items() if amount] or list(by_project)
    invoice = rows[0].line.invoice
    return {
        "project_id": str(holding[-1] or ""),
        "invoice_ref": invoice.number or invoice.reference,
        "sequence": of_record.next_sequence - 1,
    }


def _worked(all_rows: list[Billing], counted: list[Billing]) -> Decimal:
    """The hours worked that the counted billings stand for: an adjustment brought them from what they were before it to
    what they were then, any other billing began at nothing."""
    total = before = _ZERO
    keys = {row.pk for row in counted}
    for row in all_rows:
        if row.pk in keys:
            total += row.worked_hours - (before if row.is_adjustment else _ZERO)
        before = row.worked_hours
    return total


def _is_partial(all_rows: list[Billing], counted: list[Billing]) -> bool:
    """Whether a part of what stands together was voided: the billing that was adjusted, or an adjustment of it."""
    whole = [row.sequence for row in counted if not row.is_adjustment]
    return not whole or any(row.released_at is not None and row.sequence > whole[-1] for row in all_rows)


def _sum(rows: list[Billing], name: str) -> Decimal:
    return sum((getattr(row, name) for row in rows), _ZERO)
