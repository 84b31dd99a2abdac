"""What the session was told inside a transaction is forgotten by the database when that transaction rolls back.

The backend must notice, or the next statement runs in the schema and with the scope of whoever had the connection before.
"""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.canonical.models import Client
from apps.core.tenancy.context import customer_scope
from apps.partners.models import Partner


class Undo(Exception):
    pass


def settings_now() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("select current_schema(), current_setting('app.customer_id')")
        return cursor.fetchone()


@pytest.fixture
def outside() -> Iterator[None]:
    """A connection with no transaction around the test, left as it was."""
    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()


class TestRollback:
    @pytest.mark.django_db(transaction=False)
    def test_a_scope_entered_inside_a_savepoint_that_rolls_back_still_holds_outside_it(
        self, customer: Customer, other_customer: Customer
    ) -> None:
        Client.objects.create(customer=customer, name="Ours")
        Client.objects.create(customer=other_customer, name="Theirs")

        with customer_scope(customer.pk):
            with pytest.raises(Undo), transaction.atomic():
                assert [client.name for client in Client.objects.all()] == ["Ours"]
                raise Undo
            names = [client.name for client in Client.objects.all()]

        assert names == ["Ours"]

    def test_leaving_a_scope_inside_a_savepoint_that_rolls_back_does_not_narrow_what_follows(
        self, customer: Customer
    ) -> None:
        Client.objects.create(customer=customer, name="Ours")

        with pytest.raises(Undo), transaction.atomic():
            with customer_scope(customer.pk + 1):
                assert not Client.objects.exists()
            assert Client.objects.exists()
            raise Undo

        assert Client.objects.exists()

    def test_a_whole_transaction_that_rolls_back(self, django_db_blocker: pytest.FixtureDef, outside: None) -> None:
        with django_db_blocker.unblock():  # type: ignore[attr-defined]
            with schema_context("globex"):
                assert settings_now() == ("globex", "*")
            with schema_context("acme"), customer_scope(7):
                with pytest.raises(Undo), transaction.atomic():
                    assert settings_now() == ("acme", "7")
                    raise Undo
                after = settings_now()

        assert after == ("acme", "7")

    def test_an_error_of_the_database_inside_the_transaction(
        self, django_db_blocker: pytest.FixtureDef, outside: None
    ) -> None:
        with django_db_blocker.unblock():  # type: ignore[attr-defined]
            with schema_context("globex"):
                settings_now()
            with schema_context("acme"):
                with pytest.raises(Exception, match="division by zero"), transaction.atomic():
                    connection.cursor().execute("select 1/0")
                after = settings_now()

        assert after == ("acme", "*")


def test_partners_stay_apart(partner: Partner) -> None:
    assert settings_now()[0] == "acme"
