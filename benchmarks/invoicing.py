"""Drafting invoices from approved time by the running worker, up to the intents to write them; the ledger is paused.

What was drafted is compared with a calculation of its own (billable_work): each invoice to the cent, each entry billed once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection as database

from apps.accounts.models import Customer
from apps.accounts.services import create_customer
from apps.canonical.services import create_records
from apps.connectors.models import Connection
from apps.connectors.services import create_connection, pause
from apps.core.models import DueWork
from apps.core.tenancy.context import partner_context
from apps.core.work import wake
from apps.core.work.kinds import CONTROL, REACT
from apps.flows.models import Flow
from apps.flows.services import install_blueprint, update_settings
from apps.mappings.services import set_value
from benchmarks import billable_work as work
from benchmarks import installation
from benchmarks.measuring import Usage, measured, postgres_meter
from benchmarks.processes import worker

PER_PROJECT = 100
_REASON = "benchmark"
_LONGEST_SECONDS = 900.0
_CHUNK = 5_000
_START = datetime(2026, 9, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Drafting:
    """One run: all that was approved is drafted, then the flow and the control totals look once more."""

    entries: int
    invoices: int
    lines: int
    drafted: Usage
    look: Usage
    control: Usage


def draft(invoices: int) -> Drafting:
    """Raises RuntimeError when an invoice differs by a cent, or an entry is billed twice or not at all."""
    installation.empty()
    with partner_context(installation.SCHEMA):
        customer = _install(invoices)
    _forget_work()
    meter = postgres_meter(installation.backend())
    with worker() as pid:
        looks = [
            _look(customer, pid, meter, kind, lambda wanted=wanted: _count("canonical_invoice") == wanted)  # type: ignore[misc]
            for kind, wanted in ((REACT, 0), (CONTROL, 0))  # wakes the worker's processes, with nothing approved yet
        ]
        with partner_context(installation.SCHEMA):
            _approve(customer)
        drafted = _look(customer, pid, meter, REACT, lambda: _count("canonical_invoice") == invoices)
        _expect(invoices)
        looks = [_look(customer, pid, meter, kind, lambda: True) for kind in (REACT, CONTROL)]
    _expect(invoices)
    return Drafting(invoices * PER_PROJECT, invoices, _count("canonical_invoiceline"), drafted, looks[0], looks[1])


def _look(customer: Customer, pid: int, meter: Any, kind: str, is_there: Any) -> Usage:
    """From the commit of the request until it is done and nothing of the kind is due."""
    with measured(pid, meter) as usage:
        with partner_context(installation.SCHEMA):
            wake(kind, customer.pk)
        deadline = time.monotonic() + _LONGEST_SECONDS
        while _is_due(kind) or not is_there():
            if time.monotonic() > deadline:
                left = list(DueWork.objects.filter(schema_name=installation.SCHEMA).values("kind", "due_at", "error"))
                raise TimeoutError(
                    f"{_count('canonical_invoice')} invoices after {_LONGEST_SECONDS:.0f} s; due: {left}"
                )
            time.sleep(0.05)
    return usage


def _is_due(kind: str) -> bool:
    return DueWork.objects.filter(schema_name=installation.SCHEMA, kind=kind, due_at__lte=datetime.now(UTC)).exists()


def _forget_work() -> None:
    DueWork.objects.filter(schema_name=installation.SCHEMA).delete()


def _count(table: str) -> int:
    return int(_rows(f"select count(*) from {table}")[0][0])


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with partner_context(installation.SCHEMA), database.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _install(projects: int) -> Customer:
    """The customer with its ledger, contracts and all its work, none of it approved yet."""
    customer = create_customer(name="Bench invoicing", slug="bench-invoicing", currency="EUR", reason=_REASON)
    _ledger(customer)
    flow = install_blueprint(
        customer, blueprint=Flow.Blueprint.TIME_TO_INVOICE, settings={"settle_seconds": 0}, actor=None,
        reason=_REASON, now=_START,
    )  # fmt: skip
    update_settings(flow, settings=flow.settings, is_enabled=True, actor=None, reason=_REASON, starts_at=_START)
    names = [{"name": f"Person {n}", "role": work.ROLES[n % len(work.ROLES)]} for n in range(work.PEOPLE)]
    people = [row.pk for row in _make(customer, "resource", names)]
    clients = [
        row.pk for row in _make(customer, "client", [{"name": f"Client {n}"} for n in range(-(-projects // 10))])
    ]
    contracts = _contracts(customer, projects, people, clients)
    rows = [
        {
            "name": f"Project {number}",
            "client_id": clients[number // 10],
            "contract_id": contracts[terms.number] if (terms := work.agreement_of(number)) else None,
            "currency": "EUR",
            "hourly_rate": None if terms or (own := work.project_rate(number)) is None else _decimal(own),
        }
        for number in range(projects)
    ]
    made = [row.pk for row in _make(customer, "project", rows)]
    _work(customer, projects, made, people)
    with database.cursor() as cursor:
        cursor.execute("analyze")
    return customer


def _ledger(customer: Customer) -> Connection:
    """Nothing is sent while it is paused; what is to be sent is recorded all the same."""
    now = datetime.now(UTC)
    connection = create_connection(
        customer=customer, connector="xero", name="Ledger", roles=["erp"], config={}, credentials={}, actor=None,
        reason=_REASON, now=now,
    )  # fmt: skip
    pause(connection, actor=None, reason=_REASON, now=now)
    for code, percent in work.TAXES.items():
        _make(customer, "tax_rate", [{"code": code.upper(), "name": code, "percent": _decimal(percent)}])
        set_value(
            customer=customer, name="tax_codes", source=code, target=code.upper(), actor=None, reason=_REASON
        )  # fmt: skip
    return connection


def _contracts(customer: Customer, projects: int, people: list[int], clients: list[int]) -> dict[int, int]:
    """Contract ids by the number of their agreement."""
    cards = [
        row.pk for row in _make(customer, "rate_card", [{"name": f"Card {n}", "currency": "EUR"} for n in range(4)])
    ]
    _make(customer, "rate", [rate for number, card in enumerate(cards) for rate in _rates(number, card, people)])
    found = {terms.number: project for project in range(projects) if (terms := work.agreement_of(project))}
    caps = work.expected(projects, PER_PROJECT).capped
    rows = [
        {"name": f"Frame {number}", "client_id": clients[project // 10], "currency": "EUR"}
        for number, project in found.items()
    ]
    contracts = dict(zip(found, [row.pk for row in _make(customer, "contract", rows)], strict=True))
    _make(
        customer,
        "contract_version",
        [
            {
                "contract_id": contracts[number],
                "number": 1,
                "effective_date": _START.date(),
                "rate_card_id": cards[terms.card],
                "discount_percent": _decimal(terms.discount_percent),
                "lines_by": terms.lines_by,
                "tax_code": terms.tax_code,
                "billing_method": "capped" if terms.is_capped else "time_and_materials",
                "cap_amount": _decimal(Fraction(caps[number][0], 100)) if terms.is_capped else None,
                "rounding_mode": "up" if terms.rounds_up else "none",
                "rounding_step_hours": Decimal("0.25"),
            }
            for number in found
            for terms in [work.Agreement(number)]
        ],
    )
    return contracts


def _rates(number: int, card: int, people: list[int]) -> Iterator[dict[str, Any]]:
    for person, hourly in work.person_rates(number).items():
        yield {"rate_card_id": card, "kind": "person", "resource_id": people[person], "hourly_amount": _decimal(hourly)}
    for (role, amended), hourly in work.role_rates(number).items():
        since = work.AMENDED_ON if amended else None
        yield {
            "rate_card_id": card, "kind": "role", "role": role, "hourly_amount": _decimal(hourly), "effective_from_date": since,
        }  # fmt: skip
    yield {"rate_card_id": card, "kind": "default", "hourly_amount": _decimal(work.default_rate(number))}


def _work(customer: Customer, projects: int, made: list[int], people: list[int]) -> None:
    rows: list[dict[str, Any]] = []
    for one in work.entries(projects, PER_PROJECT):
        rows.append(
            {
                "project_id": made[one.project],
                "resource_id": people[one.person],
                "task": one.task,
                "work_date": one.day,
                "hours": _decimal(one.hours),
                "notes": f"{one.task} of {one.day}",
                "billable_rate": _decimal(work.vendor_rate()),
                "currency": "EUR",
                "approval": "open",
            }
        )
        if len(rows) == _CHUNK:
            _make(customer, "time_entry", rows)
            rows = []
    _make(customer, "time_entry", rows)


def _approve(customer: Customer) -> None:
    """All at once, as a manager at the end of the month does; statistics as autovacuum has them a minute later."""
    with database.cursor() as cursor:
        cursor.execute(
            "update canonical_timeentry set approval = 'approved', updated_at = clock_timestamp() where customer_id = %s",
            [customer.pk],
        )
        cursor.execute("analyze canonical_timeentry")


def _make(customer: Customer, entity: str, values: list[dict[str, Any]]) -> list[Any]:
    return create_records(entity, customer=customer, values=values, origin=_REASON, reason=_REASON)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _expect(projects: int) -> None:
    """A wrong result has no speed."""
    expected = work.expected(projects, PER_PROJECT)
    untaxed, tax, by_contract = dict(expected.untaxed), dict(expected.tax), dict.fromkeys(expected.capped, 0)
    for number, net, vat, lines_net, lines_vat, documents in _invoiced():
        if (net, vat) != (lines_net, lines_vat) or documents != 1:
            raise RuntimeError(
                f"project {number}: {documents} invoices of {net} + {vat}, lines {lines_net} + {lines_vat}"
            )
        terms = work.agreement_of(number)
        if terms is not None and terms.is_capped:
            by_contract[terms.number] += net
        elif (net, vat) != (untaxed.pop(number, None), tax.pop(number, None)):
            raise RuntimeError(f"project {number}: {net} + {vat} cents differ from the independent calculation")
    caps = {number: min(cap, worth) for number, (cap, worth) in expected.capped.items()}
    if untaxed or by_contract != caps:
        raise RuntimeError(
            f"{len(untaxed)} projects are not invoiced; capped contracts {by_contract} instead of {caps}"
        )
    _expect_once(projects)


def _invoiced() -> list[tuple[int, int, int, int, int, int]]:
    """(project, cents untaxed, tax, the same of its lines with each line's tax worked out again, invoices) by project."""
    return _rows(
        """
        select substring(p.name from 9)::int, sum(i.untaxed_amount * 100)::bigint, sum(i.tax_amount * 100)::bigint,
               sum(l.amount * 100)::bigint, sum(l.tax * 100)::bigint, count(*)
          from canonical_invoice i join canonical_project p on p.id = i.project_id
          join (select invoice_id, sum(amount) amount, sum(round(amount * tax_percent / 100, 2)) tax
                  from canonical_invoiceline group by 1) l on l.invoice_id = i.id
         where i.total_amount = i.untaxed_amount + i.tax_amount
         group by 1
        """
    )  # type: ignore[return-value]


def _expect_once(projects: int) -> None:
    ((rows, distinct, wrong, left, intents, items),) = _rows(
        """
        with billed as (select line_id, sum(amount) amount from canonical_billing group by 1)
        select (select count(*) from canonical_billing), (select count(distinct time_entry_id) from canonical_billing),
               (select count(*) from canonical_invoiceline l left join billed b on b.line_id = l.id
                 where b.amount is distinct from l.amount),
               (select count(*) from canonical_timeentry e join canonical_project p on p.id = e.project_id
                  left join canonical_contractversion v on v.contract_id = p.contract_id
                 where v.cap_amount is null and not exists (select 1 from canonical_billing b where b.time_entry_id = e.id)),
               (select count(distinct record_id) from syncs_delivery where entity = 'invoice'),
               (select count(distinct record_id) from flows_flowitem where entity = 'invoice')
        """
    )
    if rows != distinct or (wrong, left, intents, items) != (0, 0, projects, projects):
        raise RuntimeError(
            f"{rows} billings of {distinct} entries, {wrong} lines that differ from them, {left} entries not billed, "
            f"{intents} intents and {items} items for {projects} invoices"
        )
