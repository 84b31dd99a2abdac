"""Rows for the staff admin's tests, made with as few words as possible."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.accounts.models import Customer
from apps.canonical.models import Client, Project, Proposal, Resource, TimeEntry, WriteOff
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.flows.models import ControlTotal
from apps.notices.models import Notice
from apps.syncs.models import Delivery, SourceRecord, Sync, SyncRun

START = datetime.fromisoformat("2026-11-20T08:00:00+00:00")


def make_connection(customer: Customer, connector: str = "harvest", **fields: Any) -> Connection:
    number = Connection.objects.count()
    values = {"name": f"{connector} {number}", "status": "ok", "roles": ["time"], "account_id": str(number)}
    return Connection.objects.create(customer=customer, connector=connector, **{**values, **fields})


def make_sync(connection: Connection, **fields: Any) -> Sync:
    values = {"object_name": f"object_{Sync.objects.count()}", "every_minutes": 15}
    return Sync.objects.create(customer=connection.customer, connection=connection, **{**values, **fields})


def make_run(sync: Sync, **fields: Any) -> SyncRun:
    values: dict[str, Any] = {"status": "succeeded", "started_at": START, "finished_at": START + timedelta(seconds=30)}
    return SyncRun.objects.create(customer=sync.customer, sync=sync, **{**values, **fields})


def make_source(connection: Connection, **fields: Any) -> SourceRecord:
    values: dict[str, Any] = {
        "object_name": "time_entries",
        "external_id": str(SourceRecord.objects.count() + 1),
        "payload": {"id": 1},
        "payload_hash": b"x",
    }
    return SourceRecord.objects.create(customer=connection.customer, connection=connection, **{**values, **fields})


def make_delivery(connection: Connection, **fields: Any) -> Delivery:
    number = Delivery.objects.count() + 1
    values: dict[str, Any] = {
        "origin": "flow:1",
        "object_name": "projects",
        "operation": "create",
        "entity": "project",
        "record_id": 1,
        "title": f"Create project {number}",
        "idempotency_key": f"key-{number}",
        "status": "held",
    }
    return Delivery.objects.create(customer=connection.customer, connection=connection, **{**values, **fields})


def make_case(customer: Customer, **fields: Any) -> ExceptionCase:
    number = ExceptionCase.objects.count() + 1
    values: dict[str, Any] = {
        "trace_key": f"trace-{number}",
        "reason": "validation",
        "title": f"Case {number}",
        "subject_kind": "delivery",
        "subject_id": 0,
    }
    return ExceptionCase.objects.create(customer=customer, **{**values, **fields})


def make_project(customer: Customer, **fields: Any) -> Project:
    number = Project.objects.count() + 1
    client = Client.objects.create(customer=customer, name=f"Client {number}", currency="EUR")
    return Project.objects.create(customer=customer, client=client, **{"name": f"Project {number}", **fields})


def make_time(customer: Customer, **fields: Any) -> TimeEntry:
    person = Resource.objects.create(customer=customer, name=f"Person {Resource.objects.count()}")
    values: dict[str, Any] = {"work_date": START.date(), "hours": Decimal("1.5"), "resource": person}
    return TimeEntry.objects.create(customer=customer, project=make_project(customer), **{**values, **fields})


def make_proposal(customer: Customer, **fields: Any) -> Proposal:
    values: dict[str, Any] = {
        "kind": "field",
        "entity": "project",
        "record_id": make_project(customer).pk,
        "key": f"key-{Proposal.objects.count()}",
        "title": "Another name",
        "details": [{"field": "name", "from": "Old", "to": "New", "effect": "The project is called New."}],
    }
    return Proposal.objects.create(customer=customer, **{**values, **fields})


def make_write_off(customer: Customer, **fields: Any) -> WriteOff:
    values: dict[str, Any] = {"time_entry": make_time(customer), "hours": Decimal("1.5"), "amount": Decimal(150)}
    told = {"currency": "EUR", "reason": "Goodwill", "made_at": START}
    return WriteOff.objects.create(customer=customer, **{**values, **told, **fields})


def make_total(customer: Customer, **fields: Any) -> ControlTotal:
    entry = make_time(customer)
    explanation = {"entity": "time_entry", "id": entry.pk, "why": "lost", "hours": "-1.5", "amount": "-150.00"}
    values: dict[str, Any] = {
        "equation": "work",
        "project": entry.project,
        "month": START.date().replace(day=1),
        "currency": "EUR",
        "state": "break",
        "parts": [
            {"name": name, "hours": hours, "amount": amount, "count": 1}
            for name, hours, amount in (
                ("approved", "4", "400.00"), ("invoiced", "2.5", "250.00"), ("unbilled", "0", "0.00"), ("written_off", "0", "0.00"),
            )
        ],
        "hours_difference": Decimal("-1.5"),
        "amount_difference": Decimal(-150),
        "explanations": [explanation],
        "explained_count": 1,
        "state_since": START,
        "computed_at": START,
    }  # fmt: skip
    return ControlTotal.objects.create(customer=customer, **{**values, **fields})


def make_notice(customer: Customer, **fields: Any) -> Notice:
    values: dict[str, Any] = {
        "kind": "test",
        "address": "carol@kestrel.example",
        "subject": "Harvest no longer accepts our access",
        "body": [{"kind": "paragraph", "text": "Please reconnect it."}],
        "dedupe_key": f"key-{Notice.objects.count() + 1}",
        "status": "sent",
        "created_at": START,
        "sent_at": START,
    }
    return Notice.objects.create(customer=customer, **{**values, **fields})
