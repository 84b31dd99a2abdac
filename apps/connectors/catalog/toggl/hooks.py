"""Whether recorded time counts as approved: Toggl's reports do not tell, so the firm says it in the connection's settings.

A hook, because a mapping sees the record alone and not the connection's settings.
"""

from apps.connectors.sdk import HookContext, Record


def read_record(record: Record, context: HookContext) -> Record:
    """`approval` of each time entry: `open` or `approved`."""
    if context.object_name != "time_entries":
        return record
    return {**record, "approval": str(context.config.get("recorded_time") or "open")}
