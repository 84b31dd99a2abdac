"""A believable quarter of two partners' work, built through models and services, for browser tests and screenshots.

    python -m tests.browser.seed people.json

migrates the database DATABASE_URL names and writes who may log in. The random seed is fixed; dates are relative to now.
"""

import json
import random
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import django

FIRMS = (
    ("Northwind Traders", "northwind.example"),
    ("Borealis Energy", "borealis.example"),
    ("Lumen Health", "lumen.example"),
    ("Fjord Logistics", "fjord.example"),
    ("Hollis & Grant LLP", "hollisgrant.example"),
    ("Sundial Media", "sundial.example"),
    ("Okapi Robotics", "okapi.example"),
    ("Veridian Foods", "veridian.example"),
    ("Maison Corbeau", "corbeau.example"),
)
WORK = (
    "Website relaunch", "Data platform", "Warehouse app", "Brand refresh", "Customer portal", "ERP roll-out, phase 1",
    "Security review", "Mobile app discovery", "Pricing study", "Intranet migration", "Checkout rebuild",
    "Service design",
)  # fmt: skip
PEOPLE = (
    ("Ada Novak", "Lead developer", 145), ("Ben Okafor", "Designer", 120), ("Chiara Rossi", "Project manager", 130),
    ("Dmitri Lang", "Developer", 115), ("Elin Sørensen", "Consultant", 140), ("Farid Haddad", "Developer", 115),
)  # fmt: skip
WON_DAYS_AGO = (0.2, 1.6, 3.1, 5.2, 12, 18, 25, 33, 41, 50, 60, 60)
NOTES = (
    "Sprint review with the client",
    "Checkout flow",
    "Wireframes",
    "Data model",
    "",
    "Pairing on the importer",
    "Release",
)


@dataclass(slots=True)
class World:
    """What the parts of the seed hand to each other."""

    customer: Any
    now: datetime
    rng: random.Random
    connections: dict[str, Any]
    clients: list[Any]
    people: list[Any]
    projects: list[Any]

    def ago(self, **gap: float) -> datetime:
        return self.now - timedelta(**gap)


def main(path: str) -> None:
    from django.core.management import call_command
    from django_tenants.utils import schema_context

    from apps.core.tenancy.context import partner_context
    from apps.partners.services import create_partner, ensure_public_partner

    call_command("migrate_partners", stdout=StringIO())
    ensure_public_partner()
    password = secrets.token_urlsafe(12)
    now = datetime.now(UTC)
    for schema, name, brand, colour in (
        ("acme", "Acme Integrations GmbH", "Acme Integrations", "#0f766e"),
        ("globex", "Globex Systems Inc.", "Globex Sync", "#b45309"),
    ):
        create_partner(
            name=name,
            schema_name=schema,
            domain=f"{schema}.localhost",
            brand_name=brand,
            brand_colour=colour,
            support_email=f"help@{schema}.example",
            footer=f"{brand} keeps your systems in step.",
            mail_sender=f"{brand} <hello@{schema}.example>",
        )
    with schema_context("acme"), partner_context("acme"):
        people = seed_acme(now=now, password=password)
    with schema_context("globex"), partner_context("globex"):
        people |= seed_globex(password=password)
    with schema_context("public"):
        people |= seed_operator(password=password)
    Path(path).write_text(json.dumps({"password": password, "people": people}))


def seed_operator(*, password: str) -> dict[str, str]:
    """The operator, a partner that is being set up, one whose set-up failed, and work that does not end."""
    from apps.accounts.roles import Role
    from apps.accounts.services import create_user
    from apps.core.models import DueWork
    from apps.partners.models import Partner
    from apps.partners.services import ask_for_set_up, begin_partner, note_failed_set_up

    emails = {"olivia": "olivia@operator.example"}
    create_user(email=emails["olivia"], name="Olivia", role=Role.OWNER, password=password, reason="seed")
    for schema in ("hooli", "initech"):
        partner = begin_partner(
            name=f"{schema.title()} International Holding", schema_name=schema, domain=f"{schema}.localhost"
        )
        ask_for_set_up(partner, person_name="First", person_email=f"first@{schema}.example", password=password)
    failed = Partner.objects.get(schema_name="initech")
    note_failed_set_up(failed, error='ProgrammingError: relation "canonical_client_of_somebody_else" already exists')
    DueWork.objects.filter(schema_name="initech").delete()
    DueWork.objects.create(
        schema_name="acme",
        kind="syncs.deliver",
        key="1",
        attempts=7,
        error="OperationalError: " + "the server closed " * 12,
    )
    return emails


