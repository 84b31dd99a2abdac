"""Checks that take the engine: a connection in a partner's schema, its pulls, its inbox and its subscriptions."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.db import transaction

from apps.canonical.registry import entity
from apps.connectors import subscriptions
from apps.connectors.manifest.webhooks import Subscribe
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.tenancy.context import require_partner_schema
from apps.core.work import Work
from apps.core.work.kinds import INBOX, PULL, SUBSCRIBE
from apps.exceptions.models import ExceptionCase
from apps.mappings.selectors import default_specs
from apps.syncs.loading.burials import FEW, SHARE
from apps.syncs.models import InboxEvent, SourceRecord, Sync, SyncRun
from apps.syncs.models.inbound import RecordStatus
from apps.syncs.models.pulls import RunStatus
from apps.syncs.services import add_syncs, start_run
from apps.syncs.services.inbox import process_inbox
from apps.syncs.services.pulling import pull
from apps.syncs.services.subscribing import keep_subscriptions, webhook_url
from conformance.bench import Bench
from conformance.result import CheckExempt, CheckFailed, need
from conformance.sides import DeclaredSide

RECORDS = FEW + SHARE
PATIENCE = 150.0  # seconds for one read: a window of a minute may have to pass
SHORT = timedelta(minutes=6)
SOON = timedelta(seconds=90)
ROUNDS = 30
LONG_LEASE = timedelta(minutes=10)
MOST_OBJECTS = 2


# Subscriptions


@dataclass
class Subscribed:
    """A connection whose webhooks are on, and what stands at the vendor."""

    bench: Bench
    connection: Connection
    spec: Subscribe

    def keep(self, now: datetime) -> None:
        self.connection.refresh_from_db()
        work = Work(0, require_partner_schema(), SUBSCRIBE, str(self.connection.pk), 1, uuid4(), 1)
        for _ in range(ROUNDS):
            again = keep_subscriptions(work, now)
            self.connection.refresh_from_db()
            if again is None or again > now + SOON:
                return
            now = again  # the vendor's budget lets no more through at once

    def switch(self, on: str) -> None:
        Connection.objects.filter(pk=self.connection.pk).update(config={**self.connection.config, "webhooks": on})

    def standing(self) -> list[dict[str, Any]]:
        """The account's subscriptions at the vendor."""
        hooks = self.bench.vendor.webhooks
        assert hooks is not None
        account = self.bench.account["id"]
        return [one for one in self.bench.call(hooks.subscriptions) if one["account"] == account]

    def problems(self) -> str:
        return "; ".join(one.error for one in subscriptions.shown(self.connection) if one.error)


def subscription(bench: Bench, connect: Callable[[dict[str, Any]], Connection]) -> str:
    spec = bench.manifest.webhooks.subscribe if bench.manifest.webhooks else None
    if spec is None:
        raise CheckExempt("The manifest makes no subscriptions: there are no webhooks, or a person sets them up.")
    if bench.vendor.webhooks is None:
        raise CheckFailed("the manifest subscribes to webhooks; the practice vendor sends none")
    had = Subscribed(bench, connect({"webhooks": subscriptions.ON}), spec)
    bench.vendor.webhooks.allow(urlsplit(webhook_url(had.connection)).hostname or "")
    wanted, now = len(subscriptions.wanted(spec)), datetime.now(UTC)

    path = spec.create.path.rpartition("}")[2]
    bench.fault("drop_after", method=spec.create.method, path=path, count=1)
    had.keep(now)
    bench.clear()
    had.keep(now + SHORT)
    told = had.problems()
    need(not told, f"a lost answer to the first subscription is not got over: {told}")
    found = len(had.standing())
    need(found == wanted, f"after a lost answer the vendor has {found} subscriptions instead of {wanted}")
    active = [one for one in subscriptions.shown(had.connection) if one.is_active]
    need(len(active) == wanted, f"of {wanted} subscriptions {len(active)} are known here")

    had.keep(now + SHORT)
    need(len(had.standing()) == wanted, "looking again, with nothing due, made another subscription")
    renewed = _renewed(had, now + SHORT) if all(one.expires_at for one in active) else "they live until they are ended"

    had.switch(subscriptions.OFF)
    had.keep(now + 2 * SHORT)
    left = len(had.standing())
    need(
        not left and not subscriptions.shown(had.connection),
        f"switched off, {left} subscriptions are left at the vendor",
    )
    return f"Made once each ({wanted}), found again after a lost answer, {renewed}, ended when switched off."


