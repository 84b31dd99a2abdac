"""Nothing goes into a period that the ledger has closed: it is dated anew, corrected by a credit, or held, as finance chose."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Customer, User
from apps.canonical import closed_periods
from apps.canonical.closed_periods import CREDIT_NOTE, HOLD, NEXT_OPEN, needs_credit, place
from apps.canonical.models import Change, Invoice, InvoiceLine
from apps.canonical.services import create_record
from apps.connectors.classify import fault_of
from apps.connectors.manifest import manifest_for
from apps.connectors.models import ClosedPeriodPolicy, Connection
from apps.connectors.services import ConnectionRefusedError, set_closed_periods
from apps.connectors.services import test_connection as check
from apps.core.work.kinds import DELIVER
from apps.exceptions.models import ExceptionCase
from apps.exceptions.reasons import REASONS
from apps.mappings.services import set_value
from apps.syncs.models import Delivery
from apps.syncs.services import intend, retry_delivery
from apps.syncs.services.closing import keep_out_of_closed
from apps.syncs.services.deliveries import Intent
from tests.practice import Practice, work_on
from tests.syncs.support import connect

CLOSED = date(2026, 10, 31)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@unhurried
@given(days, st.none() | days, st.sampled_from([NEXT_OPEN, CREDIT_NOTE, HOLD]))
def test_no_document_is_dated_in_a_closed_period_or_before_it_was(day: date, closed: date | None, policy: str) -> None:
    placed = place(day, closed_through=closed, policy=policy)

    assert placed.is_held or closed is None or placed.day > closed
    assert placed.day >= day
    assert placed.is_held == (closed is not None and day <= closed and policy == HOLD)
    assert (closed is not None and day <= closed) or placed.day == day


def test_the_last_closed_day_is_closed_and_the_next_is_open() -> None:
    assert place(CLOSED, closed_through=CLOSED, policy=NEXT_OPEN).day == date(2026, 11, 1)
    assert place(date(2026, 11, 1), closed_through=CLOSED, policy=HOLD) == closed_periods.Placement(date(2026, 11, 1))


def test_only_the_credit_policy_changes_how_corrections_go_out() -> None:
    assert needs_credit([None, CLOSED], closed_through=CLOSED, policy=CREDIT_NOTE)
    assert not needs_credit([date(2026, 11, 1)], closed_through=CLOSED, policy=CREDIT_NOTE)
    assert not needs_credit([CLOSED], closed_through=CLOSED, policy=NEXT_OPEN)
    assert not needs_credit([CLOSED], closed_through=None, policy=CREDIT_NOTE)


def test_the_rules_words_are_those_a_connection_can_have() -> None:
    assert set(ClosedPeriodPolicy.values) == {NEXT_OPEN, CREDIT_NOTE, HOLD}


@pytest.fixture
def xero(customer: Customer, now: datetime) -> Connection:
    return closing(connect(customer, "xero"), NEXT_OPEN, now)


def closing(connection: Connection, policy: str, now: datetime) -> Connection:
    return set_closed_periods(
        connection, closed_through=CLOSED, policy=policy, actor=None, reason="October is done", now=now
    )


def delivery_of(xero: Connection, day: date, **values: Any) -> Delivery:
    invoice = Invoice.objects.create(
        customer=xero.customer, reference="TL-1", issue_date=day, due_date=date(2026, 11, 20), currency="EUR"
    )
    given = {"operation": "create", "status": "pending", **values}
    return Delivery.objects.create(
        customer=xero.customer, connection=xero, origin="flow:1", object_name="invoices", entity="invoice",
        record_id=invoice.pk, title="Draft", idempotency_key=f"key-{invoice.pk}", **given,
    )  # fmt: skip


class TestSending:
    def test_it_is_dated_on_the_first_open_day_with_its_terms_and_a_story(
        self, xero: Connection, now: datetime
    ) -> None:
        row = delivery_of(xero, date(2026, 10, 21))

        assert keep_out_of_closed(xero, [row], now=now) == frozenset()

        invoice = Invoice.objects.get(pk=row.record_id)
        assert (invoice.issue_date, invoice.due_date) == (date(2026, 11, 1), date(2026, 12, 1))
        change = Change.objects.get(entity="invoice", record_id=invoice.pk)
        assert (change.fields["issue_date"], change.origin) == (["2026-10-21", "2026-11-01"], "flow:1")
        assert "closed through 2026-10-31" in invoice.history.latest().history_change_reason

    def test_held_for_finance_nothing_changes(self, xero: Connection, now: datetime) -> None:
        xero = closing(xero, HOLD, now)
        row, other = delivery_of(xero, date(2026, 10, 21)), delivery_of(xero, date(2026, 11, 2))

        assert keep_out_of_closed(xero, [row, other], now=now) == {row.pk}
        assert Invoice.objects.get(pk=row.record_id).issue_date == date(2026, 10, 21)

    def test_what_a_person_wrote_and_what_is_no_new_document_goes_as_it_is(
        self, xero: Connection, now: datetime
    ) -> None:
        xero = closing(xero, HOLD, now)
        rows = [
            delivery_of(xero, date(2026, 10, 21), payload_override={"Date": "2026-10-21"}),
            delivery_of(xero, date(2026, 10, 21), operation="update"),
        ]

        assert keep_out_of_closed(xero, rows, now=now) == frozenset()

    def test_where_nothing_is_closed_nothing_is_asked(
        self, customer: Customer, now: datetime, django_assert_num_queries: Any
    ) -> None:
        connection = connect(customer, "xero")
        row = delivery_of(connection, date(2020, 1, 1))

        with django_assert_num_queries(0):
            assert keep_out_of_closed(connection, [row], now=now) == frozenset()


def test_a_refusal_because_of_a_lock_date_is_called_that() -> None:
    client = manifest_for("xero").client
    message = "The document date cannot be before the end of year lock date, currently set at 31-Jul-2013"
    body = {
        "ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred",
        "Elements": [{"ValidationErrors": [{"Message": message}]}],
    }  # fmt: skip

    fault = fault_of(client.errors, client.rate, status=400, headers={}, body=body, now=datetime.now().astimezone())

    assert fault is not None and fault.family == "closed_period" and not fault.may_have_happened
    assert message in fault.message and fault.family in REASONS


def test_only_policies_that_exist_are_taken_and_who_chose_is_kept(xero: Connection, alice: User, now: datetime) -> None:
    with pytest.raises(ConnectionRefusedError, match="next_open"):
        set_closed_periods(xero, closed_through=None, policy="ignore", actor=alice, reason="x", now=now)
    set_closed_periods(xero, closed_through=None, policy=HOLD, actor=alice, reason="reopened", now=now)

    latest = xero.history.latest()
    assert (latest.books_closed_through, latest.closed_period_policy) == (None, HOLD)
    assert (latest.history_user, latest.history_change_reason) == (alice, "reopened")


class TestAtPracticeXero:
    """The whole way: locked in the ledger, read by a test of the connection, kept out of when drafts are sent."""

    @pytest.fixture
    def ledger(self, committed: Customer, practice: Practice) -> Connection:
        return practice.connect(committed, "xero")

    @staticmethod
    def lock(practice: Practice, day: str | None) -> None:
        store, account = practice.server.practice.vendors["xero"].store, practice.account("xero")["id"]

        def put() -> None:
            known = store.peek(account, "organisation", "organisation")
            store.put(account, "organisation", "organisation", {**known, "PeriodLockDate": day})

        practice.server.call(put)

    def test_the_lock_date_is_read_and_forgotten_again(
        self, ledger: Connection, practice: Practice, now: datetime
    ) -> None:
        self.lock(practice, "2026-10-31")
        check(ledger, now=now)
        ledger.refresh_from_db()
        assert ledger.books_closed_through == CLOSED
        assert ledger.history.latest().history_change_reason == "the ledger is closed through 2026-10-31"

        self.lock(practice, None)
        check(ledger, now=now)
        ledger.refresh_from_db()
        assert ledger.books_closed_through is None

    def test_a_held_draft_waits_in_a_case_and_goes_out_dated_anew_when_finance_says_so(
        self, ledger: Connection, practice: Practice, committed: Customer, now: datetime
    ) -> None:
        set_value(customer=committed, name="revenue_accounts", source="default", target="200", actor=None, reason="t")
        contact = create_record("client", customer=committed, values={"name": "Northwind"}, origin="test", reason="t")
        values = {"client": contact, "reference": "TL-CLOSED", "issue_date": date(2026, 10, 21), "currency": "EUR"}
        invoice = create_record("invoice", customer=committed, values=values, origin="test", reason="t")
        set_value(customer=committed, name="tax_codes", source="standard", target="OUTPUT2", actor=None, reason="t")
        InvoiceLine.objects.create(
            customer=committed, invoice=invoice, description="Work", unit_amount=100, amount=100, tax_code="standard"
        )
        whom = {"connection": ledger, "operation": "create", "title": "Draft"}
        first = Intent(object_name="contacts", entity="client", record_id=contact.pk, key="t:client", **whom)
        then = Intent(
            object_name="invoices", entity="invoice", record_id=invoice.pk, key="t:invoice", after=("t:client",), **whom
        )
        closing(ledger, HOLD, now)
        *_, row = intend([first, then], origin="test", origin_item_id=None)

        work_on(DELIVER, ledger.pk)
        row.refresh_from_db()
        assert (row.status, row.error_code, row.attempts) == ("held", "closed_period", 0)
        assert ExceptionCase.objects.get(status="open").reason == "closed_period"
        assert not practice.all("xero", "invoices")

        closing(ledger, NEXT_OPEN, now)
        retry_delivery(row, actor=None, reason="date it anew", now=now)
        work_on(DELIVER, ledger.pk)

        row.refresh_from_db()
        assert (row.status, row.error) == ("done", "")
        (made,) = practice.all("xero", "invoices")
        assert (made["Date"], made["Reference"]) == ("2026-11-01", "TL-CLOSED")
        assert ExceptionCase.objects.get().status == "resolved"
