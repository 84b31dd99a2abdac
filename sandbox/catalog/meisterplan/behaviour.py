"""What data cannot say of Meisterplan: filters written as JSON, and allocations that are made or changed by one request.
All scenarios share one plan here.

Filters: api.eu.meisterplan.com/swagger.json (“Filtering”); allocations: “Create or Update Allocations” in the same file.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.declarative.operations import Endpoint, body_of, complete_in
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework import jsontext
from sandbox.framework.http import Call, Handler, Reply

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor


def routes(vendor: "DeclaredVendor") -> Iterator[tuple[str, str, Handler]]:
    resource = vendor.file.resources["allocations"]
    create = Endpoint(vendor, "allocations", complete_in(vendor.file, resource, "create"), "create")
    yield "POST", vendor.api_prefix + resource.path, lambda call: _allocate(vendor, create, call)


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    for name, parent in (("projectId", "projects"), ("resourceId", "resources")):
        if name in call.params:
            records.need(parent, call.params[name])
    if operation == "list" and call.query.get("filter"):
        call.query = {**call.query, **_filter(call.query["filter"])}


def before_save(change: Change) -> None:
    record = change.record
    if change.resource == "absences" and record["finish"] < record["start"]:
        raise change.refuse("invalid", "must not be before start", field="finish")
    if change.resource == "projects" and change.previous is not None and not record["_deleted"]:
        _cut_allocations(change)


def _filter(text: str) -> dict[str, str]:
    try:
        asked = jsontext.loads(text)
    except ValueError as error:
        raise Problem("bad_query", "is not valid JSON", field="filter") from error
    if not isinstance(asked, dict):
        raise Problem("bad_query", "must be an object", field="filter")
    return {f"filter.{name}": str(value) for name, value in asked.items() if value is not None}


def _allocate(vendor: "DeclaredVendor", create: Endpoint, call: Call) -> Reply:
    """One allocation for each entity and project role; only the days named are changed."""
    given = body_of(vendor, call)
    records = Records(vendor, call.account, call.now)
    before("allocations", "create", call, records)
    entity = given.get("allocatedEntity") if isinstance(given, dict) else None
    if isinstance(entity, dict):
        for held in records.all("allocations"):
            same = all(held["allocatedEntity"].get(name) == entity.get(name) for name in ("id", "projectRole"))
            if held["project"] == call.params["projectId"] and same:
                found = records.need("allocations", held["id"])
                kept = _merged(found.get("segments") or [], given.get("segments") or [])
                saved = records.update("allocations", found, {"segments": kept})
                call.resource, call.operation = "allocations", "update"
                return Reply(records.shown("allocations", saved), 201)
    return create.answer(call)


def _merged(held: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is held outside the days given (whole segments), and what is given."""
    apart = [old for old in held if all(old["finish"] < new["start"] or old["start"] > new["finish"] for new in given)]
    return sorted([*apart, *given], key=lambda segment: str(segment["start"]))


def _cut_allocations(change: Change) -> None:
    """An earlier finish deletes what is planned after it."""
    finish, was = change.record.get("finish"), (change.previous or {}).get("finish")
    if not finish or finish == was:
        return
    for held in change.records.all("allocations"):
        if held["project"] == change.record["id"]:
            kept = [segment for segment in held.get("segments") or [] if str(segment["finish"]) <= str(finish)]
            change.records.assign("allocations", change.records.need("allocations", held["id"]), {"segments": kept})