def _renewed(had: Subscribed, now: datetime) -> str:
    """At half of their life they are renewed, each at its old place; one the vendor forgot is made anew."""
    wanted = len(had.standing())
    before = {one.item: one.expires_at for one in subscriptions.shown(had.connection)}
    ends = min(expires for expires in before.values() if expires)
    had.keep(now + (ends - now) * 0.4)
    same = {one.item: one.expires_at for one in subscriptions.shown(had.connection)}
    need(same == before, "a subscription was renewed before half of its life")

    time.sleep(1.1)  # the vendor's new end differs from the old one, though it counts whole seconds
    had.keep(now + (ends - now) * 0.6)
    later = {one.item: one.expires_at for one in subscriptions.shown(had.connection)}
    late = [item for item, expires in later.items() if not expires or expires <= (before[item] or now)]
    need(not late, f"after half of its life {', '.join(late) or 'a subscription'} was not renewed ({had.problems()})")
    need(len(had.standing()) == wanted, f"renewing left {len(had.standing())} subscriptions instead of {wanted}")
    return "renewed at half life"


# Deletions


@dataclass
class Reading:
    """An object that the engine reads from the practice vendor."""

    bench: Bench
    connection: Connection
    sync: Sync
    name: str

    def read(self) -> None:
        self.sync.refresh_from_db()  # its cursor has moved
        start_run(self.sync, trigger=SyncRun.Trigger.MANUAL, actor=None, now=datetime.now(UTC))
        with claimed(PULL, self.sync.pk) as work:
            ends = time.monotonic() + PATIENCE
            while SyncRun.objects.filter(sync=self.sync, status=RunStatus.RUNNING).exists():
                again = pull(work, datetime.now(UTC))
                if time.monotonic() > ends:
                    raise CheckFailed(f"{self.name}: a read did not end within {PATIENCE:g} s")
                if self._is_running():
                    _wait(again)
        latest = SyncRun.objects.filter(sync=self.sync).order_by("-pk").first()
        assert latest is not None
        need(latest.status == RunStatus.SUCCEEDED, f"{self.name}: the read ended as {latest.status}: {latest.error}")

    def told_by_webhook(self, ids: list[str]) -> None:
        """Events as the vendor's webhooks bring them."""
        for external_id in ids:
            InboxEvent.objects.create(
                customer=self.connection.customer, connection=self.connection, event_id=secrets.token_hex(12),
                object_name=self.name, external_id=external_id, is_deletion=True,
            )  # fmt: skip
        with claimed(INBOX, self.connection.pk) as work:
            ends = time.monotonic() + PATIENCE
            while InboxEvent.objects.filter(connection=self.connection, status="pending").exists():
                _wait(process_inbox(work, datetime.now(UTC)))
                need(time.monotonic() < ends, f"{self.name}: the inbox was not emptied within {PATIENCE:g} s")

    def with_status(self, status: str) -> int:
        return SourceRecord.objects.filter(connection=self.connection, object_name=self.name, status=status).count()

    def marked(self) -> int:
        name = next(spec.entity for spec in default_specs(self.connection.connector) if self._is_inbound(spec))
        ids = SourceRecord.objects.filter(connection=self.connection, object_name=self.name).values("record_id")
        return int(entity(name).model.objects.filter(pk__in=ids, deleted_at__isnull=False).count())

    def case(self) -> ExceptionCase | None:
        cases = ExceptionCase.objects.filter(connection_id=self.connection.pk, reason="mass_deletion")
        return cases.exclude(status__in=["resolved", "ignored"]).first()

    def _is_inbound(self, spec: Any) -> bool:
        return bool(spec.object == self.name and spec.direction == "in")

    def _is_running(self) -> bool:
        return SyncRun.objects.filter(sync=self.sync, status=RunStatus.RUNNING).exists()