def seed_globex(*, password: str) -> dict[str, str]:
    """A second partner, to see another brand: a customer with nothing connected yet."""
    from apps.accounts.roles import Role
    from apps.accounts.services import create_customer, create_user

    customer = create_customer(
        name="Tern & Co", slug="tern", currency="USD", time_zone="America/New_York", reason="seed"
    )
    emails = {"gina": "gina@tern.example"}
    create_user(
        email=emails["gina"],
        name="Gina Tern",
        role=Role.CUSTOMER_ADMIN,
        customer=customer,
        password=password,
        reason="seed",
    )
    return emails


def seed_acme(*, now: datetime, password: str) -> dict[str, str]:
    """Staff, two customers, and a quarter of work for the first of them."""
    from apps.accounts.roles import Role
    from apps.accounts.services import create_customer, create_user

    kestrel = create_customer(
        name="Kestrel Studio", slug="kestrel", currency="EUR", time_zone="Europe/Berlin", reason="seed"
    )
    halden = create_customer(
        name="Halden Engineering", slug="halden", currency="USD", time_zone="America/New_York", reason="seed"
    )
    emails = {
        "alice": ("alice@acme.example", "Alice Berger", Role.OWNER, None),
        "bob": ("bob@acme.example", "Bob Ortiz", Role.OPERATIONS, None),
        "carol": ("carol@kestrel.example", "Carol Weiss", Role.CUSTOMER_ADMIN, kestrel),
        "victor": ("victor@kestrel.example", "Victor Hahn", Role.CUSTOMER_VIEWER, kestrel),
        "hanna": ("hanna@halden.example", "Hanna Berg", Role.CUSTOMER_ADMIN, halden),
    }
    for email, name, role, customer in emails.values():
        create_user(email=email, name=name, role=role, customer=customer, password=password, reason="seed")
    _staff_material(halden, now=now)
    seed_customer(kestrel, now=now)
    return {key: value[0] for key, value in emails.items()}


