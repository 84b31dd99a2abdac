"""Replicon's own shapes: days in parts, hours as durations, what is changed wrapped as modifications, a firm without a name.

www.replicon.com/help/api-concepts/ and the published file (ProjectService1, TaskService1, list services).
"""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.connectors.sdk import HookContext, Record

_KEY = "urn:replicon:time-entry-metadata-key:"


def read_record(record: Record, context: HookContext) -> Record:
    """Days as 2026-01-31 and durations as hours, wherever they stand."""
    return {name: _plain(value) for name, value in record.items()}


def write_body(body: Any, context: HookContext) -> Any:
    if context.object_name == "time_entries":
        return _time_entry(body)
    if context.object_name == "projects":
        return _project(body)
    return body


def read_verification(body: Any, context: HookContext) -> Any:
    """Whose system it is: the company key people sign in with, and the tenant that stands in every id."""
    try:
        tenant = body["d"]["rows"][0]["cells"][0]["uri"].split(":")[2]
    except (KeyError, IndexError, TypeError):
        return body
    return {**body, "company": context.config.get("company"), "tenant": tenant}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if {"year", "month", "day"} <= set(value):
        return f"{int(value['year']):04}-{int(value['month']):02}-{int(value['day']):02}"
    if {"hours", "minutes"} <= set(value):
        seconds = int(value["hours"] or 0) * 3600 + int(value["minutes"] or 0) * 60 + int(value.get("seconds") or 0)
        return f"{Decimal(seconds) / 3600:.4f}"
    return {name: _plain(item) for name, item in value.items()}


def _project(body: Record) -> Record:
    changes = {name: value for name, value in body.items() if name not in ("client", "start_date", "end_date")}
    for name, wanted in (("start_date", "startDateToApply"), ("end_date", "endDateToApply")):
        if parts := _parts(body.get(name)):
            changes[wanted] = {"date": parts}
    if body.get("client"):
        whole = {"client": {"uri": body["client"]}, "costAllocationPercentage": "100"}
        changes["clientBillingAllocationMethodToApply"] = "urn:replicon:client-billing-allocation-method:split"
        changes["clientAssignmentsSchedulesToApply"] = {"clients": [whole]}
    return changes


def _time_entry(body: Record) -> Record:
    metadata = [{"keyUri": f"{_KEY}is-billable", "value": {"bool": body.get("billable", False)}}]
    if body.get("project"):
        metadata.append({"keyUri": f"{_KEY}project", "value": {"uri": body["project"]}})
    if body.get("comments"):
        metadata.append({"keyUri": f"{_KEY}comments", "value": {"text": body["comments"]}})
    return {
        "user": {"uri": body.get("user")},
        "entryDate": _parts(body.get("date")),
        "timeAllocationTypeUris": [
            "urn:replicon:time-allocation-type:attendance",
            "urn:replicon:time-allocation-type:project",
        ],
        "interval": {"hours": _duration(body.get("hours")), "timePair": None},
        "customMetadata": metadata,
    }


def _parts(day: Any) -> dict[str, int] | None:
    try:
        found = date.fromisoformat(str(day))
    except ValueError:
        return None
    return {"year": found.year, "month": found.month, "day": found.day}


def _duration(hours: Any) -> dict[str, int] | None:
    try:
        seconds = round(Decimal(str(hours)) * 3600)
    except InvalidOperation:
        return None
    found = {"hours": seconds // 3600, "minutes": seconds % 3600 // 60, "seconds": seconds % 60}
    return {**found, "milliseconds": 0, "microseconds": 0}
