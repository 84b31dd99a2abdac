"""Sending deliveries: commit the intent, call, write the outcome.

If the process dies before the call, the lease runs out and the outcome counts as uncertain: it is probed. If it dies after
the call, the same. Nothing is ever sent again before the vendor was asked.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain

from django.db import transaction

from apps.connectors import budgets
from apps.connectors.client import VendorClient
from apps.connectors.models import Connection
from apps.connectors.selectors import connection_of
from apps.connectors.services import client_for
from apps.connectors.types import Answer
from apps.core import clock
from apps.core.work import Work, renew
from apps.syncs import machine
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services import adopting, health
from apps.syncs.services.choosing import next_due_at, situation_of
from apps.syncs.services.claiming import MOST_AT_ONCE, Claim, Ready, claim
from apps.syncs.services.moves import STATE_FIELDS, next_step, take
from apps.syncs.services.outcomes import Told, record_outcomes
from apps.syncs.services.probing import probe_uncertain
from apps.syncs.services.superseding import supersede_held

# Threads a process keeps, and with them their connections to the vendors.
_CALLERS = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="call")
# After so long somebody else may have the worker, and a worker that shall stop can.
_SLICE_SECONDS = 4.0
# How many calls a thread makes one after the other, where the vendor is quick; else each would wait for the one before.
_MOST_TURNS = 8
_QUICK_SECONDS = 1.0


def deliver(work: Work, now: datetime) -> datetime | None:
    """Send what is due to one connection, in order per record. Returns when to come back."""
    connection = connection_of(int(work.key))
    if connection is None:
        return None
    heard = Heard(connection)
    try:
        return _deliver(work, connection, heard)
    finally:
        heard.write()


def _deliver(work: Work, connection: Connection, heard: "Heard") -> datetime | None:
    """Round by round, until nothing is due or the slice is over. While the calls of a round are under way, the answers
    of the one before are written."""
    turns = 1
    is_again = False
    slice_ends = time.monotonic() + _SLICE_SECONDS
    while True:
        now = clock.now()
        situation = situation_of(connection, now)
        if situation.is_quiet and heard.write():
            continue  # what waited for it may be due now
        if situation.is_quiet:
            return next_due_at(connection)
        if is_again:
            renew(work)
            connection.refresh_from_db()
        wait = health.wait_until(connection, now)
        if wait is not None:
            return wait.until
        if situation.has_lost:
            give_up_leases(connection, now)
        if situation.has_updates:
            supersede_held(connection, now=now)
        client = client_for(connection)
        probed = (situation.has_lost or situation.has_uncertain) and probe_uncertain(connection, client, now)
        if situation.has_new_parties:
            adopting.adopt_existing(connection, client, now)
        claimed = claim(connection, client, now, turns=turns)
        if not claimed.is_moving and not probed:
            if heard.write():
                continue
            return next_due_at(connection)
        flight = Flight(client, claimed)
        heard.write()
        seconds = flight.land()
        heard.take(flight)
        answers = list(chain(*flight.answers))
        are_done = all(answer.outcome == "done" for answer in answers)
        if situation.ends_with(len(answers)) and are_done:
            return None
        if not are_done:
            heard.write()  # what a vendor refuses, or cannot do now, decides on what goes out next
        turns = _MOST_TURNS if are_done and seconds < _QUICK_SECONDS * turns else 1
        if time.monotonic() > slice_ends:
            return now
        is_again = True


@transaction.atomic
def give_up_leases(connection: Connection, now: datetime) -> None:
    """What was being sent when its worker died may or may not have arrived."""
    lost = Delivery.objects.filter(connection=connection, status=DeliveryStatus.SENDING, lease_until__lt=now)
    for row in lost.select_for_update(skip_locked=True):
        if step := next_step(row, machine.LeaseRanOut(now)):
            take(row, step)
            row.error = "The worker stopped while this was being sent."
            row.save(update_fields=[*STATE_FIELDS, "error"])


class Flight:
    """The calls of one claim, under way. Threads touch no database."""

    def __init__(self, client: VendorClient, claimed: Claim) -> None:
        self.claim = claimed
        self.answers: list[list[Answer]] = []
        self._client = client
        self._began = time.monotonic()
        # What one thread sends: every so manyth, so that the first ones go first.
        self._rows = [claimed.bundles[start :: claimed.at_once] for start in range(claimed.at_once)]
        # One call alone needs no thread.
        is_alone = len(claimed.bundles) == 1
        self._futures: list[Future[list[list[Answer]]]] = (
            [] if is_alone else [_CALLERS.submit(self._send, row) for row in self._rows]
        )

    def _send(self, bundles: list[list[Ready]]) -> list[list[Answer]]:
        return [_send_in_time(self._client, bundle) for bundle in bundles]

    def land(self) -> float:
        """Wait for all answers. Returns how many seconds that took."""
        found = [future.result() for future in self._futures] or [self._send(row) for row in self._rows]
        width = len(found)
        self.answers = [found[at % width][at // width] for at in range(len(self.claim.bundles))]
        return time.monotonic() - self._began


class Heard:
    """Answers that are not written yet. Until they are, a process that dies leaves their deliveries uncertain."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._flight: Flight | None = None

    def take(self, flight: Flight) -> None:
        """The calls are over, which the account's ledger has to know before the next ones."""
        if not flight.answers:
            return
        now = clock.now()
        self._flight = flight
        budgets.release(self._connection, calls=flight.claim.at_once, now=now)
        budgets.observe_all(
            self._connection,
            [
                budgets.Seen(answer.call.response_headers, answer.call.status, answer.retry_after_seconds)
                for answer, *_ in flight.answers
                if answer.call is not None and answer.call.status is not None
            ],
            now=now,
        )

    def write(self) -> bool:
        """Write what became of each, in one transaction. False: there was nothing to write."""
        flight, self._flight = self._flight, None
        if flight is None:
            return False
        now = clock.now()
        items, answers = list(chain(*flight.claim.bundles)), list(chain(*flight.answers))
        with transaction.atomic():
            record_outcomes(
                [
                    Told(item.delivery, item.token, item.call, answer)
                    for item, answer in zip(items, answers, strict=True)
                ],
                self._connection,
                now,
            )
        _tell_of_connection(self._connection, answers, now)
        return True


def _send_in_time(client: VendorClient, bundle: list[Ready]) -> list[Answer]:
    """Call, unless this process was stopped for so long after the claim that another may be at it before the answer comes."""
    now = clock.ticks()
    if all(
        machine.may_send(lease_left=timedelta(seconds=item.lease_ends - now), longest_call=item.longest_call)
        for item in bundle
    ):
        return client.send_together([item.call for item in bundle])
    return [Answer("not_sent", message="The worker was stopped before it could send this.") for _ in bundle]


def _tell_of_connection(connection: Connection, answers: list[Answer], now: datetime) -> None:
    if any(answer.outcome == "done" for answer in answers):
        health.vendor_answered(connection, now=now)
    refused = next((answer for answer in answers if str(answer.family) == "auth"), None)
    if refused is not None:
        health.access_refused(connection, refused.message, now=now)
