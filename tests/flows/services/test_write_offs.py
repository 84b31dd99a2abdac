"""What a person wrote off is never invoiced, whoever bills at the same moment, and comes back when they take it back."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import Customer, User
from apps.canonical.models import Billing, Invoice, TimeEntry, WriteOff
from apps.flows.models import Flow
from apps.flows.services import NotUnbilledError, undo_write_off, write_off
from tests.committed import output_of, start_python
from tests.flows.services.stage import NOW, Stage
from tests.flows.services.test_control import look, parts, why

D = Decimal


@pytest.fixture
def flow(stage: Stage) -> Flow:
    return stage.install("time_to_invoice", settle_seconds=0)


def off(entry: TimeEntry, **given: object) -> WriteOff:
    return write_off(entry, **{"actor": None, "reason": "goodwill", "now": NOW, **given})  # type: ignore[arg-type]


def test_it_is_never_invoiced_and_counted_with_its_worth(stage: Stage, flow: Flow, alice: User) -> None:
    client = stage.client()
    project = stage.project(client=client, contract=stage.contract(client, rates={"": "120"}))
    entry = stage.hours("2", project)
    stage.hours("1", project)

    made = off(entry, actor=alice)
    stage.react()

    assert (made.hours, made.amount, made.currency, made.made_by, made.reason) == (2, 240, "EUR", alice, "goodwill")
    (invoice,) = stage.invoices()
    assert invoice.untaxed_amount == 120
    row = look(stage)["work", "Website"]
    assert row.state == "balanced" and parts(row)["written_off"] == ("2", "240.00")
    assert parts(row)["approved"] == ("3", "360.00")


def test_an_expense_too(stage: Stage, flow: Flow) -> None:
    spent = stage.make(
        "expense", project=stage.project(), spent_date=date(2026, 11, 3), amount=D(50), currency="USD", approval="approved"
    )  # fmt: skip

    made = off(spent)
    stage.react()

    assert (made.amount, made.currency, stage.invoices()) == (50, "USD", [])
    assert look(stage)["work", "Website"].state == "balanced"


def test_asked_twice_it_is_the_same_as_once(stage: Stage, flow: Flow) -> None:
    entry = stage.hours("2", stage.project())

    assert off(entry).pk == off(entry).pk
    with pytest.raises(IntegrityError), transaction.atomic():
        WriteOff.objects.create(customer=stage.customer, time_entry=entry, reason="x", made_at=NOW)


def test_taken_back_it_is_billed_and_the_story_stays(stage: Stage, flow: Flow, alice: User) -> None:
    entry = stage.hours("2", stage.project())
    made = off(entry)
    stage.react()
    assert stage.invoices() == []

    undo_write_off(made, actor=alice, reason="they pay after all", now=NOW)
    undo_write_off(made, actor=None, reason="again", now=NOW)
    stage.react()

    assert len(stage.invoices()) == 1
    made.refresh_from_db()
    assert (made.undone_at, made.undone_by, made.undone_reason) == (NOW, alice, "they pay after all")
    with pytest.raises(NotUnbilledError, match="is on invoice TL-"):
        off(entry)


@pytest.mark.parametrize("values", [{"approval": "open"}, {"deleted_at": NOW}])
def test_only_approved_work_is_written_off(stage: Stage, flow: Flow, values: dict[str, object]) -> None:
    entry = stage.hours("2", stage.project())
    TimeEntry.objects.filter(pk=entry.pk).update(**values)

    with pytest.raises(NotUnbilledError, match="not approved"):
        off(entry)


def test_work_of_a_voided_invoice_that_stays_unbilled_is_written_off(stage: Stage) -> None:
    stage.install("time_to_invoice", settle_seconds=0, voided="ask")
    entry = stage.hours("2", stage.project())
    stage.react()
    Invoice.objects.update(status="voided")
    stage.react()
    assert why(look(stage)["work", "Website"]) == [("time_entry", entry.pk, "on_voided")]

    off(entry)
    stage.react()

    assert len(stage.invoices()) == 1 and look(stage)["work", "Website"].state == "balanced"


def test_an_entry_that_grows_after_its_write_off_is_said(stage: Stage, flow: Flow) -> None:
    entry = stage.hours("2", stage.project())
    off(entry)
    TimeEntry.objects.filter(pk=entry.pk).update(hours=3)
    stage.react()

    assert stage.invoices() == []
    assert why(look(stage)["work", "Website"]) == [("time_entry", entry.pk, "written_off_too")]


def test_billing_and_writing_off_at_once_do_one_of_both(committed: Customer) -> None:
    stage = Stage.of(committed)
    stage.install("time_to_invoice", settle_seconds=0)
    entries = [stage.hours("1", stage.project(f"Project {number}")) for number in range(12)]
    bill = f"""
from datetime import datetime, UTC
from django.db import connection
connection.set_schema("acme")
from apps.core.work import Work
from apps.flows.services import react
react(Work(0, "acme", "flows.react", "{committed.pk}", 0, None, 1), datetime(2026, 11, 23, 9, tzinfo=UTC))
"""
    off_all = f"""
from datetime import datetime, UTC
from django.db import connection
connection.set_schema("acme")
from apps.canonical.models import TimeEntry
from apps.flows.services import NotUnbilledError, write_off
for entry in TimeEntry.objects.filter(pk__in={[entry.pk for entry in entries]}).order_by("-pk"):
    try:
        write_off(entry, actor=None, reason="race", now=datetime(2026, 11, 23, 9, tzinfo=UTC))
    except NotUnbilledError:
        pass
"""
    for process in [start_python(script) for script in (bill, off_all, bill)]:
        output_of(process)

    billed = set(Billing.objects.values_list("time_entry", flat=True))
    off_ids = set(WriteOff.objects.values_list("time_entry", flat=True))
    assert not billed & off_ids and billed | off_ids == {entry.pk for entry in entries}
