"""Writes a plan into a practice HubSpot portal: owners, companies, contacts, deals with lines, all associated."""

from datetime import UTC, date, datetime, time

from sandbox.framework.store import Document, Store
from sandbox.hubspot.records import Records
from sandbox.scenario.fill_harvest import email_of
from sandbox.scenario.firms import Client
from sandbox.scenario.plan import DealPlan, Plan


def fill(store: Store, account: str, plan: Plan) -> None:
    owners = _owners(store, account, plan)
    first = min(deal.opened for deal in plan.deals)
    companies = {client.name: _company(store, account, plan, client, first) for client in plan.firm.clients}
    contacts: dict[str, Document] = {}
    emails: set[str] = set()
    for contact in plan.contacts:
        if contact.email in emails:
            continue
        emails.add(contact.email)
        at = Records(store, account, _moment(first), source="IMPORT")
        record = at.create("contacts", {
            "firstname": contact.first, "lastname": contact.last, "email": contact.email, "phone": contact.phone,
            "jobtitle": contact.title, "company": contact.client.name,
        })  # fmt: skip
        at.associate("contacts", record["id"], "companies", companies[contact.client.name]["id"])
        contacts.setdefault(contact.client.name, record)
    for deal in plan.deals:
        _deal(store, account, plan.anchor, deal, owners, companies[deal.client.name], contacts.get(deal.client.name))


def _owners(store: Store, account: str, plan: Plan) -> dict[str, str]:
    found = {}
    for position, person in enumerate(plan.firm.people):
        owner_id = str(71_000_001 + position)
        stamp = "2025-01-06T09:00:00.000Z"
        store.put(account, "owners", owner_id, {
            "id": owner_id, "email": email_of(plan.firm, person), "firstName": person.first, "lastName": person.last,
            "userId": 81_000_001 + position, "createdAt": stamp, "updatedAt": stamp, "archived": False, "teams": [],
        })  # fmt: skip
        found[person.last] = owner_id
    return found


def _company(store: Store, account: str, plan: Plan, client: Client, first: date) -> Document:
    return Records(store, account, _moment(first), source="IMPORT").create("companies", {
        "name": client.name, "domain": client.domain, "website": f"https://www.{client.domain}", "city": client.city,
        "country": client.country, "industry": client.industry, "vat_number": client.tax_number,
        "hs_currency_code": client.currency or plan.firm.currency,
        "lifecyclestage": "customer" if client.psa else "opportunity",
    })  # fmt: skip


def _deal(
    store: Store,
    account: str,
    anchor: date,
    deal: DealPlan,
    owners: dict[str, str],
    company: Document,
    contact: Document | None,
) -> None:
    opened = Records(store, account, _moment(deal.opened, 10), source="CRM_UI")
    record = opened.create("deals", {
        "dealname": deal.name, "amount": f"{deal.amount:f}", "deal_currency_code": deal.currency,
        "closedate": f"{deal.closes}T12:00:00.000Z", "dealtype": "newbusiness",
        "hubspot_owner_id": owners[deal.owner.last],
    })  # fmt: skip
    opened.associate("deals", record["id"], "companies", company["id"])
    if contact:
        opened.associate("deals", record["id"], "contacts", contact["id"])
    for name, quantity, price in deal.lines:
        item = opened.create("line_items", {
            "name": name, "quantity": f"{quantity:f}", "price": f"{price:f}",
            "hs_line_item_currency_code": deal.currency,
        })  # fmt: skip
        opened.associate("deals", record["id"], "line_items", item["id"])
    # A closed deal was last touched on its closing day, an open one half way between its opening and now.
    touched = deal.closes if deal.stage.startswith("closed") else deal.opened + (anchor - deal.opened) / 2
    moved = Records(store, account, _moment(touched, 15), source="CRM_UI")
    moved.update("deals", record, {"dealstage": deal.stage, "closedate": f"{deal.closes}T12:00:00.000Z"})


def _moment(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), UTC)