def _staff_material(customer: Any, *, now: datetime) -> None:
    """One of everything the staff's pages show, with long names, addresses and texts: what makes pages too wide."""
    from apps.canonical import models as canonical
    from apps.connectors.models import Connection
    from apps.flows.models import Flow, FlowItem
    from apps.mappings.models import Mapping, Stewardship, ValueMap
    from apps.notices.models import AlertRule, MaintenanceWindow
    from apps.syncs.models import InboxEvent
    from tests.backoffice import made

    day, old = now.date(), now - timedelta(days=40)
    token = "0b4e8a3e-aaaa-4bbb-8ccc-" + "d" * 12
    address = f"https://api.vendor.example/v3/accounts/{token}/objects/{token}?expand=everything&page=2"
    words = "The vendor refused the record because a field that is required for this kind of account is empty. " * 3
    harvest = made.make_connection(
        customer, "harvest", name="Harvest of the engineering department in Gothenburg", status="failing",
        status_reason=f"{words}{address}", account_name="halden-engineering-international-holding.harvestapp.com",
    )  # fmt: skip
    xero = made.make_connection(
        customer, "xero", name="Xero", roles=["erp", "billing", "revenue"], config={"auth_method": "oauth", "tenant_id": token},
        consent_renewed_at=now,
    )  # fmt: skip
    sync = made.make_sync(harvest, object_name="time_entries")
    made.make_run(sync, status="failed", error=f"{words} {address}", error_code="outage")
    problem = {"code": "value_unmapped", "field": "tax_code", "value": token, "message": words}
    source = made.make_source(
        harvest, external_id=token, status="rejected", problems=[problem], received_at=old,
        payload={"id": token, "url": address, "notes": words, "nested": {"deep": {"deeper": {"value": token}}}},
    )  # fmt: skip
    InboxEvent.objects.create(
        customer=customer, connection=xero, event_id=token, event_type="invoice.updated.by.somebody", object_name="invoices",
        external_id=token, error=words, received_at=old,
    )  # fmt: skip
    project = made.make_project(
        customer,
        name="Structural assessment of the northern harbour bridge, second and third phase",
        code="N-HARBOUR-2-3",
    )
    held = made.make_delivery(
        xero, title=f"Draft invoice for {project.name} in Xero", status="held", error=f"{words} {address}",
        error_code="uncertain", record_id=project.pk, idempotency_key=f"halden:{token}:{token}", created_at=old,
        body=json.dumps({"Reference": token, "Url": address, "Lines": [{"Description": words, "Amount": 1.5}]}),
    )  # fmt: skip
    held.tries.create(
        customer=customer, outcome="uncertain", kind="send", message=words, at=old,
        request={"method": "POST", "url": address, "body": {"name": words}},
        response={"status": 503, "body": {"error": token * 4}},
    )  # fmt: skip
    for reason, kind, pk in (("uncertain", "delivery", held.pk), ("invalid_value", "source_record", source.pk)):
        made.make_case(
            customer, connection=xero, reason=reason, title=f"{words[:120]} {token}", subject_kind=kind, subject_id=pk,
            trace_key=f"{kind}:{token}:{reason}", detail={"error": f"{words} {address}"}, opened_at=old, latest_at=old,
        )  # fmt: skip
    made.make_proposal(customer, title=f"Another name for {project.name}", origin=f"connection:{harvest.pk}")
    Mapping.objects.create(
        customer=customer, connection=harvest, object_name="projects", entity="project", direction="in",
        spec=next(spec for spec in harvest.manifest.mappings if spec.get("entity") == "project"),
    )  # fmt: skip
    ValueMap.objects.create(
        customer=customer, connection=xero, name="tax_codes_of_the_whole_holding", title="Tax codes of the whole holding",
        entries={token: "OUTPUT2", "standard": "A value that is as long as a sentence and then some"},
    )  # fmt: skip
    Stewardship.objects.create(customer=customer, entity="client", field="billing_address_line_two", owner_role="erp")
    contact = canonical.Contact.objects.create(
        customer=customer, client=project.client, first_name="Maximiliane-Katharina", last_name="von Hohenlohe-Langenburg",
        email="maximiliane-katharina.von-hohenlohe-langenburg@a-rather-long-company-name.example",
    )  # fmt: skip
    card = canonical.RateCard.objects.create(customer=customer, name="Standard rates of the group", currency="USD")
    canonical.Rate.objects.create(
        customer=customer,
        rate_card=card,
        kind="role",
        role="Senior structural engineer",
        hourly_amount=Decimal("187.50"),
    )
    canonical.Contract.objects.create(customer=customer, client=project.client, name=project.name, currency="USD")
    canonical.Quote.objects.create(customer=customer, title=project.name, number="Q-2026-000118", currency="USD")
    canonical.Milestone.objects.create(
        customer=customer, project=project, name=words, amount=Decimal("1250000.00"), currency="USD"
    )
    canonical.Expense.objects.create(
        customer=customer, project=project, spent_date=day, amount=Decimal("123456.78"), currency="USD", notes=words
    )
    canonical.Ticket.objects.create(
        customer=customer, client=project.client, requester=contact, subject=words, number=token
    )
    person = canonical.Resource.objects.create(customer=customer, name="Maximiliane-Katharina von Hohenlohe-Langenburg")
    canonical.TimeEntry.objects.create(
        customer=customer, project=project, resource=person, work_date=day, hours=Decimal("1.5"), notes=words
    )
    canonical.Assignment.objects.create(customer=customer, project=project, resource=person, role="Lead")
    flow = Flow.objects.create(customer=customer, blueprint="sales_to_delivery", settings={}, starts_at=old)
    FlowItem.objects.create(
        customer=customer, flow=flow, entity="project", record_id=project.pk, title=project.name, problem=words,
        plan={"projects": [{"name": project.name, "tasks": ["Design"] * 9}]}, status="held",
    )  # fmt: skip
    made.make_write_off(customer, amount=Decimal("1250000.00"), currency="USD", reason=words)
    made.make_total(customer, project=project, currency="USD", amount_difference=Decimal("-1250000.00"))
    AlertRule.objects.create(
        name="Everything about money of the northern harbour bridge", customer=customer, reasons=["amount_differs", "billed_twice"],
        roles=["finance"], min_amount=Decimal("1000"), quiet_from=time(22), quiet_until=time(6), time_zone="Europe/Stockholm",
    )  # fmt: skip
    MaintenanceWindow.objects.create(
        customer=customer, starts_at=old, ends_at=now + timedelta(days=1), note=words[:200]
    )
    made.make_notice(
        customer, kind="reconnect", address="maximiliane-katharina.von-hohenlohe-langenburg@a-rather-long-company-name.example",
        subject=f"{harvest.name} no longer accepts our access", status="failed", attempts=30, error=f"SMTPDataError: {words}{token}",
        body=[{"kind": "paragraph", "text": words}, {"kind": "facts", "rows": [["Since", "today"], ["Address", address]]},
              {"kind": "items", "lines": [words]},
              {"kind": "link", "label": "Reconnect it", "purpose": "reconnect", "subject": harvest.pk, "version": 1}],
    )  # fmt: skip
    assert Connection.objects.filter(customer=customer).count() == 2


