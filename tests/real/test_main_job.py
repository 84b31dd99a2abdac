"""The main job on systems nobody here wrote: practice HubSpot → real Redmine → real Tryton, to the cent.

Two deals are won; 500 time entries by four people at two rates become one draft invoice a project; posted and paid in Tryton they
come home; running everything again writes nothing.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import Billing, Contract, Invoice, Project, Resource
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.work.kinds import DELIVER
from apps.exceptions.models import ExceptionCase
from apps.flows.models import Flow
from apps.flows.services import install_blueprint, update_settings
from apps.mappings.services import set_value
from apps.syncs.models import Delivery
from sandbox.server import Options
from tests.journeys.stage import Stage, kill_group, staged
from tests.real.systems.redmine import RunningRedmine, TimeToLog, log_time
from tests.real.systems.tryton import RunningTryton
from tests.sandbox.conftest import Running

RATES = {"ada": Decimal("95.50"), "bo": Decimal("95.50"), "cy": Decimal("131.25"), "di": Decimal("131.25")}
CENT = Decimal("0.01")
DEALS = ("Portal rebuild", "Warehouse rollout")


@dataclass
class Firm:
    """One services firm with its three systems, connected and read once."""

    stage: Stage
    customer: Customer
    hubspot: Connection
    redmine: Connection
    tryton: Connection
    vendors: Running
    account: str


@pytest.fixture(scope="module")
def firm(
    tryton: RunningTryton,
    redmine: RunningRedmine,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: Any,
) -> Iterator[Firm]:
    tryton.reset()
    redmine.reset()
    vendors = Running(Options(data=tmp_path_factory.mktemp("practice"), scenario="empty"))
    try:
        with django_db_blocker.unblock(), staged("realjob") as stage:
            yield _set_up(stage, vendors, tryton, redmine)
    finally:
        vendors.stop()


def _set_up(stage: Stage, vendors: Running, tryton: RunningTryton, redmine: RunningRedmine) -> Firm:
    customer = stage.customer("Ondine Consulting", "ondine", "EUR")
    account = vendors.control.create_account("hubspot", "Ondine Consulting")
    hubspot = stage.connect(
        customer,
        "hubspot",
        ["crm"],
        {"auth_method": "token", "base_url": vendors.control.base_url("hubspot")},
        {"access_key": account["token"]},
    )
    redmine_connection = stage.connect(
        customer,
        "redmine",
        ["projects", "psa", "time"],
        {"base_url": redmine.base_url, "role_id": str(redmine.seed.role)},
        {"api_key": redmine.api_key},
    )
    seed = tryton.seed
    tryton_connection = stage.connect(
        customer,
        "tryton",
        ["erp", "billing"],
        {
            "base_url": tryton.base_url,
            "database": tryton.database,
            "login": tryton.login,
            "company": str(seed.company),
            "receivable_account": str(seed.account_receivable),
            "payment_term": str(seed.payment_term),
            "hour_unit": str(seed.uom_hour),
        },
        {"password": tryton.password},
    )
    now = datetime.now(UTC)
    set_value(
        customer=customer, name="tax_codes", source="standard", target=str(seed.tax_standard), actor=None, reason="test"
    )
    set_value(
        customer=customer,
        name="revenue_accounts",
        source="default",
        target=str(seed.account_revenue),
        actor=None,
        reason="test",
    )
    stage.work()
    people = [person.mail for person in redmine.seed.people.values()]
    sales = install_blueprint(
        customer,
        blueprint=Flow.Blueprint.SALES_TO_DELIVERY,
        settings={"team": people},
        actor=None,
        reason="test",
        now=now,
    )
    invoicing = install_blueprint(
        customer,
        blueprint=Flow.Blueprint.TIME_TO_INVOICE,
        settings={"settle_seconds": 0, "lines_by": "person"},
        actor=None,
        reason="test",
        now=now,
    )
    for flow in (sales, invoicing):
        update_settings(
            flow,
            settings=flow.settings,
            is_enabled=True,
            actor=None,
            reason="test",
            starts_at=now - timedelta(days=200),
        )
    return Firm(stage, customer, hubspot, redmine_connection, tryton_connection, vendors, str(account["account_id"]))


class TestMainJobOnRealSystems:
    """One story in order; each test goes on where the one before ended."""

    def test_1_won_deals_become_projects_in_redmine_and_parties_and_projects_in_tryton(
        self, firm: Firm, redmine: RunningRedmine, tryton: RunningTryton
    ) -> None:
        for name in DEALS:
            deal = firm.vendors.control.create_deal(
                firm.account,
                name,
                "Lagoon Foods",
                contact_email="orders@lagoon.example",
                amount="90000",
                currency="EUR",
            )
            firm.vendors.control.win_deal(firm.account, deal["id"])

        firm.stage.read(firm.hubspot)

        assert _troubles() == []
        in_redmine = {project["name"] for project in redmine.api("GET", "/projects.json")["projects"]}
        assert set(DEALS) <= in_redmine
        erp = tryton.session()
        parties = erp.search("party.party", [["name", "=", "Lagoon Foods"]], "name")
        assert len(parties) == 1, "two deals of one client make one party"
        projects = erp.search("project.work", [["type", "=", "project"]], "name", "party")
        assert {(project["name"], project["party"]) for project in projects} >= {
            (name, parties[0]["id"]) for name in DEALS
        }

    def test_2_approved_time_becomes_one_exact_draft_a_project(
        self, firm: Firm, redmine: RunningRedmine, tryton: RunningTryton
    ) -> None:
        _agree_rates(firm)
        logged = _log_500(firm, redmine)

        firm.stage.read(firm.redmine)

        assert _troubles() == []
        assert Billing.objects.filter(customer=firm.customer).count() == 500
        drafts = tryton.session().search(
            "account.invoice",
            [["type", "=", "out"]],
            "state",
            "untaxed_amount",
            "tax_amount",
            "total_amount",
            "lines",
            "reference",
        )
        assert len(drafts) == len(DEALS)
        expected = sorted(_independent(entries) for entries in logged.values())
        assert (
            sorted((len(d["lines"]), _money(d["untaxed_amount"]), _money(d["tax_amount"])) for d in drafts) == expected
        )
        assert {draft["state"] for draft in drafts} == {"draft"}

    def test_3_number_status_and_payment_come_home(self, firm: Firm, tryton: RunningTryton) -> None:
        erp = tryton.session()
        first, second = sorted(draft["id"] for draft in erp.search("account.invoice", [["type", "=", "out"]], "state"))
        number = erp.post_invoice(first)
        erp.post_invoice(second)
        amount = _money(erp.read("account.invoice", first, "total_amount")["total_amount"])
        erp.pay_invoice(first, str(amount), date=date.today().isoformat())

        firm.stage.read(firm.tryton)

        ours = Invoice.objects.get(customer=firm.customer, number=number)
        assert (ours.status, ours.total_amount) == ("paid", amount)
        assert Invoice.objects.filter(customer=firm.customer, is_produced_here=True, status="posted").count() == 1
        assert ours.payments.count() == 1
        assert _troubles() == []

    def test_4_running_everything_again_writes_nothing(
        self, firm: Firm, redmine: RunningRedmine, tryton: RunningTryton
    ) -> None:
        before = (_written(redmine, tryton), Delivery.objects.count(), Billing.objects.count())

        firm.stage.read(firm.hubspot, firm.redmine, firm.tryton, full=True)

        assert (_written(redmine, tryton), Delivery.objects.count(), Billing.objects.count()) == before

    def test_5_a_worker_killed_in_the_middle_still_makes_exactly_one_invoice(
        self, firm: Firm, redmine: RunningRedmine, tryton: RunningTryton
    ) -> None:
        before = len(tryton.session().search("account.invoice", [["type", "=", "out"]], "state"))
        project = Project.objects.get(customer=firm.customer, name=DEALS[0])
        _log(redmine, _redmine_id(redmine, project.name), 40, seed=5)

        for _ in range(3):
            with firm.stage.worker(WORK_LEASE_SECONDS="3") as worker:
                from apps.syncs.models import Sync
                from apps.syncs.services import start_run

                sync = Sync.objects.get(connection=firm.redmine, object_name="time_entries")
                start_run(sync, trigger="manual", actor=None, now=datetime.now(UTC))
                _until(lambda: Delivery.objects.exclude(status="done").exists() or _idle(firm.stage), 20)
                kill_group(worker)
        time.sleep(3.5)  # the killed workers' leases run out; nothing is timed by it
        _let_leases_of_calls_run_out()
        firm.stage.work(patience=8)

        after = tryton.session().search("account.invoice", [["type", "=", "out"]], "state", "reference")
        assert len(after) == before + 1
        assert len({invoice["reference"] for invoice in after}) == len(after)
        assert not Delivery.objects.exclude(status="done").exists()


def _let_leases_of_calls_run_out() -> None:
    """A killed worker may have been in the middle of a call; what it sent is asked about only after the longest such a call takes,
    which is minutes at Tryton."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    Delivery.objects.filter(lease_until__isnull=False).update(lease_until=past)
    DueWork.objects.filter(kind=DELIVER).update(due_at=past)


