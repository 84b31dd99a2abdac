"""The practice vendors inside a test: one server for the session, a fresh account at each vendor for every test."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.db.models import Value
from django.db.models.functions import Least

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.connectors.services import create_connection, test_connection
from apps.core.models import DueWork
from apps.core.work import queue, tasks, wake
from apps.core.work.bell import bell_held
from apps.syncs.services import add_syncs
from sandbox.control import Control
from sandbox.server import Options
from tests.sandbox.conftest import Running
from tests.syncs.support import NOW

_ROLES = {"harvest": ["time", "expenses", "psa", "projects"], "hubspot": ["crm"], "xero": ["erp", "billing"]}


@pytest.fixture(scope="session")
def practice_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = Running(
        Options(
            data=tmp_path_factory.mktemp("practice"),
            scenario="empty",
            webhook_retry_seconds=(0.05, 0.05),
        )
    )
    wide = {"hubspot": {"ten_secondly": (100_000, 10), "search": (100_000, 1)}, "harvest": {"general": (100_000, 15)},
            "xero": {"minute": (100_000, 60), "day": (1_000_000, 86_400)}}  # fmt: skip
    for vendor, windows in wide.items():
        server.control.set_limits(vendor, windows)
    yield server
    server.stop()


@dataclass
class Practice:
    """Accounts of one firm at the practice vendors, and direct access to what is stored there."""

    server: Running
    firm: str
    opened: dict[str, dict[str, Any]]

    @property
    def control(self) -> Control:
        return self.server.control

    def connect(self, customer: Customer, connector: str) -> Connection:
        given = self.account(connector)
        config, credentials = {
            "harvest": ({"auth_method": "token", "account_id": given["id"]}, {"access_key": given["token"]}),
            "hubspot": (
                {"auth_method": "token", "portal_id": given["id"]},
                {"access_key": given["token"], "client_secret": given["webhook_signing_key"]},
            ),
            "xero": (
                {"auth_method": "custom", "tenant_id": given["id"], "client_id": given["client_id"]},
                {"client_secret": given["client_secret"], "webhook_key": given["webhook_signing_key"]},
            ),
        }[connector]
        connection = create_connection(
            customer=customer,
            connector=connector,
            name=connector.title(),
            roles=_ROLES[connector],
            config={**config, "base_url": self.control.base_url(connector)},
            credentials=credentials,
            actor=None,
            reason="test",
            now=NOW,
        )
        assert test_connection(connection, now=NOW) is not None, connection.status_reason
        return connection

    def account(self, vendor: str) -> dict[str, Any]:
        if vendor not in self.opened:
            kind = self.server.practice.vendors[vendor]
            self.opened[vendor] = self.server.call(
                lambda: kind.create_account(name=self.firm, slug=self.firm, currency="EUR")
            )
        return self.opened[vendor]

    def all(self, vendor: str, collection: str) -> list[dict[str, Any]]:
        store, account = self.server.practice.vendors[vendor].store, self.account(vendor)["id"]
        found: list[dict[str, Any]] = self.server.call(lambda: store.all(account, collection))
        return found

    def create(self, vendor: str, path: str, **body: Any) -> dict[str, Any]:
        """Make a record there as somebody else would, past our engine."""
        given = self.account(vendor)
        headers = {"Authorization": f"Bearer {given['token']}", "X-Practice-Fault": ""}
        if vendor == "harvest":
            headers |= {"Harvest-Account-Id": given["id"], "User-Agent": "test (test@example.com)"}
        prefix = {"harvest": "/v2", "hubspot": "", "xero": "/api.xro/2.0"}[vendor]
        answer = requests.post(self.control.base_url(vendor) + prefix + path, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture
def practice(practice_server: Running) -> Iterator[Practice]:
    yield Practice(practice_server, f"firm-{secrets.token_hex(4)}", {})
    for vendor in ("hubspot", "harvest", "xero"):
        practice_server.control.clear_faults(vendor)


def work_on(kind: str, key: object) -> DueWork | None:
    """Claim and run this one piece of work now, as a worker would. Returns its row, None when it is done for good."""
    wake(kind, str(key))
    row = DueWork.objects.get(kind=kind, key=str(key))
    others = list(DueWork.objects.exclude(pk=row.pk))
    DueWork.objects.exclude(pk=row.pk).update(due_at=NOW.replace(year=2099))
    work = queue.claim()
    assert work is not None and work.id == row.pk, f"{kind} {key} could not be claimed"
    with bell_held():
        tasks.run(work)
    for other in others:  # after the run, which would else make way for them; it may have woken them itself
        DueWork.objects.filter(pk=other.pk).update(due_at=Least("due_at", Value(other.due_at)))
    return DueWork.objects.filter(pk=row.pk).first()


def read(connection: Connection, *objects: str) -> None:
    """Set up the syncs of these objects and read each to its end."""
    for sync in add_syncs(connection, objects=list(objects), actor=None, reason="test"):
        row = work_on("syncs.pull", sync.pk)
        assert row is not None and row.error == "", row
