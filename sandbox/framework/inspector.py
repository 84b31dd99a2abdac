"""The pages to look inside a practice vendor and to act: accounts, records, requests, faults, webhooks."""

from collections.abc import Callable

from aiohttp import web

from sandbox.framework import jsontext
from sandbox.framework.actions import all_actions
from sandbox.framework.control import PREFIX, find_account, public_account
from sandbox.framework.faults import KINDS
from sandbox.framework.pages import escape, field, form, link, page, select, table
from sandbox.framework.store import Document
from sandbox.framework.vendor import Action, ActionError, Vendor

PAGE_SIZE = 50
_NAME_FIELDS = (
    "name", "Name", "dealname", "InvoiceNumber", "CreditNoteNumber", "label", "email", "notes", "Reference", "Code",
)  # fmt: skip

Page = Callable[[Vendor, web.Request], tuple[str, str]]


def add_routes(app: web.Application, vendor: Vendor) -> None:
    pages: list[tuple[str, Page]] = [
        ("/", _overview),
        ("/log", _log),
        ("/faults", _faults),
        ("/webhooks", _webhooks),
        ("/accounts/{account}", _account),
        ("/accounts/{account}/{collection}", _collection),
        ("/accounts/{account}/{collection}/{id}", _record),
    ]
    for path, view in pages:
        app.router.add_get(PREFIX + path, _wrapped(vendor, view))
    app.router.add_get(PREFIX, _to_overview)


async def _to_overview(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"{PREFIX}/")


def _wrapped(vendor: Vendor, view: Page):  # type: ignore[no-untyped-def]
    async def run(request: web.Request) -> web.StreamResponse:
        try:
            title, body = view(vendor, request)
        except (ActionError, KeyError) as error:
            text = page(vendor, "Not found", f"<p role='alert'>{escape(error.args[0] if error.args else error)}</p>")
            return web.Response(text=text, status=404, content_type="text/html")
        text = page(vendor, title, body, message=request.query.get("message", ""))
        return web.Response(text=text, content_type="text/html")

    return run


def _overview(vendor: Vendor, _request: web.Request) -> tuple[str, str]:
    rows = []
    for account in vendor.accounts():
        shown = public_account(vendor, account)
        counts = ", ".join(f"{number} {name}" for name, number in shown["counts"].items())
        access = "<strong>revoked</strong>" if shown["revoked"] else "open"
        name = link(f"{PREFIX}/accounts/{account['id']}", account["name"])
        rows.append([name, escape(account["id"]), escape(account["currency"]), access, escape(counts)])
    reset = form(f"{PREFIX}/reset", "", "Start afresh", hidden={"back": f"{PREFIX}/"}, quiet=True)
    listing = table(["Account", "Id", "Currency", "Access", "Inside"], rows, caption="Accounts")
    return "Accounts", f"<section>{listing}</section><section><h2>Reset</h2>{reset}</section>"


def _account(vendor: Vendor, request: web.Request) -> tuple[str, str]:
    account = find_account(vendor, request.match_info["account"])
    counts = vendor.store.counts(account["id"])
    base = f"{PREFIX}/accounts/{account['id']}"
    rows = [[link(f"{base}/{name}", _words(name)), str(number)] for name, number in counts.items()]
    acts = "".join(
        f"<section><h2>{escape(action.label)}</h2>{_action_form(action, account['id'], base)}</section>"
        for action in all_actions(vendor)
        if not action.collection
    )
    notice = "<p role='alert'>Access to this account is revoked.</p>" if vendor.tokens.is_revoked(account["id"]) else ""
    records = f"<section><h2>Records</h2>{table(['What', 'Number'], rows, caption='Records')}</section>"
    return account["name"], f"{notice}{acts}{records}"


def _action_form(action: Action, account: str, back: str, *, record: str = "") -> str:
    fields = "".join(
        select(item.name, item.label, item.choices(account), required=item.required)
        if item.choices
        else field(item.name, item.label, item.value, required=item.required)
        for item in action.fields
    )
    hidden = {"account": account, "back": back, **({"id": record} if record else {})}
    return form(f"{PREFIX}/actions/{action.name}", fields, action.label, hidden=hidden)


def _collection(vendor: Vendor, request: web.Request) -> tuple[str, str]:
    account = find_account(vendor, request.match_info["account"])
    name = request.match_info["collection"]
    search = request.query.get("search", "").lower()
    number = max(1, int(request.query.get("page", "1")))
    base = f"{PREFIX}/accounts/{account['id']}"
    found = [
        (key, document)
        for key, document in reversed(list(vendor.store.items(account["id"], name)))
        if not search or search in jsontext.dumps(document).lower()
    ]
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    actions = [action for action in all_actions(vendor) if action.collection == name]
    here = f"{base}/{name}"
    rows = [
        [
            link(f"{here}/{key}", key),
            escape(summary(document)),
            "".join(
                _action_form(a, account["id"], here, record=key) for a in actions if a.shown(document) and not a.fields
            ),
        ]
        for key, document in shown
    ]
    query = f"&search={escape(search)}" if search else ""
    more = link(f"{here}?page={number + 1}{query}", "Next page") if number * PAGE_SIZE < len(found) else ""
    sought = f'<label>Find<input type="search" name="search" value="{escape(search)}"></label>'
    finder = f'<form class="row" method="get">{sought}<button class="quiet">Find</button></form>'
    listing = table(["Id", "What", "Act"], rows, caption=name)
    body = f"<section>{finder}{listing}<p>{len(found)} in all. {more}</p></section>"
    return f"{_words(name)} of {account['name']}", f"<p>{link(base, account['name'])}</p>{body}"