def _agree_rates(firm: Firm) -> None:
    """What the contract says: two rates, by person. Agreed in the product, as a person would."""
    card = create_record(
        "rate_card",
        customer=firm.customer,
        values={"name": "Ondine 2026", "currency": "EUR"},
        origin="test",
        reason="agreed",
    )
    for login, rate in RATES.items():
        person = Resource.objects.get(customer=firm.customer, code=login)
        create_record(
            "rate",
            customer=firm.customer,
            values={"rate_card": card, "kind": "person", "resource": person, "hourly_amount": rate},
            origin="test",
            reason="agreed",
        )
    for contract in Contract.objects.filter(customer=firm.customer):
        contract.versions.update(rate_card=card)


def _log_500(firm: Firm, redmine: RunningRedmine) -> dict[str, list[tuple[str, Decimal]]]:
    return {name: _log(redmine, _redmine_id(redmine, name), 250, seed=number) for number, name in enumerate(DEALS)}


def _log(redmine: RunningRedmine, project_id: int, count: int, *, seed: int) -> list[tuple[str, Decimal]]:
    """Hours with awkward fractions: quarter hours at 95.50 and 131.25 end in half cents."""
    dice = random.Random(seed)
    people = list(redmine.seed.people.values())
    activity = next(iter(redmine.seed.activities.values()))
    entries: list[tuple[str, Decimal]] = []
    orders: list[TimeToLog] = []
    for number in range(count):
        person = people[number % len(people)]
        hours = Decimal(dice.choice(("0.25", "0.75", "1.25", "1.5", "2.33", "3.1", "7.75")))
        day = date.today() - timedelta(days=1 + dice.randrange(60))
        entries.append((person.login, hours))
        orders.append(TimeToLog(project_id, person.id, activity, day.isoformat(), str(hours), f"work {number}"))
    log_time(redmine, orders)
    return entries


