"""A worker that is asked to stop finishes what is under way, lets go of the rest, and is gone before a platform kills it."""

import os
import signal
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
from tests.committed import start_python
from tests.practice import Practice
from tests.waiting import wait_until

# Heroku and Kubernetes kill after 30.
_GRACE_SECONDS = 25.0
_MORE_THAN_THE_GRACE = 1_500  # of half a second, at most sixteen side by side
# Harvest's limit of calls would end the work by itself.
WORKER = """
from django.core.management import call_command
from apps.connectors import budgets
budgets.reserve = lambda _, *, calls, at_once=None, **__: budgets.Grant(calls, None, min(calls, at_once or calls))
call_command("runworker")
"""


@pytest.fixture
def harvest(committed: Customer, practice: Practice) -> Connection:
    return practice.connect(committed, "harvest")


def test_sigterm_in_the_middle_of_many_slow_calls(committed: Customer, harvest: Connection, practice: Practice) -> None:
    practice.control.set_fault("harvest", "slow", method="POST", path="/v2/clients", arg="0.5")
    names = (f"Client {number:04}" for number in range(_MORE_THAN_THE_GRACE))
    clients = Client.objects.bulk_create(Client(customer=committed, name=name) for name in names)
    intend(
        [
            Intent(harvest, "clients", "create", "client", client.pk, client.name, key=f"stop:{client.pk}")
            for client in clients
        ],
        origin="test",
        origin_item_id=None,
    )
    Delivery.objects.update(context={"looked": True})
    worker = start_python(WORKER, start_new_session=True)
    try:
        wait_until(lambda: Delivery.objects.filter(status=Status.DONE).exists(), seconds=90)
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
