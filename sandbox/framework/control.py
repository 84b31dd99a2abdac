"""The control API under /_practice/: look at the state, act as a person would, switch faults and webhooks."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from sandbox.framework import jsontext
from sandbox.framework.actions import all_actions, run_action
from sandbox.framework.faults import UnknownFaultError
from sandbox.framework.store import Document
from sandbox.framework.vendor import ActionError, Vendor

PREFIX = "/_practice"
_HIDDEN = ("token", "client_secret", "webhook_signing_key")

View = Callable[[Vendor, web.Request, dict[str, Any]], Awaitable[Any]]


def add_routes(app: web.Application, vendor: Vendor) -> None:
    routes: list[tuple[str, str, View]] = [
        ("GET", "/state", _state),
        ("POST", "/reset", _reset),
        ("POST", "/accounts", _create_account),
        ("GET", "/requests", _requests),
        ("POST", "/limits", _limits),
        ("GET", "/faults.json", _faults),
        ("POST", "/faults", _add_fault),
        ("DELETE", "/faults", _clear_faults),
        ("POST", "/faults/clear", _clear_faults),
        ("GET", "/webhooks.json", _subscriptions),
        ("POST", "/webhooks", _subscribe),
        ("DELETE", "/webhooks/{id}", _unsubscribe),
        ("POST", "/webhooks/{id}/delete", _unsubscribe),
        ("POST", "/actions/{name}", _act),
    ]
    for method, path, view in routes:
        app.router.add_route(method, PREFIX + path, _wrapped(vendor, view))


def public_account(vendor: Vendor, account: Document) -> Document:
    shown = {name: value for name, value in account.items() if name not in _HIDDEN}
    return {**shown, "revoked": vendor.tokens.is_revoked(account["id"]), "counts": vendor.store.counts(account["id"])}


def _wrapped(vendor: Vendor, view: View) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Read JSON or a form; answer JSON to programs and a redirect back to pages."""

    async def run(request: web.Request) -> web.StreamResponse:
        is_form = request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data")
        try:
            given = await _given(request, is_form)
            result = await view(vendor, request, given)
        except (ActionError, UnknownFaultError, KeyError, ValueError) as error:
            message = str(error.args[0]) if error.args else type(error).__name__
            if is_form:
                raise web.HTTPSeeOther(_back(given, message)) from error
            return _json({"error": message}, 400)
        if is_form:
            message = str(result.get("message", "Done.")) if isinstance(result, dict) else "Done."
            raise web.HTTPSeeOther(_back(given, message))
        return _json(result)

    return run


async def _given(request: web.Request, is_form: bool) -> dict[str, Any]:
    if is_form:
        return {name: value for name, value in (await request.post()).items() if value != ""}
    text = await request.text()
    value = jsontext.loads(text) if text.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("The body must be a JSON object")
    return value


def _back(given: Mapping[str, Any], message: str) -> str:
    target = str(given.get("back", ""))
    path = target if target.startswith(f"{PREFIX}/") else f"{PREFIX}/"
    return f"{path}?{urlencode({'message': message})}"


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(text=jsontext.dumps(value), status=status, content_type="application/json")


async def _state(vendor: Vendor, request: web.Request, _given: dict[str, Any]) -> Any:
    account_id = request.query.get("account", "")
    if not account_id:
        return {"vendor": vendor.name, "accounts": [public_account(vendor, item) for item in vendor.accounts()]}
    account = find_account(vendor, account_id)
    wanted = request.query.get("collection", "")
    names = [wanted] if wanted else list(vendor.store.counts(account["id"]))
    return {
        "vendor": vendor.name,
        "account": public_account(vendor, account),
        "collections": {name: vendor.store.all(account["id"], name) for name in names},
    }


def find_account(vendor: Vendor, wanted: str) -> Document:
    """By id, slug or name."""
    for account in vendor.accounts():
        if wanted in (account["id"], account["slug"], account["name"]):
            return account
    names = ", ".join(account["slug"] for account in vendor.accounts())
    raise ActionError(f"{vendor.label} has no practice account {wanted!r}; there are: {names}")


async def _reset(vendor: Vendor, _request: web.Request, _given: dict[str, Any]) -> Any:
    vendor.reset()
    return {"message": "Everything is as it was at the start. Credentials and webhook subscriptions stay."}


async def _create_account(vendor: Vendor, _request: web.Request, given: dict[str, Any]) -> Any:
    name = str(given["name"])
    slug = str(given.get("slug") or "-".join(name.lower().split()))
    if any(account["slug"] == slug for account in vendor.accounts()):
        raise ActionError(f"{vendor.label} already has a practice account {slug!r}")
    account = vendor.create_account(name=name, slug=slug, currency=str(given.get("currency", "EUR")))
    return {"id": account["id"], "name": name, "slug": slug, **vendor.credentials(account)}


async def _requests(vendor: Vendor, request: web.Request, _given: dict[str, Any]) -> Any:
    return {"requests": vendor.log.latest(int(request.query.get("limit", "1000")))}


async def _limits(vendor: Vendor, _request: web.Request, given: dict[str, Any]) -> Any:
    windows = {name: (int(value[0]), float(value[1])) for name, value in (given.get("windows") or {}).items()}
    concurrent = given.get("concurrent")
    vendor.limiter.configure(windows=windows, concurrent=None if concurrent is None else int(concurrent))
    return {"windows": {item.name: [item.requests, item.seconds] for item in vendor.limiter.windows}}


async def _faults(vendor: Vendor, _request: web.Request, _given: dict[str, Any]) -> Any:
    return {"faults": vendor.faults.list()}


async def _add_fault(vendor: Vendor, _request: web.Request, given: dict[str, Any]) -> Any:
    if "path" in given or "method" in given:
        given["match"] = {"path": given.get("path", ""), "method": given.get("method", "")}
    return vendor.faults.add(given)


async def _clear_faults(vendor: Vendor, request: web.Request, given: dict[str, Any]) -> Any:
    vendor.faults.clear(given.get("id") or request.query.get("id"))
    return {"faults": vendor.faults.list()}


async def _subscriptions(vendor: Vendor, _request: web.Request, _given: dict[str, Any]) -> Any:
    return {"subscriptions": vendor.webhooks.subscriptions() if vendor.webhooks else []}


async def _subscribe(vendor: Vendor, _request: web.Request, given: dict[str, Any]) -> Any:
    if vendor.webhooks is None:
        raise ActionError(f"{vendor.label} has no webhooks; poll it, as with the real one")
    account = find_account(vendor, str(given["account"]))
    return await vendor.webhooks.subscribe(
        account=account["id"], target_url=str(given["target_url"]), events=_events(given.get("events"))
    )


def _events(given: Any) -> list[str]:
    if isinstance(given, str):
        return [item.strip() for item in given.split(",") if item.strip()]
    return [str(item) for item in given or []]


async def _unsubscribe(vendor: Vendor, request: web.Request, _given: dict[str, Any]) -> Any:
    if vendor.webhooks is None:
        raise ActionError(f"{vendor.label} has no webhooks")
    vendor.webhooks.unsubscribe(request.match_info["id"])
    return {"subscriptions": vendor.webhooks.subscriptions()}


async def _act(vendor: Vendor, request: web.Request, given: dict[str, Any]) -> Any:
    name = request.match_info["name"]
    if name not in {action.name for action in all_actions(vendor)}:
        known = ", ".join(action.name for action in all_actions(vendor))
        raise ActionError(f"{vendor.label} has no action {name!r}; there are: {known}")
    account = find_account(vendor, str(given.get("account", "")))
    return run_action(vendor, name, account["id"], given)
