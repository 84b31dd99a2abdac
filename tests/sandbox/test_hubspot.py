"""Practice HubSpot behaves as its documentation says: paging, search, associations, properties, webhooks."""

import pytest

from sandbox.control import Control
from tests.sandbox.clients import Api

DEALS = "/crm/v3/objects/deals"


@pytest.fixture
def company(hubspot: Api) -> dict:
    answer = hubspot.call(
        "POST", "/crm/v3/objects/companies", {"properties": {"name": "Zephyr Ltd", "domain": "zephyr.example"}}
    )
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
def deal(hubspot: Api, company: dict) -> dict:
    body = {
        "properties": {"dealname": "Wind study", "amount": "1200.50", "deal_currency_code": "EUR"},
        "associations": [
            {"to": {"id": company["id"]}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]}
        ],
    }
    return hubspot.call("POST", DEALS, body).json()


class TestLists:
    @pytest.mark.parametrize("limit", [1, 7, 100])
    def test_pages_end_and_miss_nothing(self, hubspot: Api, control: Control, limit: int) -> None:
        seen: list[str] = []
        after = ""
        while True:
            page = hubspot.get("/crm/v3/objects/contacts", limit=limit, **({"after": after} if after else {}))
            seen += [item["id"] for item in page["results"]]
            if "paging" not in page:
                break
            after = page["paging"]["next"]["after"]

        stored = {i["id"] for i in control.documents("hubspot", "kestrel-studio", "contacts") if not i["archived"]}
        assert (set(seen), len(seen)) == (stored, len(stored))

    def test_asked_properties_and_associations_come_along(self, hubspot: Api, deal: dict, company: dict) -> None:
        found = hubspot.get(f"{DEALS}/{deal['id']}", properties="amount,description", associations="companies")

        assert found["properties"]["amount"] == "1200.50"
        assert found["properties"]["description"] is None
        assert {item["type"] for item in found["associations"]["companies"]["results"]} == {
            "deal_to_company", "deal_to_company_unlabeled",
        }  # fmt: skip
        assert {item["id"] for item in found["associations"]["companies"]["results"]} == {company["id"]}

    def test_an_archived_record_is_gone_but_can_be_read_as_archived(self, hubspot: Api, deal: dict) -> None:
        assert hubspot.call("DELETE", f"{DEALS}/{deal['id']}").status_code == 204
        assert hubspot.call("GET", f"{DEALS}/{deal['id']}").status_code == 404
        assert hubspot.get(f"{DEALS}/{deal['id']}", archived="true")["archived"] is True

    def test_batch_read_tells_found_from_missing(self, hubspot: Api, deal: dict) -> None:
        body = {"inputs": [{"id": deal["id"]}, {"id": "1"}], "properties": ["dealname"]}
        answer = hubspot.call("POST", f"{DEALS}/batch/read", body)
        assert answer.status_code == 207
        assert [item["id"] for item in answer.json()["results"]] == [deal["id"]]
        assert answer.json()["numErrors"] == 1


