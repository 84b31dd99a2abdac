"""The operator's console: partners, their health, and due work; never a partner's own data."""

import re
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django_tenants.utils import schema_context

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.backoffice.fleet import health_of
from apps.core.tenancy.backend.base import ALL
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from tests.backoffice.made import make_case, make_connection


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

    acme, globex = health_of("acme"), health_of("globex")

    assert (acme.customers, acme.troubled_connections, acme.open_cases) == (1, 1, 1)
    assert (globex.customers, globex.open_cases) == (0, 0)
    page = console.get("/admin/partners/partner/").content.decode()
    assert "1 open case, 1 failing connection" in page


def test_a_schema_that_is_not_complete_is_said_not_raised(db: None) -> None:
    assert health_of("no_such_schema").problem == "schema is not complete"


def test_a_partner_is_created_with_brand_and_first_person(console: Client) -> None:
    form = {
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

    page = console.post("/admin/partners/partner/add/", form).content.decode()

    partner = Partner.objects.get(schema_name="initech")
    assert (partner.brand_name, partner.footer) == ("Initech Flow", "Initech · Berlin")
    password = re.search(r'tl-copy">([^<]+)<', page)
    assert password
    with schema_context("initech"), connection.customer_scope(ALL):  # type: ignore[attr-defined]
        irma = User.objects.get()
        assert (irma.email, irma.role, irma.is_staff) == ("irma@initech.example", Role.OWNER, True)
        assert irma.check_password(password.group(1))


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
