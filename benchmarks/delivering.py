"""Writes to a vendor, each with its intent recorded first, by the running worker: one by one, at a slow vendor, in batches.

All are intended in one commit; the time counts from it until every outcome is written. What arrived, and how often, is counted
at the vendor; the ledger is looked through afterwards.
"""

import time
from dataclasses import dataclass
from typing import Any

from django_tenants.utils import schema_context

from apps.canonical.models import ExternalRef
from apps.canonical.services import create_records
from apps.connectors.models import Connection
from apps.core.tenancy.context import partner_context
from apps.syncs.models import Delivery, DeliveryAttempt
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.services.deliveries import Intent, intend
from benchmarks import installation
from benchmarks.measuring import Usage, measured, postgres_meter
from benchmarks.processes import arrivals, tell, worker

_LONGEST_SECONDS = 600.0
_WARM = 50


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    object_name: str
    delay_ms: int
    goal: float
    """Deliveries a second."""


CASES = (
    Case("one by one", "projects", 0, 1_500.0),
    Case("one by one, vendor takes 20 ms", "projects", 20, 650.0),
    Case("in batches of 100", "project_batches", 0, 5_000.0),
)


@dataclass(frozen=True, slots=True)
class Delivering:
    """One run. `last_start_s`: from the commit until the last call arrived."""

    case: Case
    count: int
    usage: Usage
    last_start_s: float


def deliver(base_url: str, case: Case, count: int) -> Delivering:
    installation.empty()
    connection = installation.install_deliveries(base_url)
    tell(base_url, "/reset")
    with worker() as pid:
        _intend(connection, case.object_name, _WARM, "warm")
        _await_done(_WARM)
        tell(base_url, "/reset")
        tell(base_url, f"/delay?ms={case.delay_ms}")
        meter = postgres_meter(installation.backend())
        began = time.time()
        with measured(pid, meter) as usage:
            began = _intend(connection, case.object_name, count, "run")
            started = time.monotonic()
            _await_done(_WARM + count)
            seconds = time.monotonic() - started
        usage.wall_s = seconds
    tell(base_url, "/delay?ms=0")
    arrived = arrivals(base_url)
    _expect(arrived, count)
    return Delivering(case, count, usage, max(arrived["created"].values()) - began)


def _intend(connection: Connection, object_name: str, count: int, run: str) -> float:
    """Returns when it was committed."""
    with partner_context(installation.SCHEMA):
        values = [{"name": f"Deal {run}-{number}", "code": f"{run}{number}"} for number in range(count)]
        projects = create_records(
            "project", customer=connection.customer_id, values=values, origin="benchmark", reason="benchmark"
        )
        intents = [
            Intent(connection, object_name, "create", "project", project.pk, project.name, key=f"{run}:{project.pk}")
            for project in projects
        ]
        intend(intents, origin="benchmark", origin_item_id=None)
        return time.time()


def _await_done(count: int) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    pause = 0.005
    while time.monotonic() < deadline:
        with schema_context(installation.SCHEMA):
            open_ones = Delivery.objects.exclude(status=DeliveryStatus.DONE).exists()
        if not open_ones:
            return
        time.sleep(pause)
        pause = min(pause * 1.2, 0.05)
    with schema_context(installation.SCHEMA):
        left = list(Delivery.objects.exclude(status=DeliveryStatus.DONE).values("status", "error")[:3])
    raise TimeoutError(f"{count} deliveries were not done within {_LONGEST_SECONDS:.0f} s: {left}")


def _expect(arrived: dict[str, Any], count: int) -> None:
    """A wrong result has no speed: each arrived once, and its ledger says so."""
    total = _WARM + count
    with schema_context(installation.SCHEMA):
        kept = (
            Delivery.objects.filter(status=DeliveryStatus.DONE).count(),
            DeliveryAttempt.objects.filter(kind="send", outcome="done").count(),
            ExternalRef.objects.filter(entity="project").count(),
        )
    found = (len(arrived["created"]), arrived["most_copies"], *kept)
    if found != (count, 1, total, total, total):
        raise RuntimeError(
            f"expected {(count, 1, total, total, total)} arrivals, copies, done, attempts, ids; found {found}"
        )