class TestSearch:
    def test_changes_since_in_order_with_paging(self, hubspot: Api, control: Control) -> None:
        deals = sorted(
            item["properties"]["hs_lastmodifieddate"]
            for item in control.documents("hubspot", "kestrel-studio", "deals")
            if not item["archived"]
        )
        since = deals[len(deals) // 2]
        filters = [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": since}]
        seen: list[dict] = []
        after = None
        while True:
            body = {
                "filterGroups": [{"filters": filters}],
                "sorts": ["hs_lastmodifieddate"],
                "limit": 3,
                "after": after,
            }
            page = hubspot.call("POST", f"{DEALS}/search", body).json()
            seen += page["results"]
            if "paging" not in page:
                break
            after = page["paging"]["next"]["after"]

        stamps = [item["properties"]["hs_lastmodifieddate"] for item in seen]
        assert stamps == [stamp for stamp in deals if stamp >= since]
        assert page["total"] == len(stamps)

    def test_it_never_goes_past_ten_thousand(self, hubspot: Api) -> None:
        answer = hubspot.call("POST", f"{DEALS}/search", {"limit": 100, "after": "9950"})
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")

    def test_filters_compare_numbers_as_numbers(self, hubspot: Api, deal: dict) -> None:
        filters = [
            {"propertyName": "dealname", "operator": "EQ", "value": "Wind study"},
            {"propertyName": "amount", "operator": "BETWEEN", "value": "900", "highValue": "1200.5"},
        ]
        page = hubspot.call("POST", f"{DEALS}/search", {"filterGroups": [{"filters": filters}]}).json()
        assert deal["id"] in [item["id"] for item in page["results"]]


class TestWriting:
    def test_an_unknown_property_is_refused_by_name(self, hubspot: Api, deal: dict) -> None:
        answer = hubspot.call("PATCH", f"{DEALS}/{deal['id']}", {"properties": {"mood": "good"}})
        assert answer.status_code == 400
        assert "PROPERTY_DOESNT_EXIST" in answer.json()["message"]

    def test_a_declared_property_is_accepted(self, hubspot: Api, deal: dict) -> None:
        made = {"name": "project_link", "label": "Project", "type": "string", "fieldType": "text", "groupName": "x"}
        assert hubspot.call("POST", "/crm/v3/properties/deals", made).status_code in (201, 409)
        answer = hubspot.call("PATCH", f"{DEALS}/{deal['id']}", {"properties": {"project_link": "P-1"}})
        assert answer.json()["properties"]["project_link"] == "P-1"

    def test_winning_sets_what_follows_from_it(self, hubspot: Api, deal: dict) -> None:
        won = hubspot.call("PATCH", f"{DEALS}/{deal['id']}", {"properties": {"dealstage": "closedwon"}}).json()
        assert won["properties"]["hs_is_closed_won"] == "true"
        assert won["properties"]["closedate"] >= won["properties"]["createdate"]
        assert hubspot.call("PATCH", f"{DEALS}/{deal['id']}", {"properties": {"dealstage": "won!"}}).status_code == 400

    def test_a_contact_is_unique_by_email(self, hubspot: Api) -> None:
        taken = hubspot.get("/crm/v3/objects/contacts")["results"][0]["properties"]["email"]
        answer = hubspot.call("POST", "/crm/v3/objects/contacts", {"properties": {"email": taken}})
        assert (answer.status_code, answer.json()["category"]) == (409, "CONFLICT")

    def test_associations_are_read_from_both_ends_and_removed(self, hubspot: Api, deal: dict, company: dict) -> None:
        one = f"/crm/v4/objects/companies/{company['id']}/associations/deals"
        assert [item["toObjectId"] for item in hubspot.get(one)["results"]] == [int(deal["id"])]
        assert hubspot.call("DELETE", f"{one}/{deal['id']}").status_code == 204
        assert hubspot.get(f"/crm/v4/objects/deals/{deal['id']}/associations/companies")["results"] == []


class TestNotes:
    def test_a_note_on_a_deal(self, hubspot: Api, deal: dict) -> None:
        to_deal = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}
        body = {
            "properties": {"hs_note_body": "Project created", "hs_timestamp": "2026-09-15T10:00:00Z"},
            "associations": [{"to": {"id": deal["id"]}, "types": [to_deal]}],
        }
        answer = hubspot.call("POST", "/crm/v3/objects/notes", body)
        notes = hubspot.get(f"/crm/v4/objects/deals/{deal['id']}/associations/notes")["results"]
        assert answer.status_code == 201, answer.text
        assert [item["toObjectId"] for item in notes] == [int(answer.json()["id"])]


class TestActions:
    def test_a_deal_created_on_the_page_has_company_contact_and_lines(self, control: Control, hubspot: Api) -> None:
        lines = [
            {"name": "Design", "quantity": "12", "price": "95.50"},
            {"name": "Hosting", "quantity": "1", "price": "300"},
        ]
        made = control.create_deal(
            "kestrel-studio", "Fresh deal", "Brand New SARL", contact_email="a@new.example", lines=lines
        )

        associated = hubspot.get(f"{DEALS}/{made['id']}", associations="companies,contacts,line_items")
        assert associated["properties"]["amount"] == "1446.00"
        assert set(associated["associations"]) == {"companies", "contacts", "line items"}
        assert control.win_deal("kestrel-studio", made["id"])["id"] == made["id"]
        assert hubspot.get(f"{DEALS}/{made['id']}")["properties"]["dealstage"] == "closedwon"
