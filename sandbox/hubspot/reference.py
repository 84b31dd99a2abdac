"""Owners, pipelines, properties, and who a token belongs to."""

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.store import Document
from sandbox.hubspot.answers import error, not_found, objects_page
from sandbox.hubspot.objects import kind_of, records
from sandbox.hubspot.schema import PIPELINE, PROPERTIES, READ_ONLY, STAGES


def _owners(call: Call) -> Reply:
    found = sorted(call.store.all(call.account, "owners"), key=lambda owner: int(owner["id"]))
    if call.query.get("email"):
        found = [owner for owner in found if owner["email"] == call.query["email"]]
    after = int(call.query.get("after") or 0)
    found = [owner for owner in found if int(owner["id"]) > after]
    limit = call.number("limit", default=100, most=500)
    return Reply(objects_page(call, found[:limit], found[limit - 1]["id"] if len(found) > limit else None))


def _owner(call: Call) -> Reply:
    found = call.store.peek(call.account, "owners", call.params["id"])
    if found is None:
        raise Refusal(not_found())
    return Reply(found)


def pipeline(stamp: str) -> Document:
    stages = [
        {
            "id": stage.id, "label": stage.label, "displayOrder": number, "archived": False, "createdAt": stamp,
            "updatedAt": stamp, "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            "metadata": {"isClosed": "true" if stage.closed else "false", "probability": stage.probability},
        }
        for number, stage in enumerate(STAGES)
    ]  # fmt: skip
    return {
        "id": PIPELINE, "label": "Sales Pipeline", "displayOrder": 0, "archived": False, "createdAt": stamp,
        "updatedAt": stamp, "stages": stages,
    }  # fmt: skip


def _pipelines(call: Call) -> Reply:
    _only_deals(call)
    return Reply({"results": call.store.all(call.account, "pipelines")})


def _pipeline(call: Call) -> Reply:
    _only_deals(call)
    found = call.store.peek(call.account, "pipelines", call.params["id"])
    if found is None:
        raise Refusal(not_found())
    return Reply({"results": found["stages"]} if call.path.endswith("/stages") else found)


def _only_deals(call: Call) -> None:
    if call.params["type"] not in ("deals", "deal", "0-3"):
        raise Refusal(error("Only deals have pipelines here", "VALIDATION_ERROR", 400))


def _properties(call: Call) -> Reply:
    kind = kind_of(call)
    own = [_property(name, kind) for name in PROPERTIES[kind]]
    return Reply({"results": [*own, *records(call).custom(kind)]})


def _property(name: str, kind: str) -> Document:
    is_number = name in ("amount", "price", "quantity", "discount", "hs_closed_amount", "numberofemployees")
    is_date = "date" in name or name == "hs_timestamp"
    return {
        "name": name, "label": name.replace("_", " ").title(), "objectType": kind, "groupName": f"{kind}information",
        "type": "number" if is_number else "datetime" if is_date else "string",
        "fieldType": "number" if is_number else "date" if is_date else "text", "hubspotDefined": True,
        "archived": False, "modificationMetadata": {"readOnlyValue": name in READ_ONLY},
    }  # fmt: skip


def _create_property(call: Call) -> Reply:
    kind, given = kind_of(call), call.object()
    name = str(given.get("name") or "")
    if not name or name != name.lower():
        raise Refusal(error("A property needs a lower-case name", "VALIDATION_ERROR", 400))
    if name in PROPERTIES[kind] or any(item["name"] == name for item in records(call).custom(kind)):
        raise Refusal(error(f"A property named '{name}' already exists.", "OBJECT_ALREADY_EXISTS", 409))
    made = {**_property(name, kind), "hubspotDefined": False, "createdAt": iso_millis(call.now)}
    made |= {key: given[key] for key in ("label", "type", "fieldType", "groupName", "hasUniqueValue") if key in given}
    call.store.put(call.account, "properties", f"{kind}:{name}", made)
    return Reply(made, 201)


def _account_details(call: Call) -> Reply:
    account = call.vendor.account(call.account)
    return Reply(
        {
            "portalId": int(call.account), "accountType": "STANDARD", "timeZone": "Europe/Paris",
            "companyCurrency": account["currency"], "additionalCurrencies": ["EUR", "USD", "GBP", "JPY"],
            "utcOffset": "+02:00", "utcOffsetMilliseconds": 7_200_000, "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )  # fmt: skip


def _token_details(call: Call) -> Reply:
    found = call.store.peek("_system", "tokens", call.params["token"])
    if found is None or found["account"] != call.account:
        raise Refusal(not_found())
    account = call.vendor.account(call.account)
    return Reply(
        {
            "token": call.params["token"], "user": f"owner@{account['slug']}.example", "hub_domain": account["slug"],
            "scopes": found.get("scope", "").split(), "hub_id": int(call.account), "app_id": 4_200_001,
            "expires_in": 1800, "user_id": 1, "token_type": "access",
        }
    )  # fmt: skip


ROUTES = [
    ("GET", "/crm/v3/owners", _owners),
    ("GET", "/crm/v3/owners/", _owners),
    ("GET", "/crm/v3/owners/{id}", _owner),
    ("GET", "/crm/v3/pipelines/{type}", _pipelines),
    ("GET", "/crm/v3/pipelines/{type}/{id}", _pipeline),
    ("GET", "/crm/v3/pipelines/{type}/{id}/stages", _pipeline),
    ("GET", "/crm/v3/properties/{type}", _properties),
    ("POST", "/crm/v3/properties/{type}", _create_property),
    ("GET", "/account-info/v3/details", _account_details),
    ("GET", "/oauth/v1/access-tokens/{token}", _token_details),
]
