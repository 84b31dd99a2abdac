"""A customer with its systems connected (no vendor behind them) and short words for what happens there."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database

from apps.accounts.models import Customer
from apps.canonical.models import Client, Contract, Invoice, Opportunity, Project, Resource, TimeEntry
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.core.work import Work
from apps.flows.models import Flow
from apps.flows.services import install_blueprint, react, update_settings
from apps.mappings.services import set_value
from apps.syncs.models import Delivery
from tests.syncs.support import connect

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SINCE = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass
class Stage:
    customer: Customer
    hubspot: Connection
    harvest: Connection
    xero: Connection
    now: datetime = NOW

    @classmethod
    def of(cls, customer: Customer) -> "Stage":
        stage = cls(customer, *(connect(customer, name) for name in ("hubspot", "harvest", "xero")))
        stage.make("tax_rate", code="OUTPUT2", name="20% VAT", percent=Decimal(20))
        set_value(customer=customer, name="tax_codes", source="standard", target="OUTPUT2", actor=None, reason="test")
        set_value(customer=customer, name="revenue_accounts", source="default", target="200", actor=None, reason="test")
        return stage

    def make(self, entity: str, **values: Any) -> Any:
        record = create_record(entity, customer=self.customer, values=values, origin="test", reason="test")
        self.touch(record, self.now - timedelta(hours=1))
        return record

    @staticmethod
    def touch(record: Any, at: datetime) -> None:
        type(record).objects.filter(pk=record.pk).update(updated_at=at)

    def install(self, blueprint: str, **settings: Any) -> Flow:
        flow = install_blueprint(
            self.customer, blueprint=blueprint, settings=settings, actor=None, reason="test", now=SINCE
        )
        return update_settings(
            flow, settings=flow.settings, is_enabled=True, actor=None, reason="test", starts_at=SINCE
        )

    def react(self, at: datetime | None = None) -> datetime | None:
        work = Work(0, str(database.schema_name), "flows.react", str(self.customer.pk), 0, None, 1)  # type: ignore[attr-defined, arg-type]
        return react(work, at or self.now)

    def client(self, name: str = "Northwind", **values: Any) -> Client:
        made: Client = self.make("client", name=name, **values)
        return made

    def deal(self, name: str = "Portal", client: Client | None = None, **values: Any) -> Opportunity:
        given = {"status": "won", "amount": Decimal(10_000), "currency": "EUR", "won_at": self.now, **values}
        made: Opportunity = self.make("opportunity", name=name, client=client, **given)
        return made

    def person(self, name: str, **values: Any) -> Resource:
        made: Resource = self.make("resource", name=name, email=f"{name.lower()}@kestrel.example", **values)
        return made

    def project(self, name: str = "Website", *, client: Client | None = None, **values: Any) -> Project:
        made: Project = self.make("project", name=name, client=client or self.client(), **{"currency": "EUR", **values})
        return made

    def contract(self, client: Client, *, rates: dict[str, str] | None = None, **terms: Any) -> Contract:
        contract: Contract = self.make("contract", client=client, name="Frame", currency=terms.pop("currency", "EUR"))
        card = None
        if rates is not None:
            card = self.make("rate_card", name="Card", currency=contract.currency)
            for role, hourly in rates.items():
                kind = "role" if role else "default"
                self.make("rate", rate_card=card, kind=kind, role=role, hourly_amount=Decimal(hourly))
        self.make(
            "contract_version",
            contract=contract,
            **{"number": 1, "effective_date": date(2026, 1, 1), "rate_card": card, **terms},
        )
        return contract

    def hours(self, hours: str, project: Project | None, person: Resource | None = None, **values: Any) -> TimeEntry:
        given = {
            "work_date": date(2026, 11, 2),
            "approval": "approved",
            "billable_rate": Decimal(100),
            "notes": "Work",
            **values,
        }
        made: TimeEntry = self.make("time_entry", hours=Decimal(hours), project=project, resource=person, **given)
        return made

    def invoices(self) -> list[Invoice]:
        return list(Invoice.objects.filter(customer=self.customer, is_produced_here=True).order_by("pk"))

    def deliveries(self) -> list[tuple[str, str, str]]:
        return list(Delivery.objects.order_by("pk").values_list("connection__connector", "object_name", "status"))


@pytest.fixture
def stage(customer: Customer) -> Stage:
    return Stage.of(customer)
