"""Installing and running flows. Running is always the same: look at the state, do what is missing."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from pydantic import ValidationError

from apps.accounts.models import Customer, User
from apps.core import clock
from apps.core.errors import AppError, PermanentError
from apps.core.problems import Problem, clear, report
from apps.core.statements import unhurried
from apps.core.work import Work, wake
from apps.core.work.kinds import REACT
from apps.core.work.memory import once
from apps.flows.blueprints import BLUEPRINTS
from apps.flows.models import Flow, FlowItem
from apps.flows.models import ItemStatus as Status
from apps.flows.services import sales_to_delivery, time_to_invoice
from apps.flows.services.items import finish_items

logger = logging.getLogger(__name__)
# The time of the latest success is told to people in minutes; it is not written for each of twenty looks a second.
_FRESH = timedelta(seconds=5)


class BadSettingsError(PermanentError):
    code = "bad_settings"


@transaction.atomic
def install_blueprint(
    customer: Customer, *, blueprint: str, settings: dict[str, Any], actor: User | None, reason: str, now: datetime
) -> Flow:
    """Install a blueprint, or return the installed one. What happened before now is left alone."""
    existing = Flow.objects.filter(customer=customer, blueprint=blueprint).first()
    if existing is not None:
        return existing
    flow = Flow(customer=customer, blueprint=blueprint, settings=_checked(blueprint, settings), starts_at=now)
    _save(flow, actor, reason)
    wake(REACT, customer.pk)
    return flow


@transaction.atomic
def update_settings(
    flow: Flow,
    *,
    settings: dict[str, Any],
    is_enabled: bool,
    actor: User | None,
    reason: str,
    starts_at: datetime | None = None,
) -> Flow:
    """Raises BadSettingsError naming the setting and what it may be."""
    row = Flow.objects.select_for_update(of=("self",)).get(pk=flow.pk)
    row.settings = _checked(row.blueprint, settings)
    row.is_enabled = is_enabled
    if starts_at is not None:
        row.starts_at = starts_at
    _save(row, actor, reason)
    wake(REACT, row.customer_id)
    return row


def run_flow(flow: Flow, *, actor: User | None, now: datetime) -> None:
    """Have the worker look at the flow now."""
    wake(REACT, flow.customer_id)


@transaction.atomic
def retry_item(item_id: int, *, actor: User | None, reason: str, now: datetime) -> None:
    item = FlowItem.objects.select_for_update(of=("self",)).get(pk=item_id)
    if item.status != Status.HELD:
        raise PermanentError(f"{item.title} is {item.get_status_display()}; only what is held can be tried again")
    wake(REACT, item.customer_id)


def react(work: Work, now: datetime) -> datetime | None:
    """Let every flow of a customer do what is missing. Returns when to look again, if something is still settling; at once
    means after what it woke just now, such as the sending of what it started."""
    again: list[datetime] = []
    for flow in _flows_of(int(work.key)):
        wait = _react(flow, now)
        if wait is not None:
            again.append(wait)
    if not again:
        return None
    soonest = min(again)
    return soonest if soonest > now else clock.now()


def _flows_of(customer_id: int) -> list[Flow]:
    """The customer's flows that are switched on; shared by all claims under the same configuration."""
    return once(
        ("flows", customer_id),
        lambda: list(
            Flow.objects.select_related("customer").filter(customer_id=customer_id, is_enabled=True).order_by("pk")
        ),
    )


def _react(flow: Flow, now: datetime) -> datetime | None:
    """One flow; its failure is a case, never the end of the others."""
    trace = f"flow:{flow.pk}:failed"
    try:
        wait = react_to(flow, now=now)
    except AppError as error:
        logger.warning("flows.react.failed flow %s: %s", flow.pk, error.message)
        report(
            Problem(
                customer_id=flow.customer_id,
                trace_key=trace,
                reason="flow_incomplete",
                title=f"{flow.get_blueprint_display()}: {error.message}",
                subject_kind="flow",
                subject_id=flow.pk,
                detail={"error": error.message, "code": error.code},
            )
        )
        return None
    clear(customer_id=flow.customer_id, trace_keys=[trace], note="The flow runs again.")
    if flow.latest_success_at is None or not timedelta(0) <= now - flow.latest_success_at < _FRESH:
        with connection.cursor() as cursor:
            cursor.execute(
                f"update {Flow._meta.db_table} set latest_success_at = %s where id = %s returning {unhurried()}",
                [now, flow.pk],
            )
        flow.latest_success_at = now
    return wait


def react_to(flow: Flow, *, now: datetime) -> datetime | None:
    """The flow's own work, without error handling: previews run the very same. Returns when to look again; `now` or
    earlier: there is more to do at once."""
    if flow.blueprint == Flow.Blueprint.SALES_TO_DELIVERY:
        wait = sales_to_delivery.react(flow, now=now)
        if wait is not None and wait <= now:
            return wait
    else:
        wait = time_to_invoice.react(flow, now=now)
    finish_items(flow, now=now)
    return wait


def _checked(blueprint: str, settings: dict[str, Any]) -> dict[str, Any]:
    if blueprint not in BLUEPRINTS:
        raise BadSettingsError(f"no blueprint {blueprint!r}; there are: {', '.join(BLUEPRINTS)}")
    try:
        parsed = BLUEPRINTS[blueprint].settings_model.model_validate(settings)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
        raise BadSettingsError(f"{BLUEPRINTS[blueprint].title}: {problems}")
    dumped: dict[str, Any] = parsed.model_dump(mode="json")
    return dumped


def _save(flow: Flow, actor: User | None, reason: str) -> None:
    flow._history_user = actor  # type: ignore[attr-defined]
    flow._change_reason = reason  # type: ignore[attr-defined]
    flow.save()
