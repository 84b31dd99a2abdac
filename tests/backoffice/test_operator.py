"""The operator's console: partners, their health, and due work; never a partner's own data."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_tenants.utils import schema_context

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.backoffice.fleet import health_of
from apps.core.models import DueWork
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.heads import heads
from apps.core.work import queue, tasks
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from tests.backoffice.made import make_case, make_connection
from tests.heads import MIGRATION, clear_the_way, get_stuck, take_back


@pytest.fixture
def console(db: None) -> Iterator[Client]:
    forget_hosts()
    with schema_context("public"), connection.customer_scope(ALL):  # type: ignore[attr-defined]
        olivia = create_user(
            email="olivia@operator.example", name="Olivia", role=Role.OWNER, password="long enough pw", reason="test"
        )
        client = Client(headers={"host": settings.BASE_DOMAIN})
        client.force_login(olivia)
        yield client


def test_the_root_leads_to_the_partners(console: Client) -> None:
    response = console.get("/", follow=True)

    assert response.redirect_chain[-1][0] == "/admin/partners/partner/"
    assert "Acme Integrations" in response.content.decode()
    assert "Operator</a>" not in response.content.decode()


@pytest.mark.parametrize("path", ["partners/partner/", "partners/domain/", "core/duework/", "accounts/user/"])
def test_every_list_opens(console: Client, path: str) -> None:
    assert console.get(f"/admin/{path}").status_code == 200


def test_a_partners_pages_are_not_here(console: Client) -> None:
    assert console.get("/admin/syncs/delivery/").status_code == 404
    assert console.get("/admin/catalog/").status_code == 404


def test_health_is_counted_in_the_partners_own_schema(console: Client, customer: object) -> None:
    with schema_context("acme"), connection.customer_scope(ALL):  # type: ignore[attr-defined]
        make_connection(customer, status="failing")  # type: ignore[arg-type]
        make_case(customer)  # type: ignore[arg-type]

    acme, globex = (health_of(name, head=heads()[name].fingerprint) for name in ("acme", "globex"))

    assert (acme.customers, acme.troubled_connections, acme.open_cases) == (1, 1, 1)
    assert (globex.customers, globex.open_cases) == (0, 0)
    page = console.get("/admin/partners/partner/").content.decode()
    assert "1 open case, 1 failing connection" in page


def test_a_schema_that_cannot_be_asked_is_said_not_raised(db: None) -> None:
    assert health_of("no_such_schema", head=heads()["acme"].fingerprint).problem == "schema is not complete"
    assert health_of("no_such_schema", head=None).is_behind


class TestWaitingForMigration:
    def test_list_and_page_say_so_without_a_look_inside(self, console: Client) -> None:
        take_back("globex")
        globex = Partner.objects.get(schema_name="globex")

        assert "waiting for migration" in console.get("/admin/partners/partner/").content.decode()
        page = console.get(f"/admin/partners/partner/{globex.pk}/change/").content.decode()
        assert "Waiting for migration." in page and "older than this release" in page

    def test_the_page_says_why_the_latest_try_failed(self, console: Client) -> None:
        get_stuck("globex")
        with pytest.raises(CommandError, match="globex"):
            call_command("migrate_partners", stdout=StringIO())

        page = console.get(
            f"/admin/partners/partner/{Partner.objects.get(schema_name='globex').pk}/change/"
        ).content.decode()
        assert f"The latest try failed: {MIGRATION}: " in page

        clear_the_way("globex")
        call_command("migrate_partners", stdout=StringIO())
        assert "waiting for migration" not in console.get("/admin/partners/partner/").content.decode()

    def test_the_list_asks_no_more_for_it(self, console: Client) -> None:
        console.get("/admin/partners/partner/")
        with CaptureQueriesContext(connection) as before:
            console.get("/admin/partners/partner/")
        take_back("globex")
        with CaptureQueriesContext(connection) as after:
            console.get("/admin/partners/partner/")

        assert len(after) < len(before)


FORM = {
    "name": "Initech GmbH",
    "schema_name": "initech",
    "domain": "initech.localhost",
    "brand_name": "Initech Flow",
    "brand_colour": "#9a3412",
    "footer": "Initech · Berlin",
    "support_email": "help@initech.example",
    "person_name": "Irma",
    "person_email": "irma@initech.example",
}


def tables(schema_name: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = %s", [schema_name])
        return {name for (name,) in cursor.fetchall()}


def work(*, attempts: int = 1) -> None:
    """What a worker does with the one row there is."""
    row = DueWork.objects.get(kind="partners.set_up")
    claimed = queue.claim()
    assert claimed is not None and claimed.id == row.pk
    tasks.run(dataclasses.replace(claimed, attempts=attempts))


class TestCreatingAPartner:
    @pytest.fixture
    def initech(self, console: Client, settings: Any) -> Partner:
        settings.WORK_LEASE_SECONDS = 3600  # renewing from a second session would not find a row of this transaction
        self.page = console.post("/admin/partners/partner/add/", FORM).content.decode()
        return Partner.objects.get(schema_name="initech")

    def test_the_console_answers_before_a_table_is_made(self, initech: Partner, console: Client) -> None:
        assert (initech.brand_name, initech.footer) == ("Initech Flow", "Initech · Berlin")
        assert tables("initech") == set()
        assert "Initech GmbH is being set up." in self.page and "hx-get" in self.page
        assert "being set up" in console.get("/admin/partners/partner/").content.decode()
        assert "being set up" in console.get(f"/admin/partners/partner/{initech.pk}/change/").content.decode()

    def test_a_worker_completes_it_with_its_first_person(self, initech: Partner, console: Client) -> None:
        work()

        initech = Partner.objects.get(pk=initech.pk)
        password = re.search(r'tl-copy">([^<]+)<', self.page)
        assert initech.is_ready and password
        with schema_context("initech"), connection.customer_scope(ALL):  # type: ignore[attr-defined]
            irma = User.objects.get()
            assert (irma.email, irma.role, irma.is_staff) == ("irma@initech.example", Role.OWNER, True)
            assert irma.check_password(password.group(1))
        fragment = console.get(f"/admin/partners/partner/{initech.pk}/setup/").content.decode()
        assert "is ready" in fragment and "hx-get" not in fragment
        assert not DueWork.objects.filter(schema_name="initech").exists()
        assert Client(headers={"host": "initech.localhost"}).get("/accounts/login/").status_code == 200

    def test_its_hosts_say_so_until_then_and_ask_for_nothing_but_the_host(
        self, initech: Partner, console: Client, django_assert_max_num_queries: Any
    ) -> None:
        """Without tables of its own a log-in there would be looked up among the operators, in `public`."""
        host = Client(headers={"host": "initech.localhost"})
        for path in ("/", "/admin/", "/accounts/login/", "/hooks/x/"):
            with django_assert_max_num_queries(2):
                answer = host.get(path)
            assert answer.status_code == 503 and answer["Retry-After"]
            assert "Initech Flow is being set up" in answer.content.decode()
            assert "help@initech.example" in answer.content.decode()
        entered = host.post("/accounts/login/", {"login": "olivia@operator.example", "password": "long enough pw"})
        assert entered.status_code == 503 and not host.cookies

    def test_what_fails_is_tried_again_then_told_and_a_person_goes_on(self, initech: Partner, console: Client) -> None:
        with connection.cursor() as cursor:
            cursor.execute("create table initech.canonical_client (id int)")  # in the way of a migration
        url = f"/admin/partners/partner/{initech.pk}"

        work(attempts=1)
        row = DueWork.objects.get(schema_name="initech")
        assert "already exists" in row.error and row.due_at > datetime.now(UTC)
        assert "is being set up." in console.get(f"{url}/setup/").content.decode()

        DueWork.objects.update(due_at=datetime.now(UTC))
        work(attempts=3)
        page = console.get(f"{url}/change/").content.decode()
        assert "set-up failed" in page and "already exists" in page and f"{url}/do/set_up/" in page
        assert "set-up failed" in console.get("/admin/partners/partner/").content.decode()
        assert not DueWork.objects.filter(schema_name="initech").exists()

        with connection.cursor() as cursor:
            cursor.execute("drop table initech.canonical_client")
        console.post(f"{url}/do/set_up/", {"reason": "table removed"})
        work()

        assert Partner.objects.get(pk=initech.pk).is_ready
        reasons = set(initech.history.values_list("history_change_reason", flat=True))
        assert {"partner created", "set-up tried again: table removed", "set up"} <= reasons

    def test_a_ready_partner_is_not_set_up_again(self, console: Client) -> None:
        acme = Partner.objects.get(schema_name="acme")

        console.post(f"/admin/partners/partner/{acme.pk}/do/set_up/", {"reason": "x"})

        assert not DueWork.objects.filter(kind="partners.set_up").exists()

    def test_a_schema_of_nobody_is_not_taken_over(self, console: Client) -> None:
        with connection.cursor() as cursor:
            cursor.execute("create schema initech")

        assert "belongs to no partner" in console.post("/admin/partners/partner/add/", FORM).content.decode()
        assert not Partner.objects.filter(schema_name="initech").exists()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("schema_name", "Bad-Name", "Lower-case letters"),
        ("schema_name", "acme", "exists already"),
        ("domain", "acme.localhost", "already belongs"),
    ],
)
def test_what_cannot_be_created_is_said_in_the_form(console: Client, field: str, value: str, told: str) -> None:
    form = {
        "name": "Initech",
        "schema_name": "initech",
        "domain": "initech.localhost",
        "brand_name": "Initech",
        "brand_colour": "#9a3412",
        "person_name": "Irma",
        "person_email": "irma@initech.example",
        field: value,
    }

    assert told in console.post("/admin/partners/partner/add/", form).content.decode()
    assert not Partner.objects.filter(schema_name="initech").exists()


def test_partner_staff_cannot_enter_the_operators_console(
    partner_client: Callable[[User | None], Client], alice: User
) -> None:
    """Alice's account lives in acme's schema; on the operator's host her session means nothing."""
    client = partner_client(alice)

    response = client.get("/admin/partners/partner/", headers={"host": settings.BASE_DOMAIN})

    assert response.status_code == 302


def test_setup_operator_prints_a_password_once(db: None) -> None:
    first, second = StringIO(), StringIO()

    call_command("setup_operator", email="Ops@Example.com", stdout=first)
    call_command("setup_operator", email="ops@example.com", stdout=second)

    password = first.getvalue().split("password ")[1].split(" ")[0]
    with schema_context("public"), connection.customer_scope(ALL):  # type: ignore[attr-defined]
        assert User.objects.get(email="ops@example.com").check_password(password)
    assert "already" in second.getvalue()
    assert "password" not in second.getvalue()


def test_setup_operator_asks_whose_console_it_is(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPERATOR_EMAIL", raising=False)

    with pytest.raises(CommandError, match="OPERATOR_EMAIL"):
        call_command("setup_operator")