def seed_customer(customer: Any, *, now: datetime, seed: int = 7) -> World:
    """Connections, deals, projects, time, invoices, payments, cases: everything a page can show."""
    world = World(customer, now, random.Random(seed), {}, [], [], [])
    _connections(world)
    _sales(world)
    _time(world)
    _invoices(world)
    _cases(world)
    _runs(world)
    return world


def _connections(world: World) -> None:
    from apps.connectors.models import Connection
    from apps.flows.models import Flow
    from apps.syncs.models import Sync

    for slug, name, roles, objects in (
        ("hubspot", "HubSpot", ["crm"], ("companies", "contacts", "deals")),
        ("harvest", "Harvest", ["projects", "time"], ("clients", "projects", "users", "time_entries")),
        ("xero", "Xero", ["erp", "billing"], ("contacts", "tax_rates", "invoices", "payments")),
    ):
        connection = Connection.objects.create(
            customer=world.customer,
            connector=slug,
            name=name,
            roles=roles,
            config={},
            credentials={"access_token": secrets.token_urlsafe(16)},
            status=Connection.Status.OK,
            account_name=f"Kestrel Studio ({name})",
            checked_at=world.ago(hours=5),
            latest_success_at=world.ago(minutes=3),
        )
        world.connections[slug] = connection
        for position, object_name in enumerate(objects):
            Sync.objects.create(
                customer=world.customer,
                connection=connection,
                object_name=object_name,
                position=position,
                latest_success_at=world.ago(minutes=3 + position),
            )
    for blueprint in ("sales_to_delivery", "time_to_invoice"):
        Flow.objects.create(
            customer=world.customer,
            blueprint=blueprint,
            settings={},
            starts_at=world.ago(days=95),
            latest_success_at=world.ago(minutes=40),
        )


