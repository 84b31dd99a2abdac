"""A worker that is asked to stop finishes what is under way, lets go of the rest, and is gone before a platform kills it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import Client
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus as Status
from apps.syncs.services import intend
from apps.syncs.services.deliveries import Intent
from tests.committed import ROOT, environment
from tests.practice import Practice

# Heroku and Kubernetes kill after 30.
_GRACE_SECONDS = 25.0


@pytest.fixture
def harvest(committed: Customer, practice: Practice) -> Connection:
    return practice.connect(committed, "harvest")


def test_sigterm_in_the_middle_of_many_slow_calls(committed: Customer, harvest: Connection, practice: Practice) -> None:
    practice.control.set_fault("harvest", "slow", method="POST", path="/v2/clients", arg="0.5")
    clients = [Client.objects.create(customer=committed, name=f"Client {number:03}") for number in range(400)]
    intend(
        [
            Intent(harvest, "clients", "create", "client", client.pk, client.name, key=f"stop:{client.pk}")
            for client in clients
        ],
        origin="test",
        origin_item_id=None,
    )
    Delivery.objects.update(context={"looked": True})
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "runworker"], cwd=ROOT, env=environment(), start_new_session=True
    )
    try:
        until(lambda: Delivery.objects.filter(status=Status.DONE).exists())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(_GRACE_SECONDS) == 0
    finally:
        with suppress(ProcessLookupError):  # whatever became of the first of them
            os.killpg(worker.pid, signal.SIGKILL)

    states = set(Delivery.objects.values_list("status", flat=True))
    assert states == {Status.DONE, Status.PENDING}, "nothing is left in doubt, and not all was waited for"
    assert len(practice.all("harvest", "clients")) == Delivery.objects.filter(status=Status.DONE).count()
    row = DueWork.objects.get(kind="syncs.deliver")
    assert row.lease_until is None, "whoever comes next need not wait for a lease"


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
