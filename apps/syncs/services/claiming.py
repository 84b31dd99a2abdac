"""Committing the intent: what goes out next is rendered, and body, key and lease are written before any call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.types import PreparedCall
from apps.core import clock
from apps.core.errors import AppError
from apps.mappings.engine import encode_body
from apps.syncs import machine
from apps.syncs.models import Delivery
from apps.syncs.services import adopting
from apps.syncs.services.choosing import next_bundles
from apps.syncs.services.closing import keep_out_of_closed
from apps.syncs.services.moves import CLAIMED_FIELDS, next_step, save_all, take
from apps.syncs.services.outcomes import hold
from apps.syncs.services.rendering import Materials, RenderError, external_id_of, render

MOST_AT_ONCE = 16
_LOOK_AGAIN = timedelta(seconds=1)
_SLACK = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery whose intent is committed, and its call."""

    delivery: Delivery
    token: UUID
    call: PreparedCall
    lease_ends: float
    """By this machine's own clock (`clock.ticks`), which nobody sets."""
    longest_call: timedelta


@dataclass(frozen=True, slots=True)
class Claim:
    """What goes out now. Each list is sent in one call, so many of which side by side."""

    bundles: list[list[Ready]]
    at_once: int
    is_moving: bool
    """Whether anything was due and could be dealt with: what can't be rendered is held, and the next ones follow."""


@transaction.atomic
def claim(connection: Connection, client: VendorClient, now: datetime, *, turns: int = 1) -> Claim:
    """Take due deliveries, the first open one of each record, and commit body, key and lease before any call.

    As many calls as the vendor takes side by side, times `turns`: how many a thread makes one after the other. The lease is
    that of one call; one whose turn comes too late is not sent (`machine.may_send`).
    """
    at_once = min(max(connection.manifest.client.rate.concurrency, 1), MOST_AT_ONCE)
    chosen = next_bundles(connection, now, most=at_once * turns)
    if not chosen:
        return Claim([], 0, is_moving=False)
    grant = budgets.reserve(connection, calls=len(chosen), at_once=at_once, lane="live", now=now, writes=True)
    if not grant.calls:
        event = machine.Postponed(grant.not_before)
        waiting = [row.pk for bundle in chosen for row in bundle if next_step(row, event)]
        Delivery.objects.filter(pk__in=waiting).update(not_before=grant.not_before)
        return Claim([], 0, is_moving=False)
    chosen = chosen[: grant.calls]
    closed = keep_out_of_closed(connection, chain(*chosen), now=now)
    shared = _Claim(connection, client, uuid4(), now, Materials(connection, chain(*chosen)), closed)
    found = [_claim_bundle(bundle, shared) for bundle in chosen]
    ready = [bundle for bundle in found if bundle]
    save_all([item.delivery for bundle in ready for item in bundle], CLAIMED_FIELDS)
    used = min(len(ready), grant.at_once)
    if used < grant.at_once:
        budgets.release(connection, calls=grant.at_once - used, now=now)
    return Claim(ready, used, is_moving=True)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What all deliveries of one claim share."""

    connection: Connection
    client: VendorClient
    token: UUID
    now: datetime
    materials: Materials
    closed: frozenset[int]
    """Deliveries that fall into a closed period and are to be held."""


def _claim_bundle(bundle: list[Delivery], shared: _Claim) -> list[Ready]:
    """Put the intent into each delivery that goes out in one call; those that cannot go are left out."""
    ready: list[Ready] = []
    connection, now = shared.connection, shared.now
    for row in bundle:
        if adopting.must_look_first(row, connection):
            # Left over by this round's looking; the next one looks first.
            if later := next_step(row, machine.Postponed(now + _LOOK_AGAIN)):
                take(row, later)
                row.save(update_fields=["not_before"])
            continue
        call = _prepare(row, shared)
        longest = _longest_call(row, connection)
        lease = max(timedelta(seconds=settings.WORK_LEASE_SECONDS), longest + _SLACK)
        step = next_step(row, machine.Claimed(token=shared.token, at=now, lease=lease)) if call else None
        if call is None or step is None:
            continue
        take(row, step)
        row.sent_at = now
        ready.append(
            Ready(row, shared.token, call, lease_ends=clock.ticks() + lease.total_seconds(), longest_call=longest)
        )
    return ready


def _longest_call(row: Delivery, connection: Connection) -> timedelta:
    """How long the call, the look-ups before it and a log-in can last. The lease is longer: what is under way must not be probed."""
    spec = connection.manifest.write(row.object_name, row.operation)
    return timedelta(seconds=connection.manifest.client.timeouts.total * (spec.most_calls + 1))


def _prepare(row: Delivery, shared: _Claim) -> PreparedCall | None:
    """Render the body. What can't be rendered is held with its problems; None then."""
    if row.pk in shared.closed:
        message = f"{shared.connection.name} is closed through {shared.connection.books_closed_through}"
        hold(row, _not_rendered(row, "closed_period"), message=message, detail={})
        return None
    try:
        body = row.payload_override or render(row, shared.connection, materials=shared.materials)
        target = external_id_of(row, shared.materials) if row.operation != "create" else None
        call = shared.client.prepare(
            row.object_name, row.operation, body, idempotency_key=row.idempotency_key, external_id=target
        )
    except RenderError as error:
        hold(row, _not_rendered(row, error.reason), message=error.message, detail={"problems": error.problems})
        return None
    except (AppError, KeyError) as error:
        hold(row, _not_rendered(row, "flow_incomplete"), message=str(error), detail={})
        return None
    row.body = encode_body(body).decode()
    row.marker = call.marker or row.marker
    return call


def _not_rendered(row: Delivery, reason: str) -> machine.Step | None:
    return next_step(row, machine.NotRendered(reason))
