"""To which day an hour belongs: Clockify keeps times in UTC, and the firm's time zone is a setting of the connection.

A hook, because a mapping sees the record alone and not the connection's settings.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from apps.connectors.sdk import HookContext, Record


def read_record(record: Record, context: HookContext) -> Record:
    """`work_date`: the day the work began, where the firm is. An unknown zone was refused before anything was read."""
    interval = record.get("timeInterval")
    if context.object_name != "time_entries" or not isinstance(interval, dict):
        return record
    try:
        began = datetime.fromisoformat(str(interval.get("start")))
    except ValueError:
        return record
    if began.tzinfo is None:
        return record
    zone = ZoneInfo(str(context.config.get("time_zone") or "UTC"))
    return {**record, "work_date": began.astimezone(zone).date().isoformat()}