def _sales(world: World) -> None:
    """Clients, people, and deals: most are won and have a project."""
    from apps.canonical import models as canonical

    customer, rng = world.customer, world.rng
    world.clients = [
        canonical.Client.objects.create(customer=customer, name=name, domain=domain, currency="EUR")
        for name, domain in FIRMS
    ]
    world.people = [
        canonical.Resource.objects.create(
            customer=customer, name=name, role=role, billable_rate=Decimal(rate), currency="EUR",
            email=f"{name.split()[0].lower()}@kestrel.example",
        )
        for name, role, rate in PEOPLE
    ]  # fmt: skip
    for index, title in enumerate(WORK):
        client = world.clients[index % len(world.clients)]
        won = index < 11
        won_at = world.ago(days=WON_DAYS_AGO[index])
        budget = Decimal(rng.randrange(60, 320, 20))
        opportunity = canonical.Opportunity.objects.create(
            customer=customer,
            client=client,
            name=title,
            status="won" if won else "open",
            stage="Closed won" if won else "Proposal",
            amount=budget * 125,
            currency="EUR",
            close_date=won_at.date(),
            won_at=won_at if won else None,
        )
        _ref(
            world,
            "hubspot",
            "deals",
            "opportunity",
            opportunity.pk,
            f"https://app.hubspot.example/deals/{9000 + index}",
        )
        if not won:
            continue
        _change(
            world, "opportunity", opportunity.pk, "updated", {"stage": ["Proposal", "Closed won"]}, "hubspot", won_at
        )
        project = canonical.Project.objects.create(
            customer=customer,
            client=client,
            opportunity=opportunity,
            name=title,
            code=f"K{index:03d}",
            currency="EUR",
            budget_hours=budget,
            start_date=won_at.date(),
        )
        if index == 0:
            _delivery(
                world, "harvest", "project", project.pk, f"Create project {title} in Harvest", won_at, status="pending"
            )
            continue
        world.projects.append(project)
        _ref(world, "harvest", "projects", "project", project.pk, f"https://harvest.example/projects/{400 + index}")
        _ref(world, "xero", "tracking", "project", project.pk, "")
        _delivery(
            world, "harvest", "project", project.pk, f"Create project {title} in Harvest", won_at + timedelta(seconds=8)
        )


def _time(world: World) -> None:
    from apps.canonical import models as canonical

    rng, entries = world.rng, []
    today = world.now.date()
    for back in range(63):
        day = today - timedelta(days=back)
        if day.weekday() > 4:
            continue
        for person in world.people:
            for _ in range(rng.choice((1, 2, 2))):
                project = rng.choice([p for p in world.projects if p.start_date <= day] or world.projects[-1:])
                approved = back > 3 or rng.random() < 0.4
                entries.append(
                    canonical.TimeEntry(
                        customer=world.customer,
                        client_id=project.client_id,
                        project=project,
                        resource=person,
                        task=rng.choice(("Development", "Design", "Consulting", "Project management")),
                        work_date=day,
                        hours=Decimal(rng.choice((1, 2, 3, 4, 4))) + Decimal(rng.choice((0, 0.25, 0.5))),
                        notes=rng.choice(NOTES),
                        approval="approved" if approved else "submitted",
                        approved_at=datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=17)
                        if approved
                        else None,
                        billable_rate=person.billable_rate,
                        currency="EUR",
                    )
                )
    canonical.TimeEntry.objects.bulk_create(entries)
    for hours in (0, 5, 22, 27, 31, 46, 52, 70, 75, 94, 100, 118):
        moment = world.ago(hours=hours + 0.3)
        run = 5000 + hours
        for entry in rng.sample(entries, rng.randrange(2, 30)):
            _change(world, "time_entry", entry.pk, "created", {}, "harvest", moment, run=run)
    world.connections["harvest"].refresh_from_db()


def _invoices(world: World) -> None:
    """One invoice a project for what is older than two weeks; a few posted, a few paid, one overdue."""
    from apps.canonical import models as canonical

    today = world.now.date()
    states = ("paid", "paid", "posted", "posted", "paid", "draft", "paid", "draft", "posted", "paid")
    for index, project in enumerate(world.projects):
        entries = list(project.time_entries.filter(approval="approved", work_date__lte=today - timedelta(days=9)))
        if not entries:
            continue
        status = states[index % len(states)]
        issued = today - timedelta(days=8 - index % 4)
        invoice = canonical.Invoice.objects.create(
            customer=world.customer,
            client_id=project.client_id,
            project=project,
            number="" if status == "draft" else f"INV-{1040 + index}",
            reference=f"TL-{project.pk:06d}",
            status=status,
            issue_date=issued,
            due_date=issued + timedelta(days=3 if index == 8 else 14),
            currency="EUR",
            is_produced_here=True,
        )
        _bill(world, invoice, entries)
        _settle(world, invoice, issued)


