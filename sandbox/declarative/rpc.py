"""JSON-RPC as Odoo speaks it: `common.authenticate`, `object.execute_kw` with search_read, read, create, write, unlink.

Errors come in a 200 with `error.data` (odoo.com/documentation, External API)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox.declarative.conditions import All, QueryError, Record, sorted_by
from sandbox.declarative.problems import Problem
from sandbox.declarative.queries.lists import odoo_domain
from sandbox.declarative.records import Records
from sandbox.framework.http import Call, Refusal, Reply

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor


def answer(vendor: "DeclaredVendor", call: Call) -> Reply:
    given = call.object()
    params = given.get("params") or {}
    service, method, args = params.get("service"), params.get("method"), params.get("args") or []
    try:
        result = _result(vendor, call, str(service), str(method), args)
    except Problem as problem:
        # Raised, so that what was done before the refusal is undone.
        raise Refusal(Reply({"jsonrpc": "2.0", "id": given.get("id"), "error": _error(problem)})) from problem
    return Reply({"jsonrpc": "2.0", "id": given.get("id"), "result": result})


def _error(problem: Problem) -> dict[str, Any]:
    name = {
        "unauthorized": "odoo.exceptions.AccessDenied", "not_found": "odoo.exceptions.MissingError",
        "bad_query": "builtins.ValueError", "unknown_field": "builtins.ValueError",
        "bad_reference": "odoo.exceptions.MissingError", "wrong_state": "odoo.exceptions.UserError",
    }.get(problem.case, "odoo.exceptions.ValidationError")  # fmt: skip
    data = {"name": name, "message": problem.message, "arguments": [problem.message], "context": {}, "debug": ""}
    return {"code": 200, "message": "Odoo Server Error", "data": data}


def _result(vendor: "DeclaredVendor", call: Call, service: str, method: str, args: Sequence[Any]) -> Any:
    if service == "common":
        if method == "version":
            return {"server_version": "17.0", "protocol_version": 1}
        if method in ("authenticate", "login"):
            account = _account(vendor, args, key=2, user=args[1] if len(args) > 1 else None)
            return False if account is None else 2
    if service == "object" and method == "execute_kw" and len(args) >= 5:
        account = _account(vendor, args, key=2)
        if account is None or str(args[1]) != "2":  # Odoo takes the number as a text, too
            raise Problem("unauthorized", "Access Denied")
        call.account = account
        model, procedure = str(args[3]), str(args[4])
        positional, named = list(args[5]) if len(args) > 5 else [], dict(args[6]) if len(args) > 6 else {}
        call.resource, call.operation = vendor.resource_named(model), procedure
        return _execute(vendor, call, procedure, positional, named)
    raise Problem("bad_query", f"The practice vendor does not know {service}.{method}")


def _account(vendor: "DeclaredVendor", args: Sequence[Any], *, key: int, user: Any = None) -> str | None:
    for account in vendor.accounts():
        secrets = (account["password"], account["token"])
        fits = len(args) > key and args[0] == account.get("database", account["slug"]) and args[key] in secrets
        if fits and user in (None, account["username"]) and not vendor.tokens.is_revoked(account["id"]):
            return str(account["id"])
    return None


def _execute(vendor: "DeclaredVendor", call: Call, procedure: str, args: list[Any], named: dict[str, Any]) -> Any:
    records, name = Records(vendor, call.account, call.now), call.resource
    if procedure in ("search_read", "search", "search_count"):
        found = _found(records, name, args[0] if args else named.get("domain", []), named)
        if procedure == "search_count":
            return len(found)
        if procedure == "search":
            return [records.id_of(name, record) for record in found]
        return [_shown(records, name, record, named.get("fields")) for record in found]
    if procedure == "read":
        ids = args[0] if isinstance(args[0], list) else [args[0]]
        return [_shown(records, name, records.need(name, item), (args[1:] or [named.get("fields")])[0]) for item in ids]
    if procedure == "create":
        many = isinstance(args[0], list)
        made = [records.id_of(name, records.create(name, _plain(item))) for item in (args[0] if many else [args[0]])]
        return made if many else made[0]
    if procedure == "write":
        for item in args[0] if isinstance(args[0], list) else [args[0]]:
            records.update(name, records.need(name, item), _plain(args[1]))
        return True
    if procedure == "unlink":
        for item in args[0] if isinstance(args[0], list) else [args[0]]:
            records.delete(name, records.need(name, item))
        return True
    if procedure == "fields_get":
        return {
            key: {"type": field.type, "required": field.required} for key, field in records.spec(name).fields.items()
        }
    spec = records.spec(name).operations.get(procedure)
    if spec is not None and spec.kind == "action":
        for item in args[0] if isinstance(args[0], list) else [args[0]]:
            record = records.need(name, item)
            for field, states in spec.when.items():
                if record.get(field) not in states:
                    raise Problem("wrong_state", f"{procedure} cannot be done while {field} is {record.get(field)}")
            records.assign(name, record, dict(spec.changes), event=spec.event)
        return True
    raise Problem("bad_query", f"type object {name!r} has no attribute {procedure!r}")


def _found(records: Records, name: str, domain: Any, named: dict[str, Any]) -> list[Record]:
    judge = records.judge(name)
    try:
        flags = [key for key, field in records.spec(name).fields.items() if field.type == "boolean"]
        condition = All((odoo_domain(domain, flags),))
        judge.check(condition)
        order = []
        for part in filter(None, str(named.get("order") or "").split(",")):
            field, _, direction = part.strip().partition(" ")
            order.append(f"-{field}" if direction.strip().lower() == "desc" else field)
        hides = _hides_archived(records, name, domain, named.get("context"))
        found = [
            record for record in records.all(name)
            if judge.holds(condition, record) and not (hides and record.get("active") is False)
        ]  # fmt: skip
        found = sorted_by(found, order or records.file.defaults.order, judge)
    except QueryError as error:
        raise Problem("bad_query", f"Invalid field or domain on {name}: {error}") from error
    start, limit = int(named.get("offset") or 0), named.get("limit")
    return found[start : start + int(limit)] if limit else found[start:]


def _hides_archived(records: Records, name: str, domain: Any, context: Any) -> bool:
    """Archived records are left out, unless the domain speaks of `active` or the context says active_test: False."""
    named = any(isinstance(item, list) and item and item[0] == "active" for item in domain)
    asked = (context or {}).get("active_test", True) is not False
    return "active" in records.spec(name).fields and asked and not named


def _shown(records: Records, name: str, record: Record, fields: Any) -> Record:
    shown = records.shown(name, record)
    found: Record = {"id": records.id_of(name, record)}
    spec = records.spec(name).fields
    for key in fields or shown:
        if key not in shown:
            raise Problem("bad_query", f"Invalid field {key!r} on model {name!r}")
        value = shown[key]
        if key in spec and spec[key].type == "ref" and value is not None:
            # A reference is a pair of id and name; an empty value is False.
            held = value.get(spec[key].id_key) if isinstance(value, dict) else value
            other = records.referred(spec[key], held) or {}
            value = [held, other.get("name") or other.get("display_name") or str(held)]
        found[key] = False if value is None and not (key in spec and spec[key].type == "boolean") else value
    return found


def _plain(values: Any) -> Any:
    """Odoo's False for "nothing", and its commands for lines: (0, 0, values) makes one, (6, 0, ids) sets many."""
    if not isinstance(values, dict):
        return values
    found = {}
    for key, value in values.items():
        if isinstance(value, list) and value and all(isinstance(item, list) and len(item) == 3 for item in value):
            made = [item[2] for item in value if item[0] == 0]
            found[key] = value[0][2] if value[0][0] == 6 else [_plain(item) for item in made]
        else:
            found[key] = value
    return found
