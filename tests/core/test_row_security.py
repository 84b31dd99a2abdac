"""The second wall: customers stay apart even where a query forgets its filter."""

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.accounts.middleware import scope_of
from apps.accounts.models import Customer, User
from apps.canonical.models import Client
from apps.core.tenancy.backend.base import NONE
from apps.core.tenancy.context import customer_scope
from apps.partners.models import Partner

# Tables with a customer column that the wall must not cover: log-in has to find people before a customer is known.
OPEN_TABLES = {"accounts_user", "accounts_historicaluser"}


@pytest.fixture
def two_clients(customer: Customer, other_customer: Customer) -> tuple[Client, Client]:
    return (
        Client.objects.create(customer=customer, name="Ours"),
        Client.objects.create(customer=other_customer, name="Theirs"),
    )


class TestRowSecurity:
    def test_every_table_with_a_customer_is_behind_the_wall(self, partner: Partner) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                select c.relname, c.relrowsecurity and c.relforcerowsecurity
                  from pg_class c join pg_namespace n on n.oid = c.relnamespace
                  join pg_attribute a on a.attrelid = c.oid and a.attname = 'customer_id' and not a.attisdropped
                 where n.nspname = 'acme' and c.relkind = 'r'
                """
            )
            tables = dict(cursor.fetchall())

        assert len(tables) > 40
        assert {name for name, walled in tables.items() if not walled} == OPEN_TABLES

    def test_the_application_role_cannot_step_over_it(self, partner: Partner) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
            assert cursor.fetchone() == (False,)

    def test_a_query_without_filter_sees_only_the_customer_in_scope(
        self, two_clients: tuple[Client, Client], customer: Customer
    ) -> None:
        with customer_scope(customer.pk):
            names = list(Client.objects.values_list("name", flat=True))

        assert names == ["Ours"]

    def test_history_is_behind_the_wall_too(self, two_clients: tuple[Client, Client], customer: Customer) -> None:
        with customer_scope(customer.pk):
            assert set(Client.history.values_list("name", flat=True)) == {"Ours"}

    def test_without_a_scope_nothing_is_seen(self, two_clients: tuple[Client, Client]) -> None:
        with customer_scope(NONE):
            assert not Client.objects.exists()

    def test_a_row_cannot_be_written_for_another_customer(
        self, two_clients: tuple[Client, Client], customer: Customer, other_customer: Customer
    ) -> None:
        with customer_scope(customer.pk):
            with pytest.raises(ProgrammingError), transaction.atomic():
                Client.objects.create(customer=other_customer, name="Smuggled")
            assert Client.objects.filter(name="Theirs").update(name="Taken") == 0

    def test_the_scope_survives_a_rolled_back_savepoint(
        self, two_clients: tuple[Client, Client], customer: Customer
    ) -> None:
        with customer_scope(customer.pk):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                Client.objects.count()
                raise ZeroDivisionError
            assert Client.objects.count() == 1
        assert Client.objects.count() == 2

    def test_people_get_the_scope_of_their_place(self, alice: User, carol: User) -> None:
        assert scope_of(alice) == "*"
        assert scope_of(carol) == str(carol.customer_id)
        carol.is_active = False
        assert scope_of(carol) == NONE