def mass_deletion(bench: Bench, connect: Callable[[dict[str, Any]], Connection]) -> str:
    seen: list[str] = []
    left: list[str] = []
    for name in bench.objects():
        if len(seen) < MOST_OBJECTS and _may_be_deleted(bench, name):
            try:
                seen.append(f"{name}, {_deleted(bench, connect({}), name)}")
            except CheckExempt as reason:
                left.append(f"{name}: {reason}")
    if not seen:
        why = f" ({'; '.join(left)})" if left else ""
        raise CheckExempt(f"No deletion reaches us by reading or by webhook of a record the kit can make{why}.")
    return f"One deletion is a mark here; {RECORDS - 1} at once are held, and a person is asked ({'; '.join(seen)})."


def _may_be_deleted(bench: Bench, name: str) -> bool:
    is_mapped = any(spec.object == name and spec.direction == "in" for spec in default_specs(bench.manifest.slug))
    if isinstance(bench.side, DeclaredSide) and not bench.side.deletable(bench.resource(name)):
        return False
    return is_mapped


def _deleted(bench: Bench, connection: Connection, name: str) -> str:
    """How a deletion was noticed."""
    (sync,) = add_syncs(connection, objects=[name], actor=None, reason="conformance kit")
    reading = Reading(bench, connection, sync, name)
    began = datetime.now(UTC) - timedelta(minutes=30)
    made = [bench.make(name, at=began + timedelta(seconds=number)) for number in range(RECORDS)]
    reading.read()
    known = SourceRecord.objects.filter(connection=connection, object_name=name, status=RecordStatus.APPLIED)
    if missing := set(made) - set(known.values_list("external_id", flat=True)):
        row = SourceRecord.objects.filter(connection=connection, object_name=name, external_id=min(missing)).first()
        why = (row.problems[0]["message"] if row.problems else row.get_status_display()) if row else "not read"
        raise CheckExempt(f"records made by the kit alone are not taken over, {why}")
    if not bench.remove(name, made[0]):
        raise CheckExempt("the vendor lets none go")
    others = known.exclude(external_id__in=made).count()

    reading.read()
    way, tell = "by reading", reading.read
    if reading.with_status(RecordStatus.DELETED) == 0:
        if bench.manifest.webhooks is None or bench.manifest.object(name).read.fetch is None:  # type: ignore[union-attr]
            raise CheckExempt("a deletion is only noticed by fetching the record")
        way = "by webhook"
        reading.told_by_webhook(made[:1])
        tell = lambda: reading.told_by_webhook(made[1:])  # noqa: E731
    if not reading.with_status(RecordStatus.DELETED) and not reading.with_status(RecordStatus.GONE):
        raise CheckExempt("a deleted record can still be fetched, without a mark")
    need(reading.marked() == 1, f"{name}: one record was deleted, and {reading.marked()} are marked")
    need(reading.case() is None, f"{name}: one deletion asked a person")
    if others >= RECORDS * (SHARE - 1):
        raise CheckExempt("the vendor's own records make these few of many")

    for record_id in made[1:]:
        bench.remove(name, record_id)
    tell()

    marked, held = reading.marked(), reading.with_status(RecordStatus.GONE)
    most = 1 if way == "by reading" else FEW
    need(marked <= most, f"{name}: {RECORDS - 1} records were gone at once, and {marked} were marked as deleted")
    need(held == RECORDS - marked, f"{name}: of {RECORDS} deletions {marked} are marked and {held} held")
    need(reading.case() is not None, f"{name}: {held} deletions are held, and nobody is asked")
    return way


def _wait(until: datetime | None) -> None:
    """For the vendor's budget, a little at a time."""
    if until is not None:
        time.sleep(max(0.0, min((until - datetime.now(UTC)).total_seconds(), 2.0)))


@contextmanager
def claimed(kind: str, key: int) -> Iterator[Work]:
    """The work as one worker holds it, so that none that runs beside takes it."""
    schema, token, now = require_partner_schema(), uuid4(), datetime.now(UTC)
    with transaction.atomic():
        DueWork.objects.filter(schema_name=schema, kind=kind, key=str(key)).delete()
        row = DueWork.objects.create(
            schema_name=schema,
            kind=kind,
            key=str(key),
            token=token,
            lease_until=now + LONG_LEASE,
            due_at=now + LONG_LEASE,
        )
    try:
        yield Work(row.pk, schema, kind, str(key), row.version, token, 1)
    finally:
        DueWork.objects.filter(pk=row.pk).delete()
