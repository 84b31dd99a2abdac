"""Suppliers, bills and their lines as they are loaded: recognised, known by name, and never taken in twice."""

from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import Bill, BillLine, ExternalRef, Proposal, Supplier
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from tests.syncs.support import NOW, NOWHERE, load, tally


@pytest.fixture
def erp(customer: Customer) -> Connection:
    return create_connection(
        customer=customer,
        connector="tryton",
        name="Tryton",
        roles=["erp", "procurement"],
        config={"base_url": NOWHERE, "database": "d", "login": "x", "supplier_category": "Supplier"},
        credentials={"password": "x" * 12},
        actor=None,
        reason="test",
        now=NOW,
    )


def supplier(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "code": None, "active": True, **more}


def bill(number: int, party: int, name: str) -> dict[str, Any]:
    return {
        "id": number,
        "state": "draft",
        "party": party,
        "party.": {"id": party, "rec_name": name},
        "currency.": {"id": 1, "code": "EUR"},
        "total_amount": {"__class__": "Decimal", "decimal": "12.00"},
        "kind": "bill",
        "paid_amount": "0",
    }


def line(number: int, invoice: int) -> dict[str, Any]:
    return {
        "id": number,
        "invoice": invoice,
        "description": "Paper",
        "quantity": 1.0,
        "unit_price": "12",
        "amount": "12",
    }


class TestSuppliers:
    def test_one_that_is_certainly_known_is_tied(self, erp: Connection, customer: Customer) -> None:
        known = Supplier.objects.create(customer=customer, name="Another name", tax_number="DE 136 695 976")

        load(erp, "suppliers", supplier(1, "Freelance Ltd", **{"tax_identifier.": {"code": "DE136695976"}}))

        assert Supplier.objects.get() == known
        assert ExternalRef.objects.get().record_id == known.pk

    def test_one_that_only_resembles_is_proposed(self, erp: Connection, customer: Customer) -> None:
        Supplier.objects.create(customer=customer, name="Freelance Northwind Ltd", tax_number="GB123456789")

        load(erp, "suppliers", supplier(1, "Freelance Northwnd GmbH"))

        assert Supplier.objects.count() == 2
        assert Proposal.objects.get().entity == "supplier"

    def test_two_of_one_system_are_two(self, erp: Connection) -> None:
        load(erp, "suppliers", supplier(1, "Twins"), supplier(2, "Twins"))

        assert Supplier.objects.count() == 2

    def test_one_set_inactive_is_buried(self, erp: Connection) -> None:
        load(erp, "suppliers", supplier(1, "Gone"))
        load(erp, "suppliers", supplier(1, "Gone", active=False))

        assert Supplier.objects.get().deleted_at == NOW

    def test_a_client_of_the_same_name_is_somebody_else(self, erp: Connection, customer: Customer) -> None:
        create_record("client", customer=customer, values={"name": "Both Ltd"}, origin="t", reason="t")

        load(erp, "suppliers", supplier(1, "Both Ltd"))

        assert Supplier.objects.count() == 1 and not Proposal.objects.exists()


class TestBills:
    def test_a_supplier_only_mentioned_is_known_by_name_and_filled_later(self, erp: Connection) -> None:
        load(erp, "bills", bill(5, 1, "Corner shop"))
        assert Bill.objects.get().supplier.is_stub

        load(erp, "suppliers", supplier(1, "Corner shop", email="shop@corner.example"))

        known = Supplier.objects.get()
        assert (known.is_stub, known.email, known.bills.count()) == (False, "shop@corner.example", 1)

    def test_lines_wait_for_their_bill(self, erp: Connection) -> None:
        assert load(erp, "bill_lines", line(7, 5)).failed == 1

        load(erp, "bills", bill(5, 1, "Corner shop"))

        assert tally(load(erp, "bill_lines", line(7, 5), force=True)) == (1, 0, 0, 0, 0)

    def test_lines_of_a_bill_made_here_are_not_read_a_second_time(self, erp: Connection, customer: Customer) -> None:
        made = Bill.objects.create(customer=customer, reference="B-1", currency="EUR", is_produced_here=True)
        BillLine.objects.create(customer=customer, bill=made, description="Paper", amount=Decimal(12))
        ExternalRef.objects.create(
            customer=customer, connection=erp, object_name="bills", external_id="5", entity="bill", record_id=made.pk
        )
        load(erp, "bills", bill(6, 1, "Corner shop"))

        counts = load(erp, "bill_lines", line(7, 5), line(8, 6))

        assert tally(counts) == (1, 0, 0, 1, 0)
        assert BillLine.objects.filter(bill=made).count() == 1
        assert tally(load(erp, "bill_lines", line(7, 5), line(8, 6))) == (0, 0, 2, 0, 0)
