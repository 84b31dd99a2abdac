"""Three things a manifest cannot say of ConnectWise PSA: the day of an hour, a contact's mail address, whose system it is.

Hooks, because a mapping sees the record alone and not the connection's settings.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.connectors.sdk import HookContext, Record


def read_record(record: Record, context: HookContext) -> Record:
    """`work_date`: the day the work began, where the firm is. An unknown zone was refused before anything was read."""
    if context.object_name != "time_entries":
        return record
    try:
        began = datetime.fromisoformat(str(record.get("timeStart")))
    except ValueError:
        return record
    if began.tzinfo is None:
        return record
    zone = ZoneInfo(str(context.config.get("time_zone") or "UTC"))
    return {**record, "work_date": began.astimezone(zone).date().isoformat()}


def write_body(body: Any, context: HookContext) -> Any:
    """Mail address and number of a new contact as the items ConnectWise keeps them in; their kinds are settings."""
    if (context.object_name, context.operation) != ("contacts", "create"):
        return body
    kinds = (("email", "Email", "email_type"), ("phone", "Phone", "phone_type"))
    items = [
        {"type": {"id": context.config[setting]}, "value": body[name], "communicationType": kind, "defaultFlag": True}
        for name, kind, setting in kinds
        if body.get(name) and context.config.get(setting)
    ]
    return {**body, "communicationItems": items} if items else body


def read_verification(body: Any, context: HookContext) -> Any:
    """ConnectWise tells its version but not whose system it is: that is the company people sign in with."""
    return (
        {**body, "company": context.config.get("company")} if isinstance(body, dict) and body.get("version") else body
    )
