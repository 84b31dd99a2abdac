"""Journals that do not balance: kept and named when they come in, held when they would go out."""

from decimal import Decimal

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import JournalEntry, JournalLine
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import open_cases
from apps.syncs.models import Delivery
from apps.syncs.services import journals
from apps.syncs.services.rendering import RenderError, render
from tests.syncs.support import NOW
from tests.tabular.support import files_connection, loaded

HEAD = "Journal,Line,Date,Currency,Account,Debit,Credit\n"
BALANCED = "J-1,1,2026-03-31,EUR,4900,1200.00,\nJ-1,2,2026-03-31,EUR,1200,,1200.00\n"
LACKING = "J-2,1,2026-03-31,EUR,4900,1200.00,\nJ-2,2,2026-03-31,EUR,1200,,1199.99\n"


@pytest.fixture
def files(customer: Customer) -> Connection:
    return files_connection(customer)


def cases() -> list[ExceptionCase]:
    return list(open_cases().filter(reason="journal_unbalanced").order_by("trace_key"))


class TestComingIn:
    def test_the_journal_and_the_difference_are_named(self, files: Connection) -> None:
        loaded(files, HEAD + BALANCED + LACKING, "journal_lines")

        (case,) = cases()
        assert case.title == (
            "Journal J-2 does not balance: debit 1200.00, credit 1199.99: 0.01 EUR credit is missing."
        )
        assert (case.amount, case.currency, case.record_id) == (
            Decimal("0.01"),
            "EUR",
            JournalEntry.objects.get(number="J-2").pk,
        )
        assert JournalEntry.objects.count() == 2 and JournalLine.objects.count() == 4

    def test_it_closes_when_the_lines_are_corrected(self, files: Connection) -> None:
        loaded(files, HEAD + LACKING, "journal_lines")
        assert cases()

        loaded(files, HEAD + LACKING.replace("1199.99", "1200.00"), "journal_lines", name="again.csv")

        assert not cases() and JournalLine.objects.count() == 2

    def test_lines_of_one_journal_in_two_files_are_judged_together(self, files: Connection) -> None:
        first, second = BALANCED.splitlines(keepends=True)
        loaded(files, HEAD + first, "journal_lines")
        assert "1200.00 EUR credit is missing" in cases()[0].title

        loaded(files, HEAD + second, "journal_lines", name="second.csv")

        assert not cases()

    def test_currencies_do_not_make_up_for_each_other(self, files: Connection) -> None:
        loaded(files, HEAD + BALANCED.replace("EUR,1200", "USD,1200"), "journal_lines")

        (case,) = cases()
        assert "1200.00 EUR credit is missing" in case.title and "1200.00 USD debit is missing" in case.title

    def test_a_page_ends_inside_a_journal(self, files: Connection) -> None:
        lines = "".join(f"J-1,{n},2026-03-31,EUR,4900,0.10,\n" for n in range(1, 1201))
        loaded(files, HEAD + lines + "J-1,1201,2026-03-31,EUR,1200,,120.00\n", "journal_lines")

        assert JournalLine.objects.count() == 1201 and not cases()

    def test_thousands_with_the_same_mistake_are_not_thousands_of_cases(
        self, files: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journals, "_NAMED", 2)
        lines = "".join(f"J-{n},1,2026-03-31,EUR,4900,5,\n" for n in range(5))

        loaded(files, HEAD + lines, "journal_lines")

        assert len(cases()) == 3 and any("3 more journals" in case.title for case in cases())


class TestGoingOut:
    @pytest.fixture
    def ledger(self, customer: Customer) -> Connection:
        return create_connection(
            customer=customer,
            connector="quickbooks_online",
            name="QuickBooks",
            roles=["erp"],
            config={"realm_id": "1"},
            actor=None,
            reason="test",
            now=NOW,
        )

    def test_it_is_not_rendered(self, customer: Customer, ledger: Connection) -> None:
        entry = JournalEntry.objects.create(
            customer=customer, reference="REV-7", entry_date=NOW.date(), currency="EUR", is_produced_here=True
        )
        JournalLine.objects.create(customer=customer, journal_entry=entry, account_code="4900", debit_amount=100)
        JournalLine.objects.create(customer=customer, journal_entry=entry, account_code="1200", credit_amount=90)
        delivery = Delivery(
            customer=customer,
            connection=ledger,
            object_name="journal_entries",
            operation="create",
            entity="journal_entry",
            record_id=entry.pk,
        )

        with pytest.raises(RenderError, match=r"Journal REV-7 does not balance: debit 100\.00, credit 90\.00") as found:
            render(delivery, ledger)

        assert found.value.reason == "journal_unbalanced"

        JournalLine.objects.filter(credit_amount=90).update(credit_amount=100)
        with pytest.raises(RenderError) as other:  # an account nobody mapped: it came as far as the mapping
            render(delivery, ledger)
        assert other.value.reason != "journal_unbalanced"
