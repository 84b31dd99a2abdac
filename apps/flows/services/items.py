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
        select i.*, array_agg(distinct d.status) as delivery_states
          from {FlowItem._meta.db_table} i
          join {Delivery._meta.db_table} d on d.origin_item_id = i.id and d.origin = %s
         where i.flow_id = %s and i.status in (%s, %s)
         group by i.id
        """,
        [f"flow:{flow.pk}", flow.pk, Status.RUNNING, Status.HELD],
    )
    for item in found_items:
        found = set(item.delivery_states)  # type: ignore[attr-defined]
        before = item.status, item.problem
        if found <= {DeliveryStatus.DONE, DeliveryStatus.CANCELLED}:
            item.status, item.finished_at, item.problem = Status.DONE, now, ""
        elif DeliveryStatus.HELD in found:
            item.status, item.problem = Status.HELD, "a step needs a person; see its case"
        else:
            item.status, item.problem = Status.RUNNING, ""
        if (item.status, item.problem) != before:
            item.save(update_fields=["status", "problem", "finished_at"])
