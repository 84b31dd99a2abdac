"""Practice Xero behaves as its documentation says: amounts, states, refusals, payments, credit, idempotency."""

import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from sandbox.control import Control
from sandbox.xero.amounts import line_amount, tax_amount, totals
from sandbox.xero.where import WhereError, parse_where
from tests.sandbox.clients import Api
from tests.sandbox.conftest import Running


def unique(name: str) -> str:
    return f"{name} {uuid.uuid4().hex[:8]}"


@pytest.fixture
def contact(xero: Api) -> dict:
    answer = xero.call("PUT", "/Contacts", {"Contacts": [{"Name": unique("Zephyr"), "ContactNumber": unique("C")}]})
    assert answer.status_code == 200, answer.text
    return answer.json()["Contacts"][0]


def invoice_body(contact: dict, **values: object) -> dict:
    line = {
        "Description": "Consulting",
        "Quantity": 3.25,
        "UnitAmount": 33.33,
        "AccountCode": "200",
        "TaxType": "OUTPUT2",
    }
    return {
        "Type": "ACCREC", "Contact": {"ContactID": contact["ContactID"]}, "Date": "2026-09-01",
        "DueDate": "2026-10-01", "LineItems": [line], **values,
    }  # fmt: skip


def made(xero: Api, body: dict) -> dict:
    answer = xero.call("PUT", "/Invoices", {"Invoices": [body]})
    assert answer.status_code == 200, answer.text
    return answer.json()["Invoices"][0]


class TestAmounts:
    @pytest.mark.parametrize(
        ("amount_types", "expected"),
        [("Exclusive", (108.32, 21.66, 129.98)), ("Inclusive", (90.27, 18.05, 108.32)), ("NoTax", (108.32, 0, 108.32))],
    )
    def test_lines_and_totals(self, xero: Api, contact: dict, amount_types: str, expected: tuple) -> None:
        invoice = made(xero, invoice_body(contact, LineAmountTypes=amount_types))
        assert (invoice["SubTotal"], invoice["TotalTax"], invoice["Total"]) == expected
        assert invoice["AmountDue"] == expected[2]

    def test_tax_is_rounded_on_each_line(self) -> None:
        taxes = [tax_amount(Decimal("0.13"), Decimal(20), "Exclusive") for _number in range(3)]
        sums = totals([(Decimal("0.13"), tax) for tax in taxes], "Exclusive")
        assert (sums.total_tax, sums.total) == (Decimal("0.09"), Decimal("0.48"))  # not 0.08, which 0.39 at 20 % gives

    def test_yen_are_kept_at_two_decimals_like_any_currency(self) -> None:
        assert line_amount(Decimal("1.333"), Decimal(10_001)) == Decimal("13331.33")
        assert tax_amount(Decimal(13_331), Decimal(20), "Exclusive") == Decimal("2666.20")

    def test_the_tax_of_a_line_may_be_given(self, xero: Api, contact: dict) -> None:
        body = invoice_body(contact)
        body["LineItems"] = [{**body["LineItems"][0], "TaxAmount": 21}]

        invoice = made(xero, body)

        assert (invoice["SubTotal"], invoice["TotalTax"], invoice["Total"]) == (108.32, 21, 129.32)

    def test_halves_go_up(self) -> None:
        assert line_amount(Decimal("0.5"), Decimal("0.05")) == Decimal("0.03")


