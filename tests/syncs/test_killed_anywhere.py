"""A worker killed before any line between a delivery's claim and the commit of what became of it: one effect, each time.

The lines are not listed: they are those a worker that is left alone runs, so that a new one is attacked too.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.work.kinds import DELIVER
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus as Status
from tests.committed import start_python
from tests.practice import Practice
from tests.syncs.test_deliveries import after_the_leases, intent, want
from tests.waiting import wait_until

MOST_SECONDS = 60


@pytest.fixture
def harvest(committed: Customer, practice: Practice) -> Connection:
    return practice.connect(committed, "harvest")


class Victim:
    """The process whose forks are killed."""

    def __init__(self) -> None:
        script = "import runpy; runpy.run_module('tests.syncs.killed_anywhere', run_name='__main__')"
        self.process = start_python(script, stdin=subprocess.PIPE)

    def order(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture
def victim(harvest: Connection) -> Iterator[Victim]:
    made = Victim()
    yield made
    made.process.kill()
    made.process.communicate()


def wanted(customer: Customer, connection: Connection, number: int) -> list[Delivery]:
    """A client and its project, one after the other."""
    client = create_record("client", customer=customer, values={"name": f"Client {number}"}, origin="test", reason="t")
    project = create_record(
        "project",
        customer=customer,
        values={"name": f"Project {number}", "code": f"P-{number}", "client": client},
        origin="test",
        reason="t",
    )
    first = intent(connection, "client", client.pk)
    rows = want(first, intent(connection, "project", project.pk, after=(first.key,)))
    DueWork.objects.exclude(kind=DELIVER).delete()
    return rows


def settled(connection: Connection, rows: list[Delivery]) -> bool:
    """The server of the killed process's session may hold its locks for a moment, and what is locked is passed over."""
    after_the_leases(connection)
    return set(Delivery.objects.filter(pk__in=[row.pk for row in rows]).values_list("status", flat=True)) == {
        Status.DONE
    }


@pytest.mark.chaos
def test_killed_before_any_line_there_is_one_of_each(
    committed: Customer, harvest: Connection, practice: Practice, victim: Victim
) -> None:
    wanted(committed, harvest, 0)
    lines = victim.order()["lines"]
    # What is run for both, the client and its project, is attacked in both.
    points = [
        (name, line, nth)
        for name, line, times in lines
        for nth in (sorted({1, times}) if name.startswith("syncs/") else [1])
    ]
    assert len({name for name, _, _ in points}) == 12, "every watched file takes part"
    assert len(points) > 300

    missed = []
    for number, (name, line, nth) in enumerate(points, start=1):
        rows = wanted(committed, harvest, number)
        if not victim.order(file=name, line=line, nth=nth).get("killed"):
            missed.append((name, line, nth))
        wait_until(lambda rows=rows: settled(harvest, rows), seconds=MOST_SECONDS)

    # A few lines depend on what came before (a memo, a table met for the first time).
    assert len(missed) < len(points) / 20, missed
    for collection, entity in (("clients", "Client"), ("projects", "Project")):
        made = Counter(item["name"] for item in practice.all("harvest", collection))
        assert made == {f"{entity} {number}": 1 for number in range(len(points) + 1)}
