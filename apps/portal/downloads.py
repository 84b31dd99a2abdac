"""Tables as CSV. Built whole: a streamed answer would read the database after the request's walls are down."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.http import HttpResponse

from apps.portal.selectors import InvoiceRow, Work
from apps.portal.words import amount

Table = Iterable[Sequence[object]]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, table: Table) -> HttpResponse:
    """UTF-8 with a byte-order mark, as spreadsheets expect; no text cell can start a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in table:
        writer.writerow([_cell(value) for value in row])
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def invoice_table(rows: Iterable[InvoiceRow]) -> Table:
    yield (
        "Number", "Kind", "Client", "Projects", "Work period", "Issued", "Due", "Currency", "Net", "Tax", "Total",
        "Paid", "Status", "Our reference",
    )  # fmt: skip
    for row in rows:
        money = [_plain(value, row.currency) for value in (row.untaxed, row.tax, row.total, row.paid)]
        yield (
            row.number, row.kind_words, row.client, row.projects, row.period, row.issue_date or "", row.due_date or "",
            row.currency, *money, row.status_words, row.reference,
        )  # fmt: skip


def work_table(items: Iterable[Work]) -> Table:
    yield ("Line", "Project", "Day", "Person", "Task", "Notes", "Hours", "Amount", "Currency", "Adjustment")
    for work in items:
        yield (
            work.line, work.project, work.day or "", work.who, work.what, work.notes, work.hours,
            _plain(work.amount, work.currency), work.currency, "yes" if work.is_adjustment else "",
        )  # fmt: skip


def _plain(value: Decimal, currency: str) -> Decimal:
    return Decimal(amount(value, currency).replace(",", ""))


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
