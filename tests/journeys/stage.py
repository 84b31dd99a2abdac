"""The stage of a journey: a partner whose data is really committed, and the worker's work done step by step.

Ordinary tests roll back; a journey crosses processes and transactions, so it gets a schema of its own that is dropped at the end.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.accounts.services import create_customer
from apps.connectors.models import Connection
from apps.connectors.services import create_connection, test_connection
from apps.core.models import DueWork
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.context import customer_scope
from apps.core.work import queue, tasks
from apps.partners.models import Domain, Partner
from apps.partners.services import create_partner
from apps.syncs.models import Sync, SyncRun
from apps.syncs.services import add_syncs, start_run
from tests.committed import environment

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    schema_name: str

    def customer(self, name: str, slug: str, currency: str) -> Customer:
        return create_customer(name=name, slug=slug, currency=currency, time_zone="Europe/Paris", reason="journey")

    def connect(
        self, customer: Customer, connector: str, roles: list[str], config: dict[str, Any], credentials: dict[str, Any]
    ) -> Connection:
        """Connect and test; the journey stops here, with the reason, if the system refuses us."""
        made = create_connection(
            customer=customer,
            connector=connector,
            name=connector.title(),
            roles=roles,
            config=config,
            credentials=credentials,
            actor=None,
            reason="journey",
            now=datetime.now(UTC),
        )
        found = test_connection(made, now=datetime.now(UTC))
        made.refresh_from_db()
        assert found is not None, made.status_reason
        add_syncs(made, every_minutes=1440, actor=None, reason="journey")
        return made

    def read(self, *connections: Connection, full: bool = False) -> None:
        """As "sync now" on every object of these connections, and all that follows from it."""
        for sync in Sync.objects.filter(connection__in=connections, is_enabled=True).order_by(
            "connection_id", "position"
        ):
            start_run(sync, trigger=SyncRun.Trigger.MANUAL, actor=None, now=datetime.now(UTC), full=full)
        self.work()

    def work(self, *, patience: float = 4.0, most: float = 300.0) -> None:
        """Do due work like a worker until nothing is due within `patience` seconds."""
        ends = time.monotonic() + most
        while time.monotonic() < ends:
            with schema_context("public"):
                claimed = queue.claim()
                soonest = (
                    DueWork.objects.filter(schema_name=self.schema_name)
                    .order_by("due_at")
                    .values_list("due_at", flat=True)
                    .first()
                )
            if claimed is not None:
                tasks.run(claimed)
            elif soonest is None or (soonest - datetime.now(UTC)).total_seconds() > patience:
                return
            else:
                time.sleep(0.1)
        raise AssertionError(f"work did not come to rest within {most} s")

    @contextmanager
    def worker(self, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
        """A real worker process on the same database; killed at the end if it still lives."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runworker"], cwd=ROOT, env=environment(**extra), start_new_session=True
        )
        try:
            yield process
        finally:
            kill_group(process)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL to the worker and all its children, as a machine that vanishes would."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
        process.wait(10)


@contextmanager
def staged(schema_name: str) -> Iterator[Stage]:
    with schema_context("public"):
        _clear(schema_name)
        create_partner(name=schema_name.title(), schema_name=schema_name, domain=f"{schema_name}.localhost")
    try:
        with schema_context(schema_name), customer_scope(ALL):
            yield Stage(schema_name)
    finally:
        with schema_context("public"):
            _clear(schema_name)


def _clear(schema_name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'drop schema if exists "{schema_name}" cascade')
        cursor.execute("delete from public.django_q_ormq")
    DueWork.objects.filter(schema_name=schema_name).delete()
    Domain.objects.filter(tenant__schema_name=schema_name).delete()
    Partner.objects.filter(schema_name=schema_name).delete()
