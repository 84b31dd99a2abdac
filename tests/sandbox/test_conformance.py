"""Answers and accepted bodies of every operation the product needs, held against the published specifications.

Each operation has a control: the same answer spoiled must be found wrong, else the check proves nothing.
"""

import copy
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.conformance import SpecsMissingError, load_spec, specs_folder
from sandbox.control import Control
from tests.sandbox.clients import Api

pytestmark = pytest.mark.specs

FIRM = "halden-engineering"
Given = Callable[[Api], dict[str, str]]


@pytest.fixture(scope="module", autouse=True)
def specs() -> None:
    try:
        specs_folder()
    except SpecsMissingError as error:
        pytest.skip(str(error))


def spoiled(value: Any) -> list[Any]:
    """Bodies that must be refused: not an object, and each known field with a type it cannot have."""
    wrong = object_of_wrong_types(value)
    return [7, "text", [], *([wrong] if wrong is not None else [])]


def object_of_wrong_types(value: Any) -> Any:
    copied = copy.deepcopy(value)
    target = _innermost(copied)
    for name, held in target.items():
        if held is None:
            continue
        target[name] = {"wrong": True} if not isinstance(held, dict) else "wrong"
    return copied if target else None


def _innermost(value: Any) -> dict[str, Any]:
    """The first record of a list, where there is one: that is what a connector reads."""
    for held in value.values():
        if isinstance(held, list) and held and isinstance(held[0], dict):
            return held[0]
    return value


def check(api: Api, vendor: str, method: str, path: str, body: Any = None, *, spec_path: str = "") -> Any:
    """Call, then hold request and answer against the specification, good and spoiled."""
    operation = load_spec(vendor).operation(method, spec_path or path)
    if body is not None:
        assert operation.request_errors(body) == []
        for bad in (7, "text", object_of_wrong_types(body)):
            assert operation.request_errors(bad), f"{operation} lets a bad body pass: {bad}"
    answer = api.call(method, path, body)
    assert answer.status_code < 300, f"{operation}: {answer.status_code} {answer.text[:500]}"
    value = answer.json()
    assert operation.response_errors(answer.status_code, value) == []
    for bad in spoiled(value):
        assert operation.response_errors(answer.status_code, bad), (
            f"{operation} lets a bad answer pass: {str(bad)[:200]}"
        )
    return value


class TestHarvest:
    @pytest.fixture
    def api(self, control: Control) -> Api:
        return Api.harvest(control, FIRM)

    @pytest.mark.parametrize(
        "name",
        [
            "clients", "contacts", "projects", "tasks", "users", "time_entries", "expenses", "expense_categories",
            "task_assignments", "user_assignments",
        ],
    )  # fmt: skip
    def test_lists_and_single_records(self, api: Api, name: str) -> None:
        page = check(api, "harvest", "GET", f"/{name}")
        assert page[name]
        if name not in ("task_assignments", "user_assignments"):
            check(api, "harvest", "GET", f"/{name}/{page[name][0]['id']}")

    def test_every_time_entry_conforms(self, api: Api) -> None:
        operation = load_spec("harvest").operation("GET", "/time_entries")
        assert operation.response_errors(200, api.get("/time_entries")) == []

    def test_company_and_the_person_behind_the_token(self, api: Api) -> None:
        check(api, "harvest", "GET", "/company")
        me = check(api, "harvest", "GET", "/users/me")
        for name in ("billable_rates", "cost_rates", "project_assignments"):
            check(api, "harvest", "GET", f"/users/{me['id']}/{name}")

    def test_project_set_up_and_time(self, api: Api) -> None:
        client = check(api, "harvest", "POST", "/clients", {"name": f"C {uuid.uuid4().hex[:6]}", "currency": "USD"})
        check(api, "harvest", "PATCH", f"/clients/{client['id']}", {"address": "1 Main St"})
        contact = {"client_id": client["id"], "first_name": "Ann", "last_name": "Lee", "email": "ann@x.example"}
        check(api, "harvest", "POST", "/contacts", contact)
        project = check(api, "harvest", "POST", "/projects", {
            "client_id": client["id"], "name": "P", "is_billable": True, "bill_by": "People", "budget_by": "project",
            "budget": 100, "code": "P-1",
        })  # fmt: skip
        check(api, "harvest", "PATCH", f"/projects/{project['id']}", {"notes": "n", "budget": 120.5})
        task = check(api, "harvest", "POST", "/tasks", {"name": f"T {uuid.uuid4().hex[:6]}"})
        person = check(api, "harvest", "POST", "/users", {
            "first_name": "New", "last_name": "Hand", "email": f"{uuid.uuid4().hex[:6]}@x.example",
        })  # fmt: skip
        base = f"/projects/{project['id']}"
        check(api, "harvest", "POST", f"{base}/task_assignments", {"task_id": task["id"], "billable": True})
        on_project = {"user_id": person["id"], "use_default_rates": False, "hourly_rate": 99.5}
        check(api, "harvest", "POST", f"{base}/user_assignments", on_project)
        entry = check(api, "harvest", "POST", "/time_entries", {
            "project_id": project["id"], "task_id": task["id"], "user_id": person["id"], "spent_date": "2026-09-14",
            "hours": 2.5, "notes": "n", "external_reference": {"id": "1", "group_id": "2"},
        })  # fmt: skip
        assert entry["billable_rate"] == 99.5
        check(api, "harvest", "PATCH", f"/time_entries/{entry['id']}", {"hours": 3, "notes": "changed"})
        category = api.get("/expense_categories", is_active="true")["expense_categories"][0]
        check(api, "harvest", "POST", "/expenses", {
            "project_id": project["id"], "expense_category_id": category["id"], "spent_date": "2026-09-14",
            "user_id": person["id"], "total_cost": 12.34, "units": 3,
        })  # fmt: skip

    @pytest.mark.parametrize(("path", "status"), [("/clients/1", 404), ("/time_entries?per_page=x", 422)])
    def test_errors(self, api: Api, path: str, status: int) -> None:
        answer = api.call("GET", path)
        operation = load_spec("harvest").operation("GET", path)
        assert answer.status_code == status
        assert operation.response_errors(status, answer.json()) == []
        assert operation.response_errors(status, {"code": "x", "message": 1})