def _record(vendor: Vendor, request: web.Request) -> tuple[str, str]:
    account = find_account(vendor, request.match_info["account"])
    name, key = request.match_info["collection"], request.match_info["id"]
    document = vendor.store.peek(account["id"], name, key)
    if document is None:
        raise ActionError(f"There is no {name} {key} in this account")
    base = f"{PREFIX}/accounts/{account['id']}/{name}"
    acts = "".join(
        _action_form(action, account["id"], f"{base}/{key}", record=key)
        for action in all_actions(vendor)
        if action.collection == name and action.shown(document)
    )
    acts = f"<section><h2>Act</h2>{acts}</section>" if acts else ""
    text = escape(jsontext.dumps(document, indent=2))
    body = f"<p>{link(base, name)}</p>{acts}<section><h2>Record</h2><pre tabindex='0'>{text}</pre></section>"
    return summary(document) or key, body


def summary(document: Document) -> str:
    """A short line that tells a person which record this is."""
    properties = document.get("properties", document)
    for name in _NAME_FIELDS:
        if isinstance(properties.get(name), str) and properties[name]:
            state = properties.get("dealstage") or properties.get("Status") or properties.get("approval_status") or ""
            amount = properties.get("amount") or properties.get("Total") or properties.get("hours") or ""
            money = properties.get("deal_currency_code") or properties.get("CurrencyCode") or ""
            parts = (properties[name][:80], state, f"{amount} {money if amount else ''}".strip())
            return " · ".join(str(part) for part in parts if str(part))
    first = properties.get("firstname") or properties.get("first_name") or ""
    last = properties.get("lastname") or properties.get("last_name") or ""
    return f"{first} {last}".strip()


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _log(vendor: Vendor, _request: web.Request) -> tuple[str, str]:
    rows = []
    for entry in vendor.log.latest(200):
        bodies = f"{entry['request_body']}\n\n{entry['response_body']}".strip()
        detail = f"<details><summary>show</summary><pre tabindex='0'>{escape(bodies)}</pre></details>" if bodies else ""
        rows.append(
            [
                escape(entry["at"]), escape(entry["method"]), escape(entry["path"]), str(entry["status"]),
                escape(entry["fault"]), f"{entry['milliseconds']} ms", detail,
            ]
        )  # fmt: skip
    listing = table(["At", "Method", "Path", "Status", "Fault", "Took", "Bodies"], rows, caption="Latest requests")
    return "Requests", f"<section>{listing}</section>"


def _faults(vendor: Vendor, _request: web.Request) -> tuple[str, str]:
    here = f"{PREFIX}/faults"
    options = "".join(f"<option>{kind}</option>" for kind in KINDS)
    fields = (
        f'<label>Fault<select name="kind">{options}</select></label>'
        + field("method", "Method (any)")
        + field("path", "Path contains (any)")
        + field("count", "How often (always)", "1")
        + field("probability", "Chance 0 to 1 (every time)")
        + field("arg", "Argument (seconds, status)")
    )
    rows = [
        [
            escape(item["kind"]), escape(f"{item['match']['method'] or 'any'} {item['match']['path'] or 'any path'}"),
            escape(item["count"] or "always"), escape(item["arg"]),
            form(f"{here}/clear", "", "Switch off", hidden={"id": item["id"], "back": here}, quiet=True),
        ]
        for item in vendor.faults.list()
    ]  # fmt: skip
    listing = table(["Fault", "For", "Left", "Argument", ""], rows, caption="Faults switched on")
    new = form(here, fields, "Switch on", hidden={"back": here})
    return "Faults", f"<section><h2>Switched on</h2>{listing}</section><section><h2>Switch on</h2>{new}</section>"


def _webhooks(vendor: Vendor, _request: web.Request) -> tuple[str, str]:
    if vendor.webhooks is None:
        return "Webhooks", f"<p>{escape(vendor.label)} sends no webhooks; the real one doesn't either.</p>"
    here = f"{PREFIX}/webhooks"
    rows = [
        [
            escape(item["account"]), escape(item["target_url"]), escape(", ".join(item["events"]) or "all"),
            escape(item["status"]), escape(item.get("last_result", "")),
            form(f"{here}/{item['id']}/delete", "", "Remove", hidden={"back": here}, quiet=True),
        ]
        for item in vendor.webhooks.subscriptions()
    ]  # fmt: skip
    listing = table(["Account", "Target", "Events", "Status", "Latest", ""], rows, caption="Subscriptions")
    options = "".join(
        f'<option value="{escape(account["id"])}">{escape(account["name"])}</option>' for account in vendor.accounts()
    )
    fields = (
        f'<label>Account<select name="account">{options}</select></label>'
        + field("target_url", "Target URL", required=True)
        + field("events", "Events, comma separated (all)")
    )
    new = form(here, fields, "Subscribe", hidden={"back": here})
    return "Webhooks", f"<section>{listing}</section><section><h2>Subscribe</h2>{new}</section>"
