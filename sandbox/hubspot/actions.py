"""What a salesperson does in HubSpot's screens: create a deal, win it, lose it, change its amount."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.framework.clock import iso_millis
from sandbox.framework.store import Document
from sandbox.framework.vendor import Action, ActionError, ActionField, Vendor
from sandbox.hubspot.records import InvalidPropertyError, Records


def for_vendor(vendor: Vendor) -> list[Action]:
    def at(account: str, now: datetime) -> Records:
        return Records(vendor.store, account, now, source="CRM_UI", webhooks=vendor.webhooks)

    def create(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        try:
            return create_deal(at(account, now), params)
        except InvalidPropertyError as invalid:
            raise ActionError(str(invalid)) from invalid

    def move(stage: str, verb: str):  # type: ignore[no-untyped-def]
        def run(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
            portal = at(account, now)
            deal = portal.update("deals", _deal(portal, params), {"dealstage": stage})
            return {"message": f"{deal['properties']['dealname']} is {verb}.", "id": deal["id"]}

        return run

    def change_amount(account: str, params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        portal = at(account, now)
        try:
            deal = portal.update("deals", _deal(portal, params), {"amount": str(params["amount"])})
        except InvalidPropertyError as invalid:
            raise ActionError(str(invalid)) from invalid
        return {"message": f"The amount is now {params['amount']}.", "id": deal["id"]}

    return [
        Action(
            "create_deal", "Create a deal", create,
            fields=(
                ActionField("name", "Deal name"), ActionField("company", "Company name"),
                ActionField("company_domain", "Company domain", required=False),
                ActionField("contact_name", "Contact name", required=False),
                ActionField("contact_email", "Contact e-mail", required=False),
                ActionField("amount", "Amount (or from the lines)", required=False),
                ActionField("currency", "Currency (the account's)", required=False),
                ActionField("lines", "Lines: what x quantity x price; ...", required=False),
            ),
        ),
        Action("win_deal", "Mark this deal as won", move("closedwon", "won"), "deals", shown=_is_open),
        Action("lose_deal", "Mark this deal as lost", move("closedlost", "lost"), "deals", shown=_is_open),
        Action(
            "change_amount", "Change the amount", change_amount, "deals", fields=(ActionField("amount", "Amount"),)
        ),
    ]  # fmt: skip


def create_deal(portal: Records, params: Mapping[str, Any]) -> dict[str, Any]:
    """A deal with its company, contact and line items, each found if it exists."""
    company = _company(portal, params)
    currency = str(params.get("currency") or _currency(portal))
    lines = _lines(params.get("lines"))
    total = sum((line["quantity"] * line["price"] for line in lines), Decimal(0))
    deal = portal.create("deals", {
        "dealname": params["name"], "amount": str(params.get("amount") or total or ""), "deal_currency_code": currency,
        "dealstage": "contractsent", "closedate": iso_millis(portal.now),
    })  # fmt: skip
    portal.associate("deals", deal["id"], "companies", company["id"])
    contact = _contact(portal, params, company)
    if contact:
        portal.associate("deals", deal["id"], "contacts", contact["id"])
    for line in lines:
        item = portal.create("line_items", {
            "name": line["name"], "quantity": line["quantity"], "price": line["price"],
            "hs_line_item_currency_code": currency,
        })  # fmt: skip
        portal.associate("deals", deal["id"], "line_items", item["id"])
    return {"message": f"Deal {params['name']} created.", "id": deal["id"], "company_id": company["id"]}


def _company(portal: Records, params: Mapping[str, Any]) -> Document:
    for company in portal.store.all(portal.account, "companies"):
        if not company["archived"] and params["company"] in (company["id"], company["properties"].get("name")):
            return company
    return portal.create("companies", {"name": params["company"], "domain": params.get("company_domain")})


def _contact(portal: Records, params: Mapping[str, Any], company: Document) -> Document | None:
    email = params.get("contact_email")
    if not email:
        linked = list(portal.linked("companies", company["id"], "contacts"))
        return portal.store.peek(portal.account, "contacts", linked[0]) if linked else None
    for contact in portal.store.all(portal.account, "contacts"):
        if contact["properties"].get("email") == email and not contact["archived"]:
            return contact
    first, _, last = str(params.get("contact_name") or email.split("@")[0]).partition(" ")
    made = portal.create("contacts", {"email": email, "firstname": first, "lastname": last})
    portal.associate("contacts", made["id"], "companies", company["id"])
    return made


def _lines(given: Any) -> list[dict[str, Any]]:
    """From the API a list of `{name, quantity, price}`; from the page `Design x 10 x 95; Hosting x 1 x 300`."""
    if isinstance(given, str):
        parts = [[part.strip() for part in line.rsplit(" x ", 2)] for line in given.split(";") if line.strip()]
        if any(len(part) != 3 for part in parts):
            raise ActionError("Write each line as: what x quantity x price; and separate lines by semicolons")
        given = [{"name": name, "quantity": quantity, "price": price} for name, quantity, price in parts]
    try:
        return [
            {"name": line["name"], "quantity": Decimal(str(line["quantity"])), "price": Decimal(str(line["price"]))}
            for line in given or []
        ]
    except (InvalidOperation, KeyError) as error:
        raise ActionError("Each line needs a name and numbers for quantity and price") from error


def _currency(portal: Records) -> str:
    account = portal.store.peek("_system", "accounts", portal.account) or {}
    return str(account.get("currency", "EUR"))


def _deal(portal: Records, params: Mapping[str, Any]) -> Document:
    wanted = str(params.get("id", ""))
    for deal in portal.store.all(portal.account, "deals"):
        if wanted in (deal["id"], deal["properties"].get("dealname")) and not deal["archived"]:
            return portal.store.get(portal.account, "deals", deal["id"]) or deal
    raise ActionError(f"There is no deal {wanted!r} in this account")


def _is_open(deal: Document) -> bool:
    return bool(deal["properties"].get("hs_is_closed") != "true")
