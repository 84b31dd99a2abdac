"""A quiet partner's live events, alone and while others read a hundred thousand records for the first time in the same workers.

Both times the same few events a second of one partner, from the webhook to the call at the vendor. The neighbours' records come from a
server of their own, so that only what they take in the product and of the machine is measured.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from django_tenants.utils import schema_context

from apps.syncs.models import SyncRun
from apps.syncs.models.pulls import RunStatus
from benchmarks import installation
from benchmarks.hooks import Hooking, await_arrivals, warm_up
from benchmarks.senders import Address, send_when_due
from benchmarks.stack import Stack

RATE = 5.0
_LONGEST_SECONDS = 900.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Case:
    """`readers`: the schema and a name for each customer that is read meanwhile."""

    name: str
    readers: tuple[tuple[str, str], ...] = ()


IDLE = Case("alone")
_OTHER_PARTNER = (installation.NEIGHBOUR, "reader")
_OTHER_CUSTOMER = (installation.SCHEMA, "reader")
CASES = (
    IDLE,
    Case("beside a first read of another partner", (_OTHER_PARTNER,)),
    Case("beside a first read of another customer", (_OTHER_CUSTOMER,)),
    Case("beside four first reads: more than there are workers", tuple(
        (schema, f"reader-{number}") for schema in (installation.NEIGHBOUR, installation.SCHEMA) for number in (1, 2)
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Beside:
    """One run. `records_per_second`: what the readers read meanwhile, all together."""

    case: Case
    hooking: Hooking
    records_per_second: float = 0.0


def live_beside(quiet_url: str, reading_url: str, case: Case, *, records: int, seconds: float) -> Beside:
    """`seconds` where nobody reads; else for as long as all readers take."""
    key = secrets.token_urlsafe(24)
    installation.empty()
    installation.prepare_neighbour()
    hooks = installation.install_hooks(quiet_url, key)
    result = Hooking(RATE)
    with Stack() as stack, ThreadPoolExecutor(1) as pool:
        address = Address(f"http://127.0.0.1:{stack.port}{hooks.path}", key, installation.HOST)
        warm_up(quiet_url, address)
        syncs = [(schema, installation.begin_back_fill(reading_url, schema, name)) for schema, name in case.readers]
        began = time.monotonic()
        with _until_end() as ended:
            sending = pool.submit(send_when_due, address, RATE, result.note, ended=ended)
            if syncs:
                _await_reads(syncs, records)
            else:
                time.sleep(seconds)
            took = time.monotonic() - began
        due = sending.result()
        result.judge(due, await_arrivals(quiet_url, result.acknowledged))
    return Beside(case, result, records * len(syncs) / took)


@contextmanager
def _until_end() -> Iterator[threading.Event]:
    ended = threading.Event()
    try:
        yield ended
    finally:
        ended.set()


def _await_reads(syncs: list[tuple[str, int]], records: int) -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while open_ones := [(schema, sync_id) for schema, sync_id in syncs if not _was_read(schema, sync_id, records)]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{open_ones} were not read within {_LONGEST_SECONDS:.0f} s")
        time.sleep(_LOOK_SECONDS)


def _was_read(schema: str, sync_id: int, records: int) -> bool:
    with schema_context(schema):
        run = SyncRun.objects.filter(sync_id=sync_id).exclude(status=RunStatus.RUNNING).first()
    if run is None:
        return False
    if (run.status, run.created_count) != (RunStatus.SUCCEEDED, records):
        raise RuntimeError(
            f"expected {records} records, the run ended {run.status} with {run.created_count}: {run.error}"
        )
    return True
