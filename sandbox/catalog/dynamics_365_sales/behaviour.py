"""What data cannot say of Dataverse: $select, $expand and annotations, Prefer, @odata.bind, If-Match on upserts, sums.

learn.microsoft.com/power-apps/developer/data-platform/webapi: create-entity-web-api, query/select-columns,
query/join-tables, retrieve-related-entities-query, perform-conditional-operations-using-web-api, query/page-results
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import Endpoint, body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call, Handler, Reply

# Navigation property of a table → the column that holds the id, and the table it leads to.
_SHARED = {
    "transactioncurrencyid": ("_transactioncurrencyid_value", "transactioncurrencies"),
    "owninguser": ("_owninguser_value", "systemusers"),
}
_PRODUCT = {"productid": ("_productid_value", "products"), "uomid": ("_uomid_value", "uoms")}
_NAVIGATION: dict[str, dict[str, tuple[str, str]]] = {
    "organizations": {"basecurrencyid": ("_basecurrencyid_value", "transactioncurrencies")},
    "contacts": {
        "parentcustomerid_account": ("_parentcustomerid_value", "accounts"),
        "parentcustomerid_contact": ("_parentcustomerid_value", "contacts"),
    },
    "opportunities": {
        "customerid_account": ("_customerid_value", "accounts"),
        "customerid_contact": ("_customerid_value", "contacts"),
        "parentaccountid": ("_parentaccountid_value", "accounts"),
        "parentcontactid": ("_parentcontactid_value", "contacts"),
    },
    "opportunityproducts": {"opportunityid": ("_opportunityid_value", "opportunities"), **_PRODUCT},
    "quotes": {"opportunityid": ("_opportunityid_value", "opportunities")},
    "quotedetails": {"quoteid": ("_quoteid_value", "quotes"), **_PRODUCT},
    "annotations": {
        "objectid_account": ("_objectid_value", "accounts"),
        "objectid_contact": ("_objectid_value", "contacts"),
        "objectid_opportunity": ("_objectid_value", "opportunities"),
    },
}
_BIND = re.compile(r"/?(\w+)\(([0-9a-fA-F-]{36})\)")
_EXPAND = re.compile(r"(\w+)(?:\(\$select=([\w,]+)\))?")
_LOOKUP_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
_LONGEST_PAGE = 5000
_LINES = {
    "opportunityproducts": ("_opportunityid_value", "opportunities"),
    "quotedetails": ("_quoteid_value", "quotes"),
}


def before_save(change: Change) -> None:
    record, records = change.record, change.records
    if change.resource in ("contacts", "systemusers"):
        record["fullname"] = f"{record.get('firstname') or ''} {record.get('lastname') or ''}".strip()
    fields = records.spec(change.resource).fields
    for name, resource in (
        ("_owninguser_value", "systemusers"),
        ("_transactioncurrencyid_value", "transactioncurrencies"),
    ):
        there = records.all(resource) if name in fields and not record.get(name) else []
        if there:
            record[name] = records.id_of(resource, there[0])
    if change.resource in _LINES:
        product = records.get("products", record["_productid_value"]) if record.get("_productid_value") else None
        record["productname"] = product["name"] if product else record.get("productdescription")
        price, quantity = (Decimal(str(record[name] or 0)) for name in ("priceperunit", "quantity"))
        record["extendedamount"] = price * quantity - Decimal(str(record.get("manualdiscountamount") or 0))


def after_save(change: Change) -> None:
    """Lines make the total of their opportunity or quote."""
    if change.resource not in _LINES:
        return
    column, resource = _LINES[change.resource]
    parent = change.records.get(resource, change.record[column])
    if parent is not None:
        lines = [line for line in change.records.all(change.resource) if line[column] == change.record[column]]
        total = sum((Decimal(str(line["extendedamount"])) for line in lines), Decimal(0))
        change.records.assign(resource, parent, {"totalamount": total})


def routes(vendor: Any) -> Iterator[tuple[str, str, Handler]]:
    for name, resource in vendor.file.resources.items():
        for operation in resource.operations:
            spec = complete_in(vendor.file, resource, operation)
            yield (
                spec.method,
                vendor.api_prefix + spec.path,
                _Table(vendor, name, Endpoint(vendor, name, spec, operation)),
            )


class _Table:
    """An operation on a table with what OData and Prefer put around it."""

    def __init__(self, vendor: Any, name: str, endpoint: Endpoint) -> None:
        self.vendor, self.name, self.endpoint = vendor, name, endpoint
        self.navigation = {**_SHARED, **_NAVIGATION.get(name, {})}

    def __call__(self, call: Call) -> Reply:
        records = Records(self.vendor, call.account, call.now)
        asked, prefer = dict(call.query), call.headers.get("Prefer", "")
        if call.body:
            self._bound(call, records)
        self._conditions(call, records)
        columns, expanded = self._columns(asked), self._expanded(asked)
        call.query = self._paged(
            {name: value for name, value in asked.items() if name not in ("$select", "$expand")}, prefer
        )
        reply = self.endpoint.answer(call)
        if call.method in ("POST", "PATCH") and "return=representation" not in prefer:
            key = records.id_of(self.name, reply.body)
            return Reply(
                None, 204, {"OData-EntityId": f"{self.vendor.base_url}{self.vendor.api_prefix}/{self.name}({key})"}
            )
        if isinstance(reply.body, dict):
            is_list = self.endpoint.spec.kind == "list"
            for shown in reply.body["value"] if is_list else [reply.body]:
                self._shape(records, shown, columns, expanded, prefer)
            if is_list and "@odata.nextLink" in reply.body:
                token = parse_qs(urlsplit(reply.body["@odata.nextLink"]).query)["$skiptoken"][0]
                reply.body["@odata.nextLink"] = (
                    f"{self.vendor.base_url}{call.path}?{urlencode({**asked, '$skiptoken': token})}"
                )
        return reply

    def _bound(self, call: Call, records: Records) -> None:
        """`nav@odata.bind` becomes the column that holds the id; such a column itself cannot be written."""
        given: Record = body_of(self.vendor, call)
        if direct := next((name for name in given if name.endswith("_value")), ""):
            raise Problem("malformed", f"{direct} is a lookup: use its navigation property", field=direct)
        for name in [name for name in given if name.endswith("@odata.bind")]:
            navigation, found = name.partition("@")[0], _BIND.fullmatch(str(given.pop(name)))
            column, resource = self.navigation.get(navigation, ("", ""))
            if not column or found is None or found[1] != resource:
                message = (
                    f"An undeclared property '{navigation}' which only has property annotations in the payload but no "
                    "property value was found in the payload."
                )
                raise Problem("malformed", message, field=name)
            if records.get(resource, found[2]) is None:
                title = records.spec(resource).title
                raise Problem("bad_reference", f"{title} With Id = {found[2]} Does Not Exist", field=name)
            given[column] = found[2]

    def _conditions(self, call: Call, records: Records) -> None:
        """If-Match forbids an upsert to make something, If-None-Match to change something."""
        if self.endpoint.spec.kind != "upsert":
            return
        key = call.params["id"]
        held = records.get(self.name, key, by=self.endpoint.spec.by)
        if held is None and call.headers.get("If-Match"):
            raise Problem("not_found", f"{records.spec(self.name).title} With Id = {key} Does Not Exist", field="id")
        if held is not None and call.headers.get("If-None-Match") == "*":
            raise Problem("duplicate", f"{key} is there", field="id")

    def _paged(self, query: dict[str, str], prefer: str) -> dict[str, str]:
        if "$skip" in query:
            raise Problem("bad_query", "Skip Clause is not supported in CRM", field="$skip")
        found = re.search(r"odata\.maxpagesize=(\d+)", prefer)
        return {**query, "_size": str(min(int(found[1]), _LONGEST_PAGE))} if found else query

    def _columns(self, asked: dict[str, str]) -> set[str]:
        columns = {part.strip() for part in asked.get("$select", "").split(",") if part.strip()}
        self._known(self.name, columns)
        return columns

    def _expanded(self, asked: dict[str, str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for part in re.findall(r"[^,(]+(?:\([^)]*\))?", asked.get("$expand", "")):
            match = _EXPAND.fullmatch(part.strip())
            if match is None or match[1] not in self.navigation:
                raise self._no_property(part, self.name)
            found[match[1]] = set((match[2] or "").split(",")) - {""}
            self._known(self.navigation[match[1]][1], found[match[1]])
        return found

    def _known(self, resource: str, columns: set[str]) -> None:
        spec = self.vendor.file.resources[resource]
        for column in columns:
            if column != spec.id.field and (column not in spec.fields or spec.fields[column].hidden):
                raise self._no_property(column, resource)

    def _no_property(self, name: str, resource: str) -> Problem:
        kind = f"Microsoft.Dynamics.CRM.{self._type(resource)}"
        return Problem("bad_query", f"Could not find a property named '{name}' on type '{kind}'.", field=name)

    def _type(self, resource: str) -> str:
        return str(self.vendor.query_name(resource))

    def _shape(
        self, records: Records, shown: Record, columns: set[str], expanded: dict[str, set[str]], prefer: str
    ) -> None:
        key = records.id_form(self.name).field
        values = dict(shown)
        for name in [name for name in shown if columns and name not in (*columns, key) and not name.startswith("@")]:
            del shown[name]
        for navigation, wanted in expanded.items():
            column, resource = self.navigation[navigation]
            other = records.get(resource, values[column]) if values.get(column) else None
            kept = {*wanted, records.id_form(resource).field} if wanted else set()
            shown[navigation] = other and {
                name: value for name, value in records.shown(resource, other).items()
                if not kept or name in kept or name.startswith("@")
            }  # fmt: skip
        if _LOOKUP_NAME not in prefer and 'include-annotations="*"' not in prefer:
            return
        for column, resource in self.navigation.values():
            if shown.get(column) and records.get(resource, shown[column]) is not None:
                shown[f"{column}@{_LOOKUP_NAME}"] = self._type(resource)