def _bill(world: World, invoice: Any, entries: list[Any]) -> None:
    """One line for each person, with the time it bills."""
    from apps.canonical import models as canonical

    cent, net = Decimal("0.01"), Decimal(0)
    for position, person in enumerate(world.people):
        mine = [entry for entry in entries if entry.resource_id == person.pk]
        if not mine:
            continue
        hours = sum((entry.hours for entry in mine), Decimal(0))
        line = canonical.InvoiceLine.objects.create(
            customer=world.customer,
            invoice=invoice,
            project=invoice.project,
            position=position,
            description=f"{person.role}: {person.name}",
            quantity=hours,
            unit_amount=person.billable_rate,
            amount=(hours * person.billable_rate).quantize(cent, ROUND_HALF_UP),
            tax_code="standard",
            tax_percent=Decimal(19),
        )
        net += line.amount
        canonical.Billing.objects.bulk_create(
            canonical.Billing(
                customer=world.customer, line=line, time_entry=entry, hours=entry.hours,
                worked_hours=entry.hours, rate=person.billable_rate, currency="EUR",
                amount=(entry.hours * person.billable_rate).quantize(cent, ROUND_HALF_UP),
            )
            for entry in mine
        )  # fmt: skip
    invoice.untaxed_amount = net
    invoice.tax_amount = (net * Decimal("0.19")).quantize(cent, ROUND_HALF_UP)
    invoice.total_amount = invoice.untaxed_amount + invoice.tax_amount
    invoice.save()


def _settle(world: World, invoice: Any, issued: date) -> None:
    from apps.canonical import models as canonical

    moment = datetime.combine(issued, datetime.min.time(), UTC) + timedelta(hours=8)
    title = f"Draft invoice for {invoice.client} in Xero"
    _delivery(world, "xero", "invoice", invoice.pk, title, moment, amount=invoice.total_amount)
    _ref(world, "xero", "invoices", "invoice", invoice.pk, f"https://xero.example/invoices/{invoice.pk}")
    if invoice.status == "draft":
        return
    _change(
        world, "invoice", invoice.pk, "updated", {"status": ["draft", "posted"]}, "xero", moment + timedelta(hours=5)
    )
    if invoice.status != "paid":
        return
    paid_at = min(moment + timedelta(days=6), world.ago(hours=3))
    invoice.paid_amount, invoice.paid_at = invoice.total_amount, paid_at
    invoice.save()
    payment = canonical.Payment.objects.create(
        customer=world.customer, client=invoice.client, invoice=invoice, amount=invoice.total_amount, currency="EUR",
        paid_date=paid_at.date(), reference="Bank transfer",
    )  # fmt: skip
    _change(world, "invoice", invoice.pk, "updated", {"status": ["posted", "paid"]}, "xero", paid_at)
    _change(world, "payment", payment.pk, "created", {}, "xero", paid_at)


def _cases(world: World) -> None:
    """Two questions the customer can answer, one thing the staff look at, and the delivery it is about."""
    from apps.canonical import models as canonical
    from apps.exceptions.models import ExceptionCase

    for code, name, percent in (
        ("OUTPUT", "Standard 19 %", 19), ("REDUCED", "Reduced 7 %", 7), ("ZERORATED", "Zero rated", 0),
        ("EXEMPTOUTPUT", "Exempt", 0),
    ):  # fmt: skip
        canonical.TaxRate.objects.create(customer=world.customer, code=code, name=name, percent=Decimal(percent))
    for code, name in (("200", "Sales"), ("260", "Other revenue"), ("270", "Travel recharged")):
        canonical.LedgerAccount.objects.create(customer=world.customer, code=code, name=name, kind="REVENUE")
    invoice = canonical.Invoice.objects.filter(customer=world.customer, status="draft").first()
    held = _delivery(
        world,
        "xero",
        "invoice",
        invoice.pk,
        f"Draft invoice for {invoice.client} in Xero",
        world.ago(hours=2),
        status="held",
    )
    for key, value, amount, gap in (
        ("tax_codes", "standard", Decimal("4821.50"), 2), ("revenue_accounts", "travel", Decimal("612.00"), 26),
    ):  # fmt: skip
        ExceptionCase.objects.create(
            customer=world.customer,
            connection=world.connections["xero"],
            trace_key=f"value:{key}:{value}",
            reason="value_unmapped",
            audience="customer",
            title=f"“{value}” has no counterpart in Xero",
            detail={"problems": [{"code": "value_unmapped", "field": "tax_code", "value": value, "value_map": key,
                                  "message": f"{value} is not in the value map {key}"}]},
            subject_kind="delivery",
            subject_id=held.pk,
            entity="invoice",
            record_id=invoice.pk,
            amount=amount,
            currency="EUR",
            occurrences=3 if key == "tax_codes" else 1,
            opened_at=world.ago(hours=gap),
            latest_at=world.ago(minutes=25),
        )  # fmt: skip
    ExceptionCase.objects.create(
        customer=world.customer,
        connection=world.connections["harvest"],
        trace_key="validation:harvest:project",
        reason="validation",
        audience="staff",
        title="Harvest refused the project “Service design”: the code is taken",
        detail={
            "problems": [{"code": "duplicate", "field": "code", "value": "K011", "message": "Code has been taken"}]
        },
        subject_kind="delivery",
        subject_id=held.pk,
        entity="project",
        amount=Decimal("12500"),
        currency="EUR",
        opened_at=world.ago(hours=9),
        latest_at=world.ago(hours=1),
    )


