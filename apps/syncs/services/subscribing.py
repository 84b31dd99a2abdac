"""Subscriptions to vendors' webhooks: made, renewed before they end, ended when a person switches them off."""

from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from apps.connectors import budgets, subscriptions
from apps.connectors.client import VendorClient
from apps.connectors.manifest import Family
from apps.connectors.manifest.webhooks import Subscribe
from apps.connectors.models import Connection
from apps.connectors.services import client_for
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core.problems import Problem, clear, report
from apps.core.tenancy.context import require_partner_schema
from apps.core.work import Work
from apps.partners.models import Partner
from apps.partners.selectors import base_url
from apps.syncs.services import health

_AGAIN = timedelta(minutes=5)
_AFTER_REFUSAL = timedelta(hours=6)


def keep_subscriptions(work: Work, now: datetime) -> datetime | None:
    """Do what is due for one connection. Returns when the next is; None: never, or who repairs the connection plans it."""
    connection = Connection.objects.filter(pk=int(work.key)).first()
    spec = subscriptions.spec_of(connection) if connection else None
    if connection is None or spec is None:
        return None
    wait = health.wait_until(connection, now)
    if wait is not None:
        return wait.until
    is_on = subscriptions.is_on(connection)
    if is_on:
        subscriptions.with_secret(connection)
    wanted = subscriptions.wanted(spec) if is_on else []
    held = [kept.item for kept in subscriptions.shown(connection)]
    times: list[datetime] = []
    client = client_for(connection)
    for item in [*wanted, *(item for item in held if item not in wanted)]:
        if item in wanted:
            due = subscriptions.due_at(connection, item, now)
            if due is None or due > now:
                times += [due] if due else []
                continue
        grant = budgets.reserve(connection, calls=1, lane="repair", now=now, writes=True)
        if not grant.calls:
            return grant.not_before
        again = _settle(connection, client, spec, item, is_wanted=item in wanted, now=now)
        budgets.release(connection, calls=1, now=now)
        times += [again] if again else []
    return min(times, default=None)


def _settle(
    connection: Connection, client: VendorClient, spec: Subscribe, item: str, *, is_wanted: bool, now: datetime
) -> datetime | None:
    """Make, renew or end one. Returns when it is due again."""
    try:
        if is_wanted:
            _make_or_renew(connection, client, spec, item, now)
        else:
            _end(connection, client, spec, item)
    except VendorTransientError as error:
        subscriptions.keep_error(connection, item, error.message)
        return now + (timedelta(seconds=error.retry_after_seconds) if error.retry_after_seconds else _AGAIN)
    except VendorPermanentError as error:
        subscriptions.keep_error(connection, item, error.message)
        if error.family is Family.AUTH:
            health.access_refused(connection, error.message, now=now)
            return None
        _report(connection, item, error)
        return now + _AFTER_REFUSAL
    clear(customer_id=connection.customer_id, trace_keys=[_trace(connection, item)], note="The vendor took it.")
    return subscriptions.due_at(connection, item, now) if is_wanted else None


def _make_or_renew(connection: Connection, client: VendorClient, spec: Subscribe, item: str, now: datetime) -> None:
    values = subscriptions.values_for(connection, item, webhook_url(connection))
    if values["id"] and spec.renew:
        try:
            answer = client.subscription(spec.renew, values)
        except VendorPermanentError as error:
            if error.family is not Family.NOT_FOUND:
                raise
            # It ran out before we came, or somebody ended it at the vendor: another is made.
            subscriptions.forget(connection, item)
        else:
            subscriptions.keep_answer(connection, spec, item, answer, now)
            return
    found = client.find_subscription(spec.find, values) if spec.find else None
    answer = found if found is not None else client.subscription(spec.create, values)
    subscriptions.keep_answer(connection, spec, item, answer, now)
    if not subscriptions.values_for(connection, item, "")["id"]:
        raise VendorPermanentError(
            f"{connection.manifest.connector.name} took the subscription, but its answer carries no id at {spec.id}.",
            family=Family.VALIDATION,
            call=None,
            code="unexpected_shape",
        )


def _end(connection: Connection, client: VendorClient, spec: Subscribe, item: str) -> None:
    values = subscriptions.values_for(connection, item, webhook_url(connection))
    if values["id"] and spec.delete:
        try:
            client.subscription(spec.delete, values)
        except VendorPermanentError as error:
            if error.family is not Family.NOT_FOUND:
                raise
    subscriptions.forget(connection, item)


def webhook_url(connection: Connection) -> str:
    """Our address for the vendor's webhooks to this connection."""
    partner = Partner.objects.get(schema_name=require_partner_schema())
    # By name from the hosts' URL conf: a worker has no request that would choose one.
    return base_url(partner) + reverse("hooks:webhook", args=[connection.webhook_key], urlconf=settings.ROOT_URLCONF)


def _report(connection: Connection, item: str, error: VendorPermanentError) -> None:
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=_trace(connection, item),
            reason="bad_answer",
            title=f"{connection.name} does not take our subscription to its webhooks: {error.message}",
            subject_kind="connection",
            subject_id=connection.pk,
            detail={"error": error.message, "code": error.code, "item": item},
        )
    )


def _trace(connection: Connection, item: str) -> str:
    return f"subscription:{connection.pk}:{item}"
