"""A read or an event may bring a record that we are making at this moment: the vendor has it, its answer is not yet written here.
Loaded now, it would be taken for somebody else's, and the same thing would stand here twice."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.connectors.models import Connection
from apps.syncs.loading.context import LoadContext
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus

# Beyond it nobody waits for an outcome that does not come, and other people's records are not held up by ours.
LONGEST = timedelta(minutes=2)
UNDER_WAY = (DeliveryStatus.SENDING, DeliveryStatus.UNCERTAIN)


class OvertakingError(Exception):
    """The page names unknown records of an object of which ours are being made; nothing of it was written."""

    def __init__(self, deliveries: list[int]) -> None:
        super().__init__(f"deliveries {deliveries} are under way")
        self.deliveries = deliveries


def look(context: LoadContext, unknown: Collection[tuple[str, str]], *, now: datetime) -> None:
    """Asked after the look-up of `unknown`: what was settled before that is known, and what is claimed later was made after
    the page was read. One settled in between is refused by the constraint on ties, and the page is worked out again."""
    names = {name for object_name, _ in unknown for name in context.made_here.get(object_name, ())}
    if not names:
        return
    found = list(creations(context.connection_id, names).filter(sent_at__gt=now - LONGEST).values_list("pk", flat=True))
    if found:
        raise OvertakingError(found)


def are_settled(deliveries: Collection[int]) -> bool:
    return not Delivery.objects.filter(pk__in=deliveries, status__in=UNDER_WAY).exists()


def made_here(connection: Connection) -> dict[str, frozenset[str]]:
    """The objects of which records of ours may be made at the vendor, each with those through which they are: its own name,
    and others for the same records."""
    manifest = connection.manifest
    able = {name for name, spec in manifest.objects.items() if "create" in spec.write}
    through = {name: manifest.same(name) & able for name in manifest.objects}
    return {name: names for name, names in through.items() if names}


def creations(connection_id: int, names: Collection[str]) -> QuerySet[Delivery]:
    """Records of ours that are being made of these objects, or may have been made."""
    # The first condition on the status is that of the index of open deliveries: without it all ever made are looked through.
    return Delivery.objects.exclude(status__in=["done", "cancelled", "held"]).filter(
        connection_id=connection_id, status__in=UNDER_WAY, object_name__in=names, operation="create"
    )