def _runs(world: World) -> None:
    from apps.syncs.models import Sync, SyncRun

    for sync in Sync.objects.filter(customer=world.customer):
        for back in range(4):
            started = world.ago(minutes=3 + 15 * back)
            failed = sync.object_name == "tax_rates" and back == 2
            SyncRun.objects.create(
                customer=world.customer,
                sync=sync,
                status="failed" if failed else "succeeded",
                started_at=started,
                finished_at=started + timedelta(seconds=2 + back),
                pages=1 + back,
                created_count=world.rng.randrange(30),
                updated_count=world.rng.randrange(9),
                unchanged_count=world.rng.randrange(200),
                error="" if not failed else "The vendor answered 503 three times",
                error_code="" if not failed else "outage",
            )


def _ref(world: World, slug: str, object_name: str, entity: str, record_id: int, url: str) -> None:
    from apps.canonical.models import ExternalRef

    ExternalRef.objects.create(
        customer=world.customer,
        connection=world.connections[slug],
        object_name=object_name,
        external_id=f"{entity}-{record_id}",
        entity=entity,
        record_id=record_id,
        url=url,
    )


def _change(
    world: World,
    entity: str,
    record_id: int,
    kind: str,
    fields: dict[str, Any],
    slug: str,
    at: datetime,
    run: int | None = None,
) -> None:
    from apps.canonical.models import Change

    Change.objects.create(
        customer=world.customer, entity=entity, record_id=record_id, kind=kind, fields=fields,
        origin=f"connection:{world.connections[slug].pk}", at=at, run_id=run,
    )  # fmt: skip


def _delivery(
    world: World,
    slug: str,
    entity: str,
    record_id: int,
    title: str,
    at: datetime,
    status: str = "done",
    amount: Any = None,
) -> Any:
    from apps.syncs.models import Delivery, DeliveryAttempt

    done = status == "done"
    delivery = Delivery.objects.create(
        customer=world.customer,
        connection=world.connections[slug],
        origin="flow:1",
        object_name=f"{entity}s",
        operation="create",
        entity=entity,
        record_id=record_id,
        title=title,
        idempotency_key=f"{entity}:{record_id}:{secrets.token_hex(6)}",
        status=status,
        body=json.dumps({"name": title, "currency": "EUR"}),
        external_id=f"{entity}-{record_id}" if done else "",
        attempts=1 if done or status == "held" else 0,
        error="" if status != "held" else "The tax type is not known",
        error_code="" if status != "held" else "value_unmapped",
        amount=amount,
        currency="EUR" if amount else "",
        created_at=at,
        sent_at=at if done else None,
        finished_at=at if done else None,
    )
    if done:
        DeliveryAttempt.objects.create(
            customer=world.customer,
            delivery=delivery,
            outcome="done",
            request={"method": "POST", "url": f"https://{slug}.example/{entity}s", "body": {"name": title}},
            response={"status": 201, "body": {"id": f"{entity}-{record_id}"}},
            at=at,
        )
    return delivery


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