class TestInvoiceStates:
    def test_from_draft_to_paid(self, xero: Api, contact: dict) -> None:
        draft = made(xero, invoice_body(contact))
        assert (draft["Status"], draft["InvoiceNumber"][:4]) == ("DRAFT", "INV-")
        assert (draft["DateString"], draft["Date"]) == ("2026-09-01T00:00:00", "/Date(1788220800000+0000)/")

        authorised = xero.call("POST", f"/Invoices/{draft['InvoiceID']}", {"Status": "AUTHORISED"}).json()["Invoices"][
            0
        ]
        body = {
            "Invoice": {"InvoiceID": draft["InvoiceID"]},
            "Account": {"Code": "090"},
            "Amount": 100,
            "Date": "2026-09-20",
        }
        assert xero.call("PUT", "/Payments", {"Payments": [body]}).status_code == 200
        part = xero.get(f"/Invoices/{draft['InvoiceID']}")["Invoices"][0]
        too_much = xero.call("PUT", "/Payments", {"Payments": [{**body, "Amount": 29.99}]})
        last = xero.call("PUT", "/Payments", {"Payments": [{**body, "Amount": 29.98}]}).json()["Payments"][0]
        paid = xero.get(f"/Invoices/{draft['InvoiceNumber']}")["Invoices"][0]

        assert authorised["Status"] == "AUTHORISED"
        assert (part["Status"], part["AmountPaid"], part["AmountDue"]) == ("AUTHORISED", 100, 29.98)
        assert "exceeds the amount outstanding" in too_much.text
        assert (paid["Status"], paid["AmountDue"], len(paid["Payments"])) == ("PAID", 0, 2)
        assert xero.call("POST", f"/Invoices/{draft['InvoiceID']}", {"Status": "VOIDED"}).status_code == 400

        assert xero.call("POST", f"/Payments/{last['PaymentID']}", {"Status": "DELETED"}).status_code == 200
        assert xero.get(f"/Invoices/{draft['InvoiceID']}")["Invoices"][0]["Status"] == "AUTHORISED"

    def test_payment_against_a_draft_is_refused(self, xero: Api, contact: dict) -> None:
        draft = made(xero, invoice_body(contact))
        body = {"Invoice": {"InvoiceID": draft["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1}
        assert "Authorised documents" in xero.call("PUT", "/Payments", body).text

    def test_the_bookkeepers_buttons(self, xero: Api, control: Control, contact: dict) -> None:
        draft = made(xero, invoice_body(contact, DueDate=None))
        control.authorise_invoice("kestrel-studio", draft["InvoiceNumber"])
        control.pay_invoice("kestrel-studio", draft["InvoiceID"])
        assert xero.get(f"/Invoices/{draft['InvoiceID']}")["Invoices"][0]["Status"] == "PAID"

    def test_a_credit_note_settles_an_invoice(self, xero: Api, contact: dict) -> None:
        invoice = made(xero, invoice_body(contact, Status="AUTHORISED"))
        body = {**invoice_body(contact), "Type": "ACCRECCREDIT", "Status": "AUTHORISED"}
        note = xero.call("PUT", "/CreditNotes", {"CreditNotes": [body]}).json()["CreditNotes"][0]
        allocation = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": 129.98, "Date": "2026-09-30"}

        path = f"/CreditNotes/{note['CreditNoteID']}/Allocations"
        assert xero.call("PUT", path, {"Allocations": [{**allocation, "Amount": 129.99}]}).status_code == 400
        assert xero.call("PUT", path, {"Allocations": [allocation]}).status_code == 200

        after = xero.get(f"/Invoices/{invoice['InvoiceID']}")["Invoices"][0]
        assert (after["AmountCredited"], after["AmountDue"], after["Status"]) == (129.98, 0, "PAID")
        assert xero.get(f"/CreditNotes/{note['CreditNoteID']}")["CreditNotes"][0]["RemainingCredit"] == 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ({"TaxType": "NOSUCH"}, "The TaxType code 'NOSUCH' does not exist"),
            ({"TaxType": "INPUT2"}, "cannot be used for this type of transaction"),
            ({"AccountCode": "999"}, "Account code '999' is not a valid code"),
            ({"AccountCode": "090"}, "Account code '090' is not a valid code"),
            ({"LineAmount": 1}, "does not match the expected line total"),
            ({"Tracking": [{"Name": "Practice", "Option": "Nowhere"}]}, "does not exist in this organisation"),
        ],
    )
    def test_bad_lines(self, xero: Api, contact: dict, line: dict, says: str) -> None:
        body = invoice_body(contact)
        body["LineItems"][0] |= line
        answer = xero.call("PUT", "/Invoices", {"Invoices": [body]})
        element = answer.json()["Elements"][0]
        assert (answer.status_code, answer.json()["Type"]) == (400, "ValidationException")
        assert says in element["ValidationErrors"][0]["Message"]

    def test_unknown_contact(self, xero: Api) -> None:
        answer = xero.call("PUT", "/Invoices", {"Invoices": [invoice_body({"ContactID": str(uuid.uuid4())})]})
        assert "could not be found" in answer.json()["Elements"][0]["ValidationErrors"][0]["Message"]

    def test_an_archived_tax_rate_is_refused_until_restored(self, xero: Api, control: Control, contact: dict) -> None:
        control.act("xero", "archive_tax_rate", "kestrel-studio", id="OUTPUT2")
        refused = xero.call("PUT", "/Invoices", {"Invoices": [invoice_body(contact)]})
        control.act("xero", "restore_tax_rate", "kestrel-studio", id="OUTPUT2")
        assert refused.status_code == 400
        assert made(xero, invoice_body(contact))["TotalTax"] == 21.66

    def test_one_bad_element_leaves_nothing_behind_unless_asked(self, xero: Api, contact: dict) -> None:
        number = unique("N")
        body = {"Invoices": [invoice_body(contact, InvoiceNumber=number), invoice_body(contact, Type="WRONG")]}
        assert xero.call("PUT", "/Invoices", body).status_code == 400
        assert xero.get("/Invoices", InvoiceNumbers=number)["Invoices"] == []

        answer = xero.call("PUT", "/Invoices?summarizeErrors=false", body)
        assert [item["StatusAttributeString"] for item in answer.json()["Invoices"]] == ["OK", "ERROR"]
        assert len(xero.get("/Invoices", InvoiceNumbers=number)["Invoices"]) == 1

    def test_the_tenant_header_is_required(self, xero: Api) -> None:
        assert xero.call("GET", "/Organisation", headers={"xero-tenant-id": ""}).status_code == 403

    def test_a_contact_name_is_unique(self, xero: Api, contact: dict) -> None:
        answer = xero.call("PUT", "/Contacts", {"Contacts": [{"Name": contact["Name"]}]})
        assert "already assigned to another contact" in answer.text
        assert xero.call("POST", "/Contacts", {"Contacts": [{"Name": contact["Name"]}]}).status_code == 200


class TestIdempotency:
    def test_the_same_request_gets_the_first_answer(self, xero: Api, contact: dict) -> None:
        key, body = {"Idempotency-Key": unique("k")}, {"Invoices": [invoice_body(contact)]}
        first = xero.call("PUT", "/Invoices", body, headers=key).json()
        again = xero.call("PUT", "/Invoices", body, headers=key).json()
        assert again == first
        assert len(xero.get("/Invoices", ContactIDs=contact["ContactID"])["Invoices"]) == 1

    def test_the_same_key_with_another_request_is_refused(self, xero: Api, contact: dict) -> None:
        key = {"Idempotency-Key": unique("k")}
        xero.call("PUT", "/Invoices", {"Invoices": [invoice_body(contact)]}, headers=key)
        other = xero.call("PUT", "/Invoices", {"Invoices": [invoice_body(contact, Reference="x")]}, headers=key)
        assert other.status_code == 400
        assert len(xero.get("/Invoices", ContactIDs=contact["ContactID"])["Invoices"]) == 1

    def test_a_dropped_answer_can_be_fetched_with_the_key(self, xero: Api, contact: dict) -> None:
        key, body = {"Idempotency-Key": unique("k")}, {"Invoices": [invoice_body(contact)]}
        with pytest.raises(requests.ConnectionError):
            xero.call("PUT", "/Invoices", body, headers={**key, "X-Practice-Fault": "drop_after"})
        answer = xero.call("PUT", "/Invoices", body, headers=key)
        found = xero.get("/Invoices", ContactIDs=contact["ContactID"])["Invoices"]
        assert [item["InvoiceID"] for item in found] == [answer.json()["Invoices"][0]["InvoiceID"]]


class TestLists:
    @pytest.mark.parametrize("size", [4, 100])
    def test_pages_end_and_miss_nothing(self, xero: Api, control: Control, size: int) -> None:
        seen: list[str] = []
        number, pages = 1, 1
        while number <= pages:
            page = xero.get("/Invoices", page=number, pageSize=size)
            seen += [item["InvoiceID"] for item in page["Invoices"]]
            number, pages = number + 1, page["pagination"]["pageCount"]

        stored = {item["InvoiceID"] for item in control.documents("xero", "kestrel-studio", "invoices")}
        assert (set(seen), len(seen)) == (stored, len(stored))

    def test_if_modified_since(self, xero: Api, contact: dict) -> None:
        latest = xero.call("GET", "/Contacts", headers={"If-Modified-Since": "2099-01-01T00:00:00"}).json()
        assert latest["Contacts"] == []
        recent = xero.call("GET", "/Contacts", headers={"If-Modified-Since": "2026-10-01T00:00:00"}).json()
        assert contact["ContactID"] in [item["ContactID"] for item in recent["Contacts"]]

    def test_found_by_number_and_by_where(self, xero: Api, contact: dict) -> None:
        assert xero.get(f"/Contacts/{contact['ContactNumber']}")["Contacts"][0]["ContactID"] == contact["ContactID"]
        found = xero.get("/Contacts", where=f'ContactNumber=="{contact["ContactNumber"]}"')["Contacts"]
        assert [item["Name"] for item in found] == [contact["Name"]]
        assert xero.call("GET", "/Contacts?where=Name=").status_code == 400

    def test_xml_unless_json_is_asked_for(self, xero: Api) -> None:
        answer = xero.call("GET", "/TaxRates", headers={"Accept": "*/*"})
        assert answer.headers["Content-Type"].startswith("text/xml")
        assert "<TaxRate><Name>" in answer.text

    @pytest.mark.parametrize(
        ("text", "fits"),
        [
            ('Name=="A b" AND Total>=10', True), ('Total>10.5 OR Name.Contains("B")', True), ("Name!=null", True),
            ('(Name=="x" || Total==10.5) && Date<DateTime(2026,01,31)', True), ('Contact.Name.StartsWith("z")', False),
            ('ContactID==guid("7")', True),
        ],
    )  # fmt: skip
    def test_where(self, text: str, fits: bool) -> None:
        document = {
            "Name": "A b",
            "Total": Decimal("10.5"),
            "Date": "2026-01-30",
            "Contact": {"Name": "y"},
            "ContactID": "7",
        }
        assert parse_where(text)(document) is fits

    @pytest.mark.parametrize("text", ["Name", "Name==", '(Name=="x"', "== 3", "Name ~ 3"])
    def test_an_unreadable_where_says_so(self, text: str) -> None:
        with pytest.raises(WhereError):
            parse_where(text)


class TestConnections:
    def test_a_token_lists_its_tenant(self, xero: Api, control: Control) -> None:
        base = control.base_url("xero")
        found = xero.session.get(f"{base}/connections", headers=xero.headers, timeout=30).json()
        assert [item["tenantId"] for item in found] == [xero.credentials["tenant_id"]]


class TestLockDates:
    @pytest.fixture
    def locked(self, running: Running, xero: Api) -> Iterator[str]:
        """The last closed day of the books, as their bookkeeper set it."""
        store, account = running.practice.vendors["xero"].store, xero.headers["xero-tenant-id"]

        def put(day: str | None) -> None:
            known = store.peek(account, "organisation", "organisation") or {}
            store.put(account, "organisation", "organisation", {**known, "PeriodLockDate": day})

        running.call(lambda: put("2025-08-31"))
        yield "2025-08-31"
        running.call(lambda: put(None))

    def test_drafts_may_lie_in_a_locked_period_but_nothing_posted_may(
        self, xero: Api, contact: dict, locked: str
    ) -> None:
        draft = made(xero, invoice_body(contact, Date=locked))
        assert draft["Status"] == "DRAFT"

        approved = xero.call("POST", f"/Invoices/{draft['InvoiceID']}", {"Status": "AUTHORISED"})
        posted = xero.call("PUT", "/Invoices", {"Invoices": [invoice_body(contact, Date=locked, Status="AUTHORISED")]})
        for answer in (approved, posted):
            assert answer.status_code == 400
            (refusal,) = answer.json()["Elements"][0]["ValidationErrors"]
            assert refusal["Message"] == (
                "The document date cannot be before the period lock date, currently set at 31-Aug-2025"
            )
        moved = {"Status": "AUTHORISED", "Date": "2025-09-01", "DueDate": "2025-10-01"}
        assert xero.call("POST", f"/Invoices/{draft['InvoiceID']}", moved).status_code == 200

    def test_a_credit_note_neither_and_the_organisation_tells_the_date(
        self, xero: Api, contact: dict, locked: str
    ) -> None:
        body = {**invoice_body(contact, Date=locked, Status="AUTHORISED"), "Type": "ACCRECCREDIT"}
        del body["DueDate"]

        assert xero.call("PUT", "/CreditNotes", {"CreditNotes": [body]}).status_code == 400
        assert xero.call("PUT", "/CreditNotes", {"CreditNotes": [{**body, "Date": "2025-09-01"}]}).status_code == 200
        told = xero.call("GET", "/Organisation").json()["Organisations"][0]
        assert told["PeriodLockDate"] == "/Date(1756598400000+0000)/"
