"""What a flow would do now: the very code that does it, inside a transaction that is always rolled back."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import transaction

from apps.canonical.models import InvoiceLine
from apps.connectors.services import client_for
from apps.core import problems
from apps.core.errors import AppError
from apps.core.problems import Problem, problem_found
from apps.flows.models import Flow, FlowItem
from apps.mappings.engine import encode_body
from apps.syncs.models import Delivery
from apps.syncs.services.rendering import RenderError, render


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """A write as it would be sent; ids that only exist after an earlier step stand as words in angle brackets."""

    title: str
    system: str
    method: str
    url: str
    body: Any


@dataclass(frozen=True, slots=True)
class PlannedItem:
    title: str
    lines: list[str] = field(default_factory=list)
    deliveries: list[PlannedDelivery] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    amount: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class FlowPreview:
    items: list[PlannedItem]
    problems: list[str]


# Of this preview alone: other threads' problems, which may be other customers', are none of its business.
_heard: ContextVar[list[str] | None] = ContextVar("flows_preview_heard", default=None)


def _collect(problem: Problem, **_: Any) -> None:
    heard = _heard.get()
    if heard is not None:
        heard.append(problem.title)


problem_found.connect(_collect, dispatch_uid="flows.preview")


class _Undo(Exception):
    """Rolls the rehearsal back."""


def preview(flow: Flow, *, now: datetime) -> FlowPreview:
    """Everything the flow would write if it ran now, body by body. Writes nothing, calls nobody."""
    from apps.flows.services.flows import react_to

    found: list[str] = []
    token = _heard.set(found)
    result = FlowPreview([], [])
    try:
        with transaction.atomic(), problems.rehearsed():
            known = set(FlowItem.objects.filter(flow=flow).values_list("pk", flat=True))
            try:
                again = react_to(flow, now=now)
                if again is not None and again <= now:
                    react_to(flow, now=now)
            except AppError as error:
                found.append(error.message)
            result = FlowPreview(
                [_item(item) for item in FlowItem.objects.filter(flow=flow).exclude(pk__in=known)], found
            )
            raise _Undo
    except _Undo:
        pass
    finally:
        _heard.reset(token)
    return result


def _item(item: FlowItem) -> PlannedItem:
    deliveries: list[PlannedDelivery] = []
    troubles: list[str] = [item.problem] if item.problem else []
    amount: Decimal | None = None
    currency = ""
    for row in (
        Delivery.objects.filter(origin=f"flow:{item.flow_id}", origin_item_id=item.pk)
        .select_related("connection")
        .order_by("pk")
    ):
        amount, currency = (row.amount, row.currency) if row.amount is not None else (amount, currency)
        try:
            body = render(row, row.connection, rehearsal=True)
            call = client_for(row.connection).prepare(
                row.object_name, row.operation, body, idempotency_key=row.idempotency_key, external_id="(id)"
            )
            shown = call.redacted()
            deliveries.append(
                PlannedDelivery(
                    row.title, row.connection.name, shown["method"], shown["url"], orjson.loads(encode_body(body))
                )
            )
        except (RenderError, AppError, KeyError) as error:
            troubles.append(f"{row.title}: {error}")
            deliveries.append(PlannedDelivery(row.title, row.connection.name, "", "", None))
    return PlannedItem(item.title, _lines(item), deliveries, troubles, amount, currency)


def _lines(item: FlowItem) -> list[str]:
    if item.entity != "invoice":
        return list(item.plan.get("steps", []))
    return [
        f"{line.description}: {line.quantity.normalize():f} × {line.unit_amount.normalize():f} = {line.amount} + {line.tax_amount} tax"
        for line in InvoiceLine.objects.filter(invoice_id=item.record_id).order_by("position")
    ]
