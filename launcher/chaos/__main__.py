"""What bin/chaos does: the whole product under load while everything in it is killed again and again, then an audit."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from launcher.chaos.audit import audit
from launcher.chaos.invoices import audit_hours, invoice_ids
from launcher.chaos.load import Load, practice
from launcher.chaos.stack import HOME, SCHEMA, START_SECONDS, Stack
from launcher.environment import PYTHON
from launcher.errors import LauncherError

_DRAIN_SECONDS = (
    420.0  # and a quarter of the time of the kills: what is behind then has to fit through the vendors' limits
)
_QUIET_SECONDS = 70.0  # once more than a pull's minute
_SAME_SECONDS = 90.0
_MOST_RETRIES = 3
_FAULTS = (
    ("drop_before", 0.03),
    ("drop_after", 0.06),
    ("500", 0.04),
    ("429", 0.02),
    ("slow", 0.03),
)
_FIRST_READS = f"""
select count(*) from {SCHEMA}.syncs_sync where is_enabled and latest_success_at is null
"""
_RETRY = f"""
from datetime import datetime, UTC
from apps.core.tenancy.context import partner_context
from apps.syncs.models import Delivery
from apps.syncs.services import retry_delivery
with partner_context("{SCHEMA}"):
    for row in Delivery.objects.filter(status="held"):
        retry_delivery(row, actor=None, reason="chaos is over", now=datetime.now(UTC))
"""
_OPEN = f"""
select (select count(*) from {SCHEMA}.syncs_delivery where status not in ('done', 'cancelled', 'held')),
       (select count(*) from {SCHEMA}.syncs_delivery where status = 'held'),
       (select count(*) from {SCHEMA}.syncs_inboxevent where status = 'pending'),
       (select count(*) from public.core_duework where schema_name = '{SCHEMA}'
         and due_at < now() - interval '10 seconds' and (lease_until is null or lease_until < now()))
"""


@dataclass(frozen=True, slots=True)
class Open:
    """What is not done yet."""

    deliveries: int
    held: int
    events: int
    due: int

    @property
    def is_nothing(self) -> bool:
        return not (self.deliveries or self.events or self.due)


def look(stack: Stack) -> Open | None:
    """None while the database is away."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(stack.postgres.url()) as database:
        database.execute("select set_config('app.customer_id', '*', false)")
        row = database.execute(_OPEN).fetchone()
        return Open(*row) if row else None
    return None


def await_first_reads(stack: Stack) -> None:
    """A customer goes live when everything was read once and is in step; what happens before is another story."""
    deadline = time.monotonic() + START_SECONDS
    quiet_since = 0.0
    while time.monotonic() < deadline:
        with psycopg.connect(stack.postgres.url(), autocommit=True) as database:
            database.execute("select set_config('app.customer_id', '*', false)")
            row = database.execute(_FIRST_READS).fetchone()
        found = look(stack)
        if row == (0,) and found is not None and found.is_nothing:
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > 15:  # longer than work settles before it is invoiced
                return
        else:
            quiet_since = 0.0
        time.sleep(1)
    raise LauncherError(f"not everything was read and in step within {START_SECONDS:.0f} s; see {HOME / 'log'}")


def drain(stack: Stack, seconds: float) -> Open:
    """Wait until nothing is open, or for so long. What is held is retried a few times, as a person would: when all else is done, or
    stands behind it."""
    deadline = time.monotonic() + seconds
    retries, state, since = 0, Open(-1, -1, -1, -1), time.monotonic()
    while time.monotonic() < deadline:
        time.sleep(2)
        stack.revive()
        found = look(stack) or state
        if found != state:
            state, since = found, time.monotonic()
        same = time.monotonic() - since
        if same > (_QUIET_SECONDS if state.is_nothing else _SAME_SECONDS):
            if state.is_nothing and (not state.held or retries == _MOST_RETRIES):
                return state
            if state.held and retries < _MOST_RETRIES:
                retries, since = retries + 1, time.monotonic()
                stack.manage("shell", "-c", _RETRY)
    return state


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between two strikes, on average")
    parser.add_argument(
        "--kills", type=int, default=0, help="go on until so many processes were killed, however long it takes"
    )
    given = parser.parse_args(arguments)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    stack = Stack(given.seed)
    deals, updates, hours = (HOME / f"{name}.log" for name in ("deals", "updates", "hours"))
    load: Load | None = None
    try:
        print("chaos: setting up", flush=True)
        stack.start()
        await_first_reads(stack)
        before = invoice_ids(stack.vendors)
        load = Load(stack, deals=deals, hours=hours)
        for vendor in ("hubspot", "harvest", "xero"):
            for kind, probability in _FAULTS:
                practice(stack, vendor, "faults", {"kind": kind, "match": {}, "probability": probability, "arg": "2"})
        practice(stack, "hubspot", "faults", {"kind": "webhook_duplicate", "match": {}, "probability": 0.2})
        stack.begin("updates", [str(PYTHON), "-m", "launcher.chaos.updates", str(updates), SCHEMA, str(given.seed)])
        load.start()
        began = time.monotonic()
        print(f"chaos: seed {given.seed}, {given.minutes:g} minutes of kills", flush=True)
        while time.monotonic() - began < given.minutes * 60 or stack.kills < given.kills:
            time.sleep(stack.dice.uniform(0.2, 2 * given.pause - 0.2))
            stack.strike()
            stack.revive()
        load.end()
        stack.children.pop("updates").stop(5)
        stack.calm()
        stack.await_answer(f"{stack.vendor('harvest')}/_practice/")
        for vendor in ("hubspot", "harvest", "xero"):
            practice(stack, vendor, "faults", method="DELETE")
        print(f"chaos: {stack.kills} kills, {dict(stack.strikes)}; draining", flush=True)
        left = drain(stack, _DRAIN_SECONDS + (time.monotonic() - began) / 4)
    finally:
        if load is not None:
            load.end()
        stack.stop()
    found = audit(stack.vendors, deals_log=deals, updates_log=updates)
    audit_hours(found, stack.vendors, hours_log=hours, before=before)
    print(f"{'strikes':22} {sum(stack.strikes.values()):>8}")
    print(f"{'of them kills':22} {stack.kills:>8}")
    print(found.table())
    print(f"{'held, with a case':22} {left.held:>8}")
    print(f"{'still open':22} {left.deliveries + left.events:>8}")
    is_clean = found.is_clean and not (left.deliveries or left.events) and found.asked > 0 and found.invoices > 0
    print(f"chaos: {'all zeros' if is_clean else 'NOT CLEAN'}; logs in {HOME / 'log'}")
    return 0 if is_clean else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        print(f"bin/chaos: {error}", file=sys.stderr)
        sys.exit(2)