class TestHubSpot:
    @pytest.fixture
    def api(self, control: Control) -> Api:
        return Api.hubspot(control, FIRM)

    @pytest.mark.parametrize(
        ("kind", "properties", "change"),
        [
            ("companies", {"name": "Co", "domain": "co.example"}, {"city": "Reno"}),
            ("contacts", {"firstname": "Ada"}, {"jobtitle": "CFO"}),
            ("deals", {"dealname": "D", "amount": "10"}, {"dealstage": "closedwon"}),
            ("line_items", {"name": "L", "price": "10", "quantity": "2"}, {"quantity": "3"}),
            ("notes", {"hs_note_body": "N", "hs_timestamp": "2026-09-15T10:00:00Z"}, {"hs_note_body": "M"}),
        ],
    )
    def test_every_object(self, api: Api, kind: str, properties: dict, change: dict) -> None:
        base = f"/crm/v3/objects/{kind}"
        if kind == "contacts":
            properties = {**properties, "email": f"{uuid.uuid4().hex[:8]}@x.example"}
        made = check(api, "hubspot", "POST", base, {"properties": properties, "associations": []})
        one = f"{base}/{made['id']}"
        check(api, "hubspot", "PATCH", one, {"properties": change})
        check(api, "hubspot", "GET", one)
        api.call("POST", base, {"properties": {**change}})  # a second one, so that there is a next page
        page = check(api, "hubspot", "GET", f"{base}?limit=1", spec_path=base)
        assert page["paging"]["next"]["after"]
        found = check(api, "hubspot", "POST", f"{base}/search", {
            "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": made["id"]}]}],
            "sorts": ["hs_object_id"], "properties": ["hs_object_id"], "limit": 5,
        })  # fmt: skip
        assert found["total"] == 1
        check(api, "hubspot", "POST", f"{base}/batch/read", {"inputs": [{"id": made["id"]}], "properties": ["name"]})
        changed = {"inputs": [{"id": made["id"], "properties": change}]}
        check(api, "hubspot", "POST", f"{base}/batch/update", changed)
        assert api.call("DELETE", one).status_code == 204

    def test_owners(self, api: Api) -> None:
        owners = check(api, "hubspot", "GET", "/crm/v3/owners/")
        check(api, "hubspot", "GET", f"/crm/v3/owners/{owners['results'][0]['id']}")

    def test_associations(self, api: Api) -> None:
        deal = api.get("/crm/v3/objects/deals", associations="companies")["results"][0]
        company = deal["associations"]["companies"]["results"][0]["id"]
        check(api, "hubspot", "GET", f"/crm/v4/objects/deals/{deal['id']}/associations/companies")
        body = {"inputs": [{"id": deal["id"]}]}
        check(api, "hubspot", "POST", "/crm/v4/associations/deals/line_items/batch/read", body)
        check(api, "hubspot", "PUT", f"/crm/v4/objects/deals/{deal['id']}/associations/default/companies/{company}")
        check(api, "hubspot", "GET", "/crm/v3/associations/deals/companies/types")


