"""Reading what flows keep."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from apps.accounts.models import Customer
from apps.flows.models import ControlTotal


@dataclass(frozen=True, slots=True)
class TotalsSummary:
    """How a customer's control totals stand. `computed_at` None: none were worked out yet."""

    count: int
    breaks: int
    computed_at: datetime | None


def totals_summary(customer: Customer) -> TotalsSummary:
    broken = Q(state=ControlTotal.State.BREAK)
    found = ControlTotal.objects.filter(customer=customer).aggregate(
        count=Count("pk"), breaks=Count("pk", filter=broken), computed_at=Max("computed_at")
    )
    return TotalsSummary(**found)