def _independent(entries: list[tuple[str, Decimal]]) -> tuple[int, Decimal, Decimal]:
    """(lines, untaxed, tax) computed with nothing of the product: hours × rate a person, 20 % on the document."""
    hours: dict[str, Decimal] = defaultdict(Decimal)
    for login, worked in entries:
        hours[login] += worked
    exact = {login: worked * RATES[login] for login, worked in hours.items()}
    untaxed = sum((amount.quantize(CENT, ROUND_HALF_EVEN) for amount in exact.values()), Decimal(0))
    tax = (sum(exact.values(), Decimal(0)) * Decimal("0.20")).quantize(CENT, ROUND_HALF_EVEN)
    return len(hours), untaxed, tax


def _redmine_id(redmine: RunningRedmine, name: str) -> int:
    found = [p["id"] for p in redmine.api("GET", "/projects.json")["projects"] if p["name"] == name]
    return int(found[0])


def _money(value: Any) -> Decimal:
    return Decimal(value["decimal"] if isinstance(value, dict) else str(value))


def _written(redmine: RunningRedmine, tryton: RunningTryton) -> tuple[int, ...]:
    erp = tryton.session()
    return (
        len(redmine.api("GET", "/projects.json")["projects"]),
        len(erp.search("party.party", [], "name")),
        len(erp.search("project.work", [], "name")),
        len(erp.search("account.invoice", [], "state")),
    )


def _troubles() -> list[str]:
    held = [f"{row.title}: {row.status} {row.error}" for row in Delivery.objects.exclude(status="done")]
    return held + [case.title for case in ExceptionCase.objects.filter(status__in=["open", "retrying"])]


def _idle(stage: Stage) -> bool:
    return not DueWork.objects.filter(schema_name=stage.schema_name, due_at__lte=datetime.now(UTC)).exists()


def _until(condition: Any, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.02)
