"""Fixtures every test may use: two partners with migrated schemas, their people by name, and a clock that stands still.

alice owns partner acme, bob is its operations analyst, carol administers acme's customer Kestrel, mallory owns partner globex.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_customer, create_user
from apps.core import clock
from apps.partners.middleware import forget_hosts
from apps.partners.models import Partner
from apps.partners.services import create_partner, ensure_public_partner
from tests.walls import crossing

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: pytest.FixtureDef,
    django_db_modify_db_settings: None,  # a database of its own for each process of a parallel run
) -> Iterator[None]:
    """A test database with the public schema, acme and globex, kept between runs when its migrations are current."""
    from django.test.utils import setup_databases

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        configured = connection.settings_dict["NAME"]
        setup_databases(verbosity=0, interactive=False, keepdb=True)
        if _was_left_in_use():
            connection.creation.destroy_test_db(configured, verbosity=0)
            setup_databases(verbosity=0, interactive=False, keepdb=False)
            _was_left_in_use()
        call_command("migrate_partners", stdout=StringIO())
        ensure_public_partner()
        for schema_name, name in (("acme", "Acme Integrations"), ("globex", "Globex Systems")):
            if not Partner.objects.filter(schema_name=schema_name).exists():
                create_partner(name=name, schema_name=schema_name, domain=f"{schema_name}.{settings.BASE_DOMAIN}")
        connection.set_schema_to_public()
        connection.close()
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connection.set_schema_to_public()
        with connection.cursor() as cursor:
            cursor.execute("drop table public.session_in_use")


def _was_left_in_use() -> bool:
    """Whether a session before this one was killed: half-made schemas and committed rows may be left. Marks it as in use."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('public.session_in_use') is not null")
        (was_in_use,) = cursor.fetchone()
        cursor.execute("create table if not exists public.session_in_use ()")
    return bool(was_in_use)


@pytest.fixture(autouse=True)
def _database_was_heard_of() -> None:
    """The time, which the database of this machine would say too: tests that may not ask it are told."""
    clock.hear(datetime.now(UTC), asked=clock.ticks())


@pytest.fixture(autouse=True)
def statements_stay_in_one_schema() -> Iterator[None]:
    """No statement of Django's joins a partner's tables with the public schema's: they may lie on another server one day."""
    found: list[str] = []

    def look(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = sql if isinstance(sql, str) else sql.as_string(None)
        if not text.startswith("truncate ") and (crosses := crossing(text)):
            found.append(f"{crosses}: {text[:500]}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield
    assert found == []


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def partner(db: None) -> Iterator[Partner]:
    """Acme, with its schema entered."""
    forget_hosts()
    acme = Partner.objects.get(schema_name="acme")
    with schema_context("acme"):
        yield acme


@pytest.fixture
def globex(db: None) -> Partner:
    with schema_context("public"):
        return Partner.objects.get(schema_name="globex")


@pytest.fixture
def customer(partner: Partner) -> Customer:
    return create_customer(
        name="Kestrel Studio", slug="kestrel", currency="EUR", time_zone="Europe/Berlin", reason="test"
    )


@pytest.fixture
def other_customer(partner: Partner) -> Customer:
    return create_customer(
        name="Halden Engineering", slug="halden", currency="USD", time_zone="America/New_York", reason="test"
    )


@pytest.fixture
def alice(partner: Partner) -> User:
    return create_user(email="alice@acme.example", name="Alice", role=Role.OWNER, password=PASSWORD, reason="test")


@pytest.fixture
def bob(partner: Partner) -> User:
    return create_user(email="bob@acme.example", name="Bob", role=Role.OPERATIONS, password=PASSWORD, reason="test")


@pytest.fixture
def carol(customer: Customer) -> User:
    return create_user(
        email="carol@kestrel.example",
        name="Carol",
        role=Role.CUSTOMER_ADMIN,
        customer=customer,
        password=PASSWORD,
        reason="test",
    )


@pytest.fixture
def mallory(globex: Partner) -> User:
    with schema_context("globex"):
        return create_user(
            email="mallory@globex.example", name="Mallory", role=Role.OWNER, password=PASSWORD, reason="test"
        )


@pytest.fixture
def partner_client(partner: Partner) -> Callable[[User | None], Client]:
    """A browserless client on acme's host, logged in as the given person (None: nobody)."""

    def make(user: User | None) -> Client:
        client = Client(headers={"host": "acme.localhost"})
        if user is not None:
            client.force_login(user)
        return client

    return make
