"""RT's own shapes: an unset time is 1970, nobody is a person, a priority a number, and a field of one's own has a place."""

from typing import Any

from apps.connectors.sdk import HookContext, Record

_UNSET = "1970-01-01T00:00:00Z"
# As RT shows its numbers ($PriorityAsString): below 50 low, from 50 medium, from 100 high.
_LEVELS = ((100, "high"), (50, "normal"), (0, "low"))
_NUMBERS = {"low": 0, "normal": 50, "high": 100, "urgent": 100}


def read_record(record: Record, context: HookContext) -> Record:
    if context.object_name == "requesters":
        return _named(record)
    if context.object_name != "tickets" or "Status" not in record:
        return record
    owner, requesters = record.get("Owner"), record.get("Requestor")
    owner = owner if isinstance(owner, dict) else {}
    requester = requesters[0] if requesters and isinstance(requesters, list) else None
    return {
        **{name: None if value == _UNSET else value for name, value in record.items()},
        "Owner": {**owner, "display_name": owner.get("RealName") or owner.get("Name")} if _is_person(owner) else None,
        "requester": _named(requester) if isinstance(requester, dict) else None,
        "priority_level": _level(record.get("Priority")),
    }


def write_body(body: Record, context: HookContext) -> Record:
    if context.object_name == "comments":
        return {"ContentType": "text/plain", **body}
    if context.object_name != "tickets":
        return body
    found = {name: value for name, value in body.items() if name != "ExternalID"}
    if body.get("ExternalID"):
        found["CustomFields"] = {**(body.get("CustomFields") or {}), "External ID": body["ExternalID"]}
    if str(body.get("Due") or "").endswith("+00:00"):
        # With an offset written out RT drops it, here, without a word; in searches it is the other way round.
        found["Due"] = f"{str(body['Due']).removesuffix('+00:00')}Z"
    if body.get("Priority") in _NUMBERS:
        found["Priority"] = _NUMBERS[body["Priority"]]
    if context.operation == "create":
        found.setdefault("Queue", context.config.get("queue") or "General")
        if found.get("Content"):
            found.setdefault("ContentType", "text/plain")
    else:
        # The first message and who sent it stay what they were.
        found = {name: value for name, value in found.items() if name not in ("Content", "Requestor")}
    return found


def _is_person(owner: Record) -> bool:
    return owner.get("Name") not in ("Nobody", "RT_System", None)


def _named(person: Record) -> Record:
    first, _, last = str(person.get("RealName") or "").strip().rpartition(" ")
    return {**person, "first_name": first, "last_name": last}


def _level(priority: Any) -> str | None:
    try:
        number = int(priority)
    except (TypeError, ValueError):
        return None
    return next((name for limit, name in _LEVELS if number >= limit), "low")
