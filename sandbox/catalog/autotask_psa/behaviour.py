"""What data cannot say of Autotask PSA: the zone, pick lists, fields that are asked for, records nobody has, closed tickets.

ww1.autotask.net/help/DeveloperHelp/Content/APIs/REST/API_Calls: basic query calls, advanced query features.
"""

from collections.abc import Iterator
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.operations import Endpoint, body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call, Handler, Reply

_COMPLETE = 5
_LISTS: dict[str, dict[str, list[tuple[int, str]]]] = {
    "Projects": {"projectType": [(5, "Client"), (3, "Internal")], "status": [(1, "New"), (5, "Complete")]},
    "Tickets": {
        "queueID": [(29683482, "Service desk")],
        "priority": [(4, "Critical"), (1, "High"), (2, "Medium"), (3, "Low")],
        "status": [(1, "New"), (5, "Complete"), (8, "In progress")],
    },
    "TicketNotes": {"noteType": [(1, "Task summary")], "publish": [(1, "All Autotask users"), (2, "Internal users")]},
}


def before_save(change: Change) -> None:
    record = change.record
    if change.resource == "tickets":
        if not (record.get("queueID") or record.get("assignedResourceID")):
            raise change.refuse("required", "queueID or assignedResourceID is required", field="queueID")
        if bool(record.get("assignedResourceID")) != bool(record.get("assignedResourceRoleID")):
            both = "When assigning a Resource, you must assign both a assignedResourceID and assignedResourceRoleID."
            raise change.refuse("invalid", both, field="assignedResourceRoleID")
        is_complete = record.get("status") == _COMPLETE
        if is_complete and not record.get("completedDate"):
            record["completedDate"] = moments.written(change.records.now, "iso_millis")
        if not is_complete:
            record["completedDate"] = None
    if change.resource == "time_entries" and not 0 <= float(record.get("hoursWorked") or 0) <= 24:
        raise change.refuse("invalid", "hoursWorked lies between 0 and 24", field="hoursWorked")


def routes(vendor: DeclaredVendor) -> Iterator[tuple[str, str, Handler]]:
    prefix = vendor.api_prefix
    yield "GET", f"{prefix}/zoneInformation", lambda call: _zone(vendor, call)
    yield "GET", f"{prefix}/ThresholdInformation", lambda _call: _threshold()
    for entity, fields in _LISTS.items():
        yield "GET", f"{prefix}/{entity}/entityInformation/fields", _fields(fields)
    for name, resource in vendor.file.resources.items():
        for operation, wrap in (("list", _narrowed), ("get", _or_nothing)):
            spec = complete_in(vendor.file, resource, operation)
            yield spec.method, prefix + spec.path, wrap(vendor, Endpoint(vendor, name, spec, operation))


def _zone(vendor: DeclaredVendor, call: Call) -> Reply:
    if not call.query.get("user"):
        raise Problem("required", "user is required", field="user")
    url = f"{vendor.base_url}/atservicesrest/"
    return Reply({"zoneName": "Practice", "url": url, "webUrl": f"{vendor.base_url}/", "ci": int(call.account)})


def _threshold() -> Reply:
    """How much of the hour is used is told to people here, not by the practice vendor's own count."""
    return Reply(
        {"externalRequestThreshold": 10000, "requestThresholdTimeframe": 60, "currentTimeframeRequestCount": 1}
    )


def _fields(fields: dict[str, list[tuple[int, str]]]) -> Handler:
    told = [
        {
            "name": name,
            "dataType": "integer",
            "isPickList": True,
            "picklistValues": [{"value": str(value), "label": label, "isActive": True} for value, label in values],
        }
        for name, values in fields.items()
    ]
    return lambda _call: Reply({"fields": told})


def _narrowed(vendor: DeclaredVendor, endpoint: Endpoint) -> Handler:
    """Only the fields that `IncludeFields` names."""

    def handler(call: Call) -> Reply:
        reply = endpoint.answer(call)
        wanted = body_of(vendor, call).get("IncludeFields")
        if not wanted:
            return reply
        items: list[Any] = [{name: item[name] for name in wanted if name in item} for item in reply.body["items"]]
        return Reply({**reply.body, "items": items}, reply.status, reply.headers)

    return handler


def _or_nothing(_vendor: DeclaredVendor, endpoint: Endpoint) -> Handler:
    """Who asks for a number that nobody has is told 200, and nothing."""

    def handler(call: Call) -> Reply:
        try:
            return endpoint.answer(call)
        except Problem as problem:
            if problem.case != "not_found":
                raise
            return Reply({"item": None})

    return handler
