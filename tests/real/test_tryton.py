"""The connector on a real Tryton: buying and journals through the whole engine, conflicts, locks and what vanishes."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import Bill, BillLine, ExternalRef, JournalEntry, JournalLine, PurchaseOrder, Supplier
from apps.canonical.services import create_record
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.services import create_connection, test_connection
from apps.core.http import OutboundRequest, OutboundResponse
from apps.core.work.kinds import DELIVER
from apps.mappings.services import set_value
from apps.syncs.models import Delivery
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent
from tests.practice import read, work_on
from tests.real.clients import Send, client_of, cut_after, prepared, read_all, send
from tests.real.systems.tryton import RunningTryton

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module", autouse=True)
def fresh(tryton: RunningTryton) -> None:
    tryton.reset()


def settings(tryton: RunningTryton) -> dict[str, str]:
    erp, seed = tryton.session(), tryton.seed
    (journal,) = erp.search("account.journal", [["type", "=", "general"], ["name", "=", "Miscellaneous"]])
    return {
        "base_url": tryton.base_url,
        "database": tryton.database,
        "login": tryton.login,
        "company": str(seed.company),
        "receivable_account": str(seed.account_receivable),
        "payment_term": str(seed.payment_term),
        "hour_unit": str(seed.uom_hour),
        "entry_journal": str(journal["id"]),
        "supplier_category": "Supplier",
    }


def client(tryton: RunningTryton, *, through: Send = send) -> VendorClient:
    return client_of("tryton", settings(tryton), through=through, password=tryton.password)


def cents(value: Any) -> Decimal:
    return Decimal(value["decimal"])


@pytest.fixture
def erp(tryton: RunningTryton, committed: Customer) -> Iterator[Connection]:
    """Tryton connected for a customer, its look-up tables filled as a person would."""
    session, seed = tryton.session(), tryton.seed
    if not session.search("party.category", [["name", "=", "Supplier"]]):
        session.create("party.category", name="Supplier")
    connection = create_connection(
        customer=committed,
        connector="tryton",
        name="Tryton",
        roles=["erp", "procurement", "revenue"],
        config=settings(tryton),
        credentials={"password": tryton.password},
        actor=None,
        reason="test",
        now=datetime.now(UTC),
    )
    assert test_connection(connection, now=datetime.now(UTC)) is not None
    (deferred,) = session.search("account.account", [["code", "=", "2.2.2"]])
    for name, source, target in (
        ("purchase_tax_codes", "standard", seed.tax_standard),
        ("expense_accounts", "default", seed.account_expense),
        ("ledger_accounts", "revenue", seed.account_revenue),
        ("ledger_accounts", "deferred", deferred["id"]),
    ):
        set_value(customer=committed, name=name, source=source, target=str(target), actor=None, reason="test")
    connection.refresh_from_db()
    yield connection


def want(connection: Connection, *wanted: tuple[str, str, str, Any]) -> list[Delivery]:
    """(object, operation, entity, record): each after the one before it."""
    intents: list[Intent] = []
    for name, operation, entity, record in wanted:
        key = f"real:{entity}:{record.pk}:{operation}"
        after = (intents[-1].key,) if intents else ()
        intents.append(Intent(connection, name, operation, entity, record.pk, f"{operation} {entity}", key, after))
    rows = intend(intents, origin="test", origin_item_id=None)
    work_on(DELIVER, connection.pk)
    return [Delivery.objects.get(pk=row.pk) for row in rows]


def make(entity: str, customer: Customer, **values: Any) -> Any:
    return create_record(entity, customer=customer, values=values, origin="test", reason="test")


class TestProcurement:
    def test_supplier_order_and_bill_are_made_and_come_home_paid(
        self, erp: Connection, tryton: RunningTryton, committed: Customer
    ) -> None:
        supplier = make("supplier", committed, name="Freelance Ltd", reference="SUP-1", email="pay@freelance.example")
        order = make(
            "purchase_order", committed, supplier=supplier, reference="PO-A", currency="EUR", order_date=TODAY,
            is_produced_here=True,
        )  # fmt: skip
        bill = make(
            "bill", committed, supplier=supplier, reference="BILL-A", supplier_number="F-31", currency="EUR",
            issue_date=TODAY, is_produced_here=True,
        )  # fmt: skip
        for parent, entity in ((order, "purchase_order"), (bill, "bill")):
            make(
                f"{entity}_line", committed, **{entity: parent}, position=1, description="Ten days", unit="hour",
                quantity=Decimal(80), unit_amount=Decimal("50.25"), tax_code="standard",
            )  # fmt: skip

        sent = want(
            erp,
            ("suppliers", "create", "supplier", supplier),
            ("purchase_orders", "create", "purchase_order", order),
            ("bills", "create", "bill", bill),
        )

        assert [(row.status, row.error) for row in sent] == [("done", "")] * 3
        session = tryton.session()
        (party,) = session.search("party.party", [["code", "=", "SUP-1"]], "name", "categories.name")
        assert [category["name"] for category in party["categories."]] == ["Supplier"]
        (bought,) = session.search(
            "purchase.purchase", [["reference", "=", "PO-A"]], "party", "state", "untaxed_amount", "total_amount"
        )
        assert (bought["party"], bought["state"]) == (party["id"], "draft")
        assert (cents(bought["untaxed_amount"]), cents(bought["total_amount"])) == (Decimal(4020), Decimal(4824))
        (owed,) = session.search("account.invoice", [["description", "=", "BILL-A"]], "type", "reference", "state")
        assert (owed["type"], owed["reference"], owed["state"]) == ("in", "F-31", "draft")

        session.call("model.purchase.purchase.quote", [bought["id"]])
        number = session.post_invoice(owed["id"])
        session.pay_invoice(owed["id"], "4824.00", date=TODAY.isoformat())
        read(erp, "accounts", "suppliers", "purchase_orders", "purchase_order_lines", "bills", "bill_lines")

        bill, order = Bill.objects.get(), PurchaseOrder.objects.get()
        assert (bill.number, bill.status, bill.paid_amount, bill.supplier) == (number, "paid", Decimal(4824), supplier)
        assert (order.status, order.total_amount) == ("submitted", Decimal(4824))
        assert Supplier.objects.count() == 1
        assert BillLine.objects.count() == 1 and order.lines.count() == 1, "our own lines are not read a second time"

    def test_the_same_wish_again_writes_nothing(
        self, erp: Connection, tryton: RunningTryton, committed: Customer
    ) -> None:
        supplier = make("supplier", committed, name="Once only", reference="SUP-ONCE")

        first = want(erp, ("suppliers", "create", "supplier", supplier))
        again = want(erp, ("suppliers", "create", "supplier", supplier))

        assert [row.pk for row in first] == [row.pk for row in again]
        assert len(tryton.session().search("party.party", [["code", "=", "SUP-ONCE"]])) == 1

    def test_a_supplier_tryton_knows_is_tied_not_made_again(
        self, erp: Connection, tryton: RunningTryton, committed: Customer
    ) -> None:
        there = tryton.session().create("party.party", name="Known there", code="SUP-KNOWN")
        supplier = make("supplier", committed, name="Known here", reference="SUP-KNOWN")

        (row,) = want(erp, ("suppliers", "create", "supplier", supplier))

        assert (row.status, row.external_id) == ("done", str(there))

    def test_bills_entered_there_come_with_lines_and_a_supplier_known_by_name(
        self, erp: Connection, tryton: RunningTryton, committed: Customer
    ) -> None:
        entered = bill_in_tryton(tryton, "Corner shop", "2026/77")

        read(erp, "accounts", "bills", "bill_lines")

        ref = ExternalRef.objects.get(object_name="bills", external_id=str(entered))
        bill = Bill.objects.get(pk=ref.record_id)
        assert bill.supplier is not None and (bill.supplier.name, bill.supplier.is_stub) == ("Corner shop", True)
        assert (bill.supplier_number, bill.status, bill.total_amount) == ("2026/77", "draft", Decimal("14.82"))
        line = bill.lines.get()
        assert (line.description, line.amount, line.account_code) == ("Paper", Decimal("12.35"), "5.1.3")


class TestJournals:
    def test_a_balanced_entry_is_made_posted_once_and_comes_home_with_its_number(
        self, erp: Connection, tryton: RunningTryton, committed: Customer
    ) -> None:
        read(erp, "accounts")
        journal = make(
            "journal_entry", committed, kind="revenue", reference="REV-1", entry_date=TODAY, currency="EUR",
            total_amount=Decimal("1250.10"), is_produced_here=True,
        )  # fmt: skip
        lines = (("deferred", Decimal("1250.10"), Decimal(0)), ("revenue", Decimal(0), Decimal("1250.10")))
        for position, (account, debit, credit) in enumerate(lines):
            make(
                "journal_line", committed, journal_entry=journal, position=position, account_code=account,
                debit_amount=debit, credit_amount=credit,
            )  # fmt: skip

        sent = want(
            erp,
            ("journal_entries", "create", "journal_entry", journal),
            ("journal_entries", "post", "journal_entry", journal),
        )
        read(erp, "journal_entries", "journal_lines")

        assert [(row.status, row.error) for row in sent] == [("done", "")] * 2
        (move,) = tryton.session().search("account.move", [["description", "=", "REV-1"]], "state", "number", "lines")
        assert (move["state"], len(move["lines"])) == ("posted", 2)
        ours = JournalEntry.objects.get()
        assert (ours.status, ours.number, ours.kind) == ("posted", move["number"], "revenue")
        assert JournalLine.objects.count() == 2, "our own lines are not read a second time"

    def test_whether_it_was_posted_is_found_out_after_a_broken_line(self, tryton: RunningTryton) -> None:
        move = move_in_tryton(tryton, "REV-CUT", "50.00", "50.00")
        cut = client(tryton, through=cut_after("POST", "account.move.post"))
        body = {"description": "REV-CUT"}

        before = cut.probe("journal_entries", "post", idempotency_key="p", body=body, external_id=str(move))
        answer = cut.send(prepared(cut, "journal_entries", "post", body, "p", external_id=str(move)))
        after = cut.probe("journal_entries", "post", idempotency_key="p", body=body, external_id=str(move))

        assert (before.state, answer.outcome, after.state) == ("absent", "uncertain", "found")

    def test_an_unbalanced_entry_cannot_be_posted_and_the_reason_is_trytons(self, tryton: RunningTryton) -> None:
        move = move_in_tryton(tryton, "REV-ODD", "50.00", "49.99")
        plain = client(tryton)

        answer = plain.send(prepared(plain, "journal_entries", "post", {}, "p", external_id=str(move)))

        assert (answer.outcome, str(answer.family)) == ("refused", "validation")
        assert "balance" in answer.message

    def test_without_a_journal_chosen_a_person_is_told_what_to_choose(self, tryton: RunningTryton) -> None:
        config = {name: value for name, value in settings(tryton).items() if name != "entry_journal"}
        plain = client_of("tryton", config, password=tryton.password)
        body = {"date": TODAY.isoformat(), "description": "REV-NONE", "lines": []}

        answer = plain.send(prepared(plain, "journal_entries", "create", body, "n"))

        assert (answer.outcome, answer.code) == ("refused", "look_up_empty")
        assert "no journal for entries is chosen" in answer.message


class TestConflicts:
    def test_a_stale_write_is_refused_as_a_conflict(self, tryton: RunningTryton) -> None:
        """Tryton compares `_timestamp` from the context of a call over RPC."""
        session = tryton.session()
        party = session.create("party.party", name="Contested", code="STALE-1")
        seen = session.read("party.party", party, "_timestamp")["_timestamp"]
        session.call("model.party.party.write", [party], {"name": "Somebody was faster"})

        def guarded(request: OutboundRequest) -> OutboundResponse:
            body = json.loads(request.body or b"{}")
            if body.get("method") == "model.party.party.write":
                body["params"][-1]["_timestamp"] = {f"party.party,{party}": seen}
                return send(replace(request, body=json.dumps(body).encode()))
            return send(request)

        late = client(tryton, through=guarded)
        answer = late.send(prepared(late, "parties", "update", {"name": "Too late"}, "s", external_id=str(party)))

        assert (answer.outcome, answer.status, str(answer.family)) == ("refused", 200, "conflict")
        assert session.read("party.party", party, "name")["name"] == "Somebody was faster"

    def test_a_used_code_is_a_duplicate_inside_a_200(self, tryton: RunningTryton) -> None:
        plain = client(tryton)
        first = plain.send(prepared(plain, "parties", "create", {"name": "One", "code": "TWICE"}, "d1"))
        second = plain.send(prepared(plain, "parties", "create", {"name": "Two", "code": "TWICE"}, "d2"))

        assert first.outcome == "done"
        assert (second.outcome, second.status, str(second.family)) == ("refused", 200, "duplicate")
        assert "must be unique" in second.message

    def test_posting_side_by_side_waits_for_its_lock_and_every_entry_gets_a_number(self, tryton: RunningTryton) -> None:
        """Numbers are without gaps: who meets the lock is answered 503, certainly nothing done, and may come again."""
        moves = [move_in_tryton(tryton, f"REV-LOCK-{number}", "10.00", "10.00") for number in range(6)]
        plain, answers = client(tryton), []

        def post(move: int) -> None:
            answers.append(
                plain.send(prepared(plain, "journal_entries", "post", {}, f"l{move}", external_id=str(move)))
            )

        threads = [threading.Thread(target=post, args=(move,)) for move in moves]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        refused = [answer for answer in answers if answer.outcome != "done"]
        assert all(answer.status == 503 and answer.outcome == "not_sent" for answer in refused), refused
        states = [tryton.session().read("account.move", move, "state")["state"] for move in moves]
        assert states.count("posted") == len(moves) - len(refused), "a 503 did nothing"
        for move, state in zip(moves, states, strict=True):
            if state == "draft":
                post(move)
        numbers = [tryton.session().read("account.move", move, "number")["number"] for move in moves]
        assert len(set(numbers)) == len(moves)

    def test_what_is_deleted_vanishes_and_what_is_set_inactive_is_told(self, tryton: RunningTryton) -> None:
        """A known gap: what is deleted disappears. What is set inactive is read as a deletion."""
        session = tryton.session()
        gone, idle = session.create("party.party", name="Gone"), session.create("party.party", name="Idle")
        _, cursor = read_all(client(tryton), "parties")
        session.call("model.party.party.delete", [gone])
        session.call("model.party.party.write", [idle], {"active": False})

        records, _ = read_all(client(tryton), "parties", cursor)

        by_id = {record["id"]: record for record in records}
        assert gone not in by_id
        assert by_id[idle]["active"] is False

    def test_reading_on_asks_tryton_itself_for_what_changed(self, tryton: RunningTryton) -> None:
        _, cursor = read_all(client(tryton), "accounts")
        later = datetime(TODAY.year + 1, 1, 1, tzinfo=UTC).isoformat()

        assert cursor
        assert read_all_is_empty(tryton, "accounts", later)
        assert read_all_is_empty(tryton, "suppliers", later)


def read_all_is_empty(tryton: RunningTryton, name: str, cursor: str) -> bool:
    return read_all(client(tryton), name, cursor)[0] == []


def bill_in_tryton(tryton: RunningTryton, supplier: str, number: str) -> int:
    session, seed = tryton.session(), tryton.seed
    party = session.create("party.party", name=supplier, addresses=[["create", [{"city": "Oslo"}]]])
    line = {
        "type": "line",
        "description": "Paper",
        "quantity": 1.0,
        "unit_price": {"__class__": "Decimal", "decimal": "12.3500"},
        "account": seed.account_expense,
        "taxes": [["add", [seed.tax_standard]]],
    }
    return session.create(
        "account.invoice",
        type="in",
        company=seed.company,
        currency=seed.currency,
        party=party,
        invoice_address=session.search("party.address", [["party", "=", party]])[0]["id"],
        account=seed.account_payable,
        journal=session.search("account.journal", [["type", "=", "expense"]])[0]["id"],
        reference=number,
        lines=[["create", [line]]],
    )


def move_in_tryton(tryton: RunningTryton, description: str, debit: str, credit: str) -> int:
    session, seed = tryton.session(), tryton.seed
    day = TODAY.isoformat()
    (period,) = session.search(
        "account.period", [["start_date", "<=", day], ["end_date", ">=", day], ["type", "=", "standard"]]
    )
    (deferred,) = session.search("account.account", [["code", "=", "2.2.2"]])

    def money(amount: str) -> dict[str, str]:
        return {"__class__": "Decimal", "decimal": amount}

    lines = [
        {"account": deferred["id"], "debit": money(debit), "credit": money("0")},
        {"account": seed.account_revenue, "debit": money("0"), "credit": money(credit)},
    ]
    return session.create(
        "account.move",
        company=seed.company,
        journal=int(settings(tryton)["entry_journal"]),
        period=period["id"],
        date=day,
        description=description,
        lines=[["create", lines]],
    )
