"""Secrets at rest: readable with any held key, under the newest after rotation, and only for their partner."""

import pytest
from django.core.management import call_command
from django.db import connection
from django_tenants.utils import schema_context
from pytest_django import Settings

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.core.secrets import EncryptedJSONField, SecretError, decrypt, encrypt, rotate

OLD, NEW = "an old invented key", "a new invented key"


@pytest.fixture
def kestrel(customer: Customer) -> Connection:
    return Connection.objects.create(
        customer=customer, connector="harvest", name="Harvest", credentials={"access_key": "tell nobody"}
    )


def stored_text(pk: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select credentials from connectors_connection where id = %s", [pk])
        return str(cursor.fetchone()[0])


class TestEncryption:
    def test_comes_back_as_it_was(self, settings: Settings) -> None:
        settings.FIELD_KEYS = [NEW]
        value = {"password": "pässword", "n": [1, None]}

        assert decrypt(encrypt(value, schema="acme"), schema="acme") == value

    def test_does_not_open_for_another_partner(self, settings: Settings) -> None:
        settings.FIELD_KEYS = [NEW]

        with pytest.raises(SecretError, match="another partner"):
            decrypt(encrypt({"a": 1}, schema="acme"), schema="globex")

    def test_an_old_key_still_opens_and_rotation_moves_to_the_newest(self, settings: Settings) -> None:
        settings.FIELD_KEYS = [OLD]
        text = encrypt({"a": 1}, schema="acme")
        settings.FIELD_KEYS = [NEW, OLD]
        assert decrypt(text, schema="acme") == {"a": 1}

        moved = rotate(text)

        settings.FIELD_KEYS = [NEW]
        assert decrypt(moved, schema="acme") == {"a": 1}
        with pytest.raises(SecretError, match="FIELD_KEYS"):
            decrypt(text, schema="acme")

    @pytest.mark.parametrize("text", ["", "x", "gAAAA", '{"password": "plain"}'])
    def test_something_else_is_refused(self, settings: Settings, text: str) -> None:
        settings.FIELD_KEYS = [NEW]

        with pytest.raises(SecretError):
            decrypt(text, schema="acme")


class TestField:
    def test_the_database_holds_no_readable_secret(self, kestrel: Connection) -> None:
        assert "tell nobody" not in stored_text(kestrel.pk)
        assert Connection.objects.get(pk=kestrel.pk).credentials == {"access_key": "tell nobody"}

    def test_history_and_serialised_data_hold_none_either(self, kestrel: Connection) -> None:
        from django.core import serializers

        assert "credentials" not in {field.name for field in kestrel.history.model._meta.get_fields()}
        assert "tell nobody" not in serializers.serialize("json", [kestrel])
        assert "tell nobody" not in repr(kestrel.__class__.objects.values("name", "status", "config"))

    def test_it_is_on_no_automatic_form_and_cannot_be_searched(self, kestrel: Connection) -> None:
        field = Connection._meta.get_field("credentials")
        assert isinstance(field, EncryptedJSONField)

        assert field.formfield() is None  # type: ignore[func-returns-value]
        with pytest.raises(Exception, match="Unsupported lookup"):
            Connection.objects.filter(credentials__contains="tell").exists()

    def test_a_row_copied_to_another_partner_does_not_open(self, kestrel: Connection) -> None:
        text = stored_text(kestrel.pk)

        with schema_context("globex"), pytest.raises(SecretError, match="another partner"):
            decrypt(text)

    def test_the_command_rotates_every_schema(self, kestrel: Connection, settings: Settings) -> None:
        old = settings.FIELD_KEYS
        settings.FIELD_KEYS = [NEW, *old]

        call_command("rotate_secrets", verbosity=0)

        settings.FIELD_KEYS = [NEW]
        assert Connection.objects.get(pk=kestrel.pk).credentials == {"access_key": "tell nobody"}
