"""The state of a flow's items, read off their deliveries."""

from collections import defaultdict
from datetime import datetime

from apps.flows.models import Flow
from apps.flows.models import ItemStatus as Status
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus


def finish_items(flow: Flow, *, now: datetime) -> None:
    """Items whose deliveries are all done are done; one with a held delivery is held."""
    states: dict[int, set[str]] = defaultdict(set)
    running = list(flow.items.filter(status__in=[Status.RUNNING, Status.HELD]))
    for item_id, status in Delivery.objects.filter(
        origin=f"flow:{flow.pk}", origin_item_id__in=[item.pk for item in running]
    ).values_list("origin_item_id", "status"):
        states[item_id or 0].add(status)
    for item in running:
        found = states.get(item.pk)
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
