"""What data cannot say of Expensya: projects are written in lists, each with a result of its own, and changed by their external
id. The published file names the results (0 success, 1 partly, 7 invalid, 70 failed, 1006 exists already).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.declarative.operations import body_of
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Records
from sandbox.framework.http import Call, Handler, Reply

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor

_PATH = "/api/projects/"
# The orders of vendor.yaml by the published numbers: creation, reference, account.
_SORTED = {"users": "11", "projects": "21", "categories": "15", "reports": "11", "expenses": "11"}
_SUCCESS, _PARTLY, _INVALID, _NOT_FOUND, _FAILED, _EXISTS = 0, 1, 7, 404, 70, 1006


def routes(vendor: "DeclaredVendor") -> Iterator[tuple[str, str, Handler]]:
    yield "POST", vendor.api_prefix + _PATH, lambda call: _write(vendor, call, "create")
    yield "PUT", vendor.api_prefix + _PATH, lambda call: _write(vendor, call, "update")


def before(resource: str, operation: str, call: Call, records: Records) -> None:
    asked = call.query.get("sortBy", "")
    if operation == "list" and asked not in ("", _SORTED[resource]):
        raise Problem("bad_query", f"Only sortBy={_SORTED[resource]} is practised here", field="sortBy")
    if resource != "projects" or operation != "list":
        return
    query = dict(call.query)
    if query.get("bringAllProjects", "false").lower() != "true":
        query["forAllCompany."] = "true"
    wanted = query.pop("projectReferenceOrExternalId", "")
    if wanted:
        ids = [item["Id"] for item in records.all("projects") if wanted in (item["ProjectRef"], item["ExternalId"])]
        query["projectIds"] = ",".join(ids) or "none"
    call.query = query


def _write(vendor: "DeclaredVendor", call: Call, operation: str) -> Reply:
    given = body_of(vendor, call)
    if not isinstance(given, list) or not given:
        raise Problem("malformed", "A list of projects is expected")
    call.resource, call.operation = "projects", operation
    records = Records(vendor, call.account, call.now)
    results = [_one(records, item, operation) for item in given]
    bad = [item for item in results if item["ResultCode"] != _SUCCESS]
    code = _SUCCESS if not bad else _FAILED if len(bad) == len(results) else _PARTLY
    return Reply({"ResultItem": results, "ResultCode": code, "Message": bad[0]["Message"] if bad else ""})


def _one(records: Records, item: Any, operation: str) -> dict[str, Any]:
    external = item.get("ExternalId") if isinstance(item, dict) else None
    try:
        if operation == "create":
            made = records.create("projects", item)
        else:
            made = records.update("projects", records.need("projects", external, by="ExternalId"), item)
    except Problem as problem:
        code = {"duplicate": _EXISTS, "not_found": _NOT_FOUND}.get(problem.case, _INVALID)
        return {"ExternalId": external or "", "ResultCode": code, "Message": problem.message}
    return {"Id": made["Id"], "ExternalId": made["ExternalId"], "ResultCode": _SUCCESS, "Message": ""}