class TestXero:
    @pytest.fixture
    def api(self, control: Control) -> Api:
        return Api.xero(control, FIRM)

    @pytest.mark.parametrize(
        "name",
        [
            "Contacts", "Invoices", "Payments", "CreditNotes", "TaxRates", "Accounts", "TrackingCategories", "Items",
            "Currencies", "Organisation",
        ],
    )  # fmt: skip
    def test_lists(self, api: Api, name: str) -> None:
        check(api, "xero", "GET", f"/{name}")
        if name in ("Contacts", "Invoices", "Payments"):
            assert check(api, "xero", "GET", f"/{name}?page=1&pageSize=3")["pagination"]["itemCount"] > 3

    def test_contact_to_payment_and_credit(self, api: Api) -> None:
        body = {"Contacts": [{"Name": f"X {uuid.uuid4().hex[:6]}", "TaxNumber": "1", "EmailAddress": "a@x.example",
                              "Addresses": [{"AddressType": "POBOX", "City": "Reno"}]}]}  # fmt: skip
        contact = check(api, "xero", "PUT", "/Contacts", body)["Contacts"][0]
        check(api, "xero", "POST", "/Contacts", {"Contacts": [{"ContactID": contact["ContactID"], "FirstName": "A"}]})
        check(api, "xero", "GET", f"/Contacts/{contact['ContactID']}")
        line = {"Description": "Work", "Quantity": 2.5, "UnitAmount": 99.99, "AccountCode": "200", "TaxType": "OUTPUT",
                "Tracking": [{"Name": "Office", "Option": "Denver"}]}  # fmt: skip
        invoice_body = {
            "Type": "ACCREC", "Contact": {"ContactID": contact["ContactID"]}, "Date": "2026-09-01",
            "DueDate": "2026-10-01", "LineAmountTypes": "Exclusive", "LineItems": [line], "Reference": "r",
            "Status": "DRAFT", "CurrencyCode": "USD",
        }  # fmt: skip
        invoice = check(api, "xero", "PUT", "/Invoices", {"Invoices": [invoice_body]})["Invoices"][0]
        one = f"/Invoices/{invoice['InvoiceID']}"
        changed = {"Invoices": [{"InvoiceID": invoice["InvoiceID"], "Status": "AUTHORISED"}]}
        check(api, "xero", "POST", one, changed)
        check(api, "xero", "GET", one)
        payment = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 50.25,
                   "Date": "2026-09-20"}  # fmt: skip
        made = check(api, "xero", "PUT", "/Payments", {"Payments": [payment]})["Payments"][0]
        check(api, "xero", "GET", f"/Payments/{made['PaymentID']}")
        note_body = {**invoice_body, "Type": "ACCRECCREDIT", "Status": "AUTHORISED"}
        del note_body["DueDate"]
        note = check(api, "xero", "PUT", "/CreditNotes", {"CreditNotes": [note_body]})["CreditNotes"][0]
        allocation = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": 10, "Date": "2026-09-21"}
        path = f"/CreditNotes/{note['CreditNoteID']}/Allocations"
        check(api, "xero", "PUT", path, {"Allocations": [allocation]})
        check(api, "xero", "GET", f"/CreditNotes/{note['CreditNoteID']}")
        check(api, "xero", "GET", one)

    def test_reference_writes(self, api: Api) -> None:
        name = uuid.uuid4().hex[:6]
        rate = {"Name": f"R {name}", "TaxComponents": [{"Name": "VAT", "Rate": 7.5}]}
        check(api, "xero", "PUT", "/TaxRates", {"TaxRates": [rate]})
        check(api, "xero", "PUT", "/Items", {"Items": [{"Code": name, "Name": "I", "SalesDetails": {"UnitPrice": 5}}]})
        check(api, "xero", "PUT", "/Accounts", {"Code": name, "Name": f"A {name}", "Type": "REVENUE"})
        category = api.get("/TrackingCategories")["TrackingCategories"][0]["TrackingCategoryID"]
        check(api, "xero", "PUT", f"/TrackingCategories/{category}/Options", {"Name": name})

    def test_a_validation_error(self, api: Api) -> None:
        answer = api.call("PUT", "/Invoices", {"Invoices": [{"Type": "ACCREC", "Contact": {"ContactID": "nobody"}}]})
        operation = load_spec("xero").operation("PUT", "/Invoices")
        assert answer.status_code == 400
        assert operation.response_errors(400, answer.json()) == []
        assert operation.response_errors(400, {"Elements": "x"})

    def test_connections(self, api: Api, control: Control) -> None:
        operation = load_spec("xero-identity").operation("GET", "/Connections")
        found = api.session.get(f"{control.base_url('xero')}/connections", headers=api.headers, timeout=30).json()
        assert operation.response_errors(200, found) == []
        assert operation.response_errors(200, [{"tenantId": 7}])

    @pytest.mark.parametrize("category", ["INVOICE", "CONTACT", "CREDITNOTE"])
    def test_webhook_events(self, running: Any, category: str) -> None:
        vendor = running.practice.vendors["xero"]
        org = running.control.credentials(FIRM, "xero")["tenant_id"]
        event = {
            "resourceUrl": f"{vendor.base_url}/x", "resourceId": str(uuid.uuid4()), "tenantId": org,
            "eventDateUtc": "2026-09-15T09:00:00.000Z", "eventType": "UPDATE", "eventCategory": category,
            "tenantType": "ORGANISATION", "sequence": 4,
        }  # fmt: skip
        body, _headers = running.call(lambda: vendor.webhook_request({"id": "1", "account": org}, [event], 0))
        spec = load_spec("xero-webhooks")
        assert _event_errors(spec, body) == []
        assert _event_errors(spec, body.replace(b"UPDATE", b"EXPLODE"))


def _event_errors(spec: Any, body: bytes) -> list[str]:
    return spec.errors(spec.schema("WebhookEvent"), json.loads(body))
