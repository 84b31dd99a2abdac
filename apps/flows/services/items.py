"""The state of a flow's items, read off their deliveries."""

from datetime import datetime

from apps.flows.models import Flow, FlowItem
from apps.flows.models import ItemStatus as Status
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus


def finish_items(flow: Flow, *, now: datetime) -> None:
    """Items whose deliveries are all done are done; one with a held delivery is held. One without any stays as it is."""
    found_items = FlowItem.objects.raw(
        f"""
        select i.*, (select array_agg(distinct d.status) from {Delivery._meta.db_table} d
                      where d.origin = %s and d.origin_item_id = i.id) as delivery_states
          from {FlowItem._meta.db_table} i
         where i.flow_id = %s and i.status in ('running', 'held')
        """,
        [f"flow:{flow.pk}", flow.pk],
    )
    for item in found_items:
        found = set(item.delivery_states or [])  # type: ignore[attr-defined]
        if not found:
            continue
        before = item.status, item.problem
        if found <= {DeliveryStatus.DONE, DeliveryStatus.CANCELLED}:
            item.status, item.finished_at, item.problem = Status.DONE, now, ""
        elif DeliveryStatus.HELD in found:
            item.status, item.problem = Status.HELD, "a step needs a person; see its case"
        else:
            item.status, item.problem = Status.RUNNING, ""
        if (item.status, item.problem) != before:
            item.save(update_fields=["status", "problem", "finished_at"])
