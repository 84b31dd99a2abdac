"""Every kind of work, run for a partner with the keys of another one's rows: it finds nothing, calls nobody, changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.canonical.models import Client
from apps.connectors.services import create_connection
from apps.core.models import DueWork
from apps.core.work import queue, registry, tasks
from apps.core.work.kinds import (
    CONSENT,
    CONTROL,
    DELIVER,
    DIGEST,
    EXPORT,
    INBOX,
    NEWS,
    PULL,
    REACT,
    RELEASE,
    REPLAY,
    SEND,
    SET_UP,
    STAGE,
    SUBSCRIBE,
)
from apps.flows.services import install_blueprint
from apps.mappings.services import apply_again, begin_draft
from apps.notices.services import send_test
from apps.partners.models import Partner
from apps.partners.services import ask_for_set_up, begin_partner
from apps.syncs.models import Delivery, InboxEvent, SyncRun
from apps.syncs.services import add_syncs, intend
from apps.syncs.services.deliveries import Intent
from apps.tabular.models import Warehouse
from tests.syncs.support import NOW, connect, hubspot_deal, load
from tests.tabular.support import files_connection, receive


def contents(schema: str) -> dict[str, Any]:
    """Every row of a schema, as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where nspname = %s and relkind = 'r' order by 1",
            [schema],
        )
        found = {}
        for (name,) in cursor.fetchall():
            cursor.execute(
                f"select md5(coalesce(string_agg(t::text, chr(10) order by t::text), '')) from {schema}.\"{name}\" t"
            )
            found[name] = cursor.fetchone()[0]
        return found


def partner_under_way(schema_name: str) -> Partner:
    with schema_context("public"):
        partner = begin_partner(name="Third", schema_name=schema_name, domain=f"{schema_name}.localhost")
        ask_for_set_up(partner, person_name="T", person_email="t@third.example", password="x")
        return partner


@pytest.fixture
def keys(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Something to do for every kind, in acme; and a network nobody may use."""
    monkeypatch.setattr("apps.core.http.pool.adapter", lambda: pytest.fail("a vendor was called"))
    hubspot, harvest = connect(customer, "hubspot"), connect(customer, "harvest")
    (sync,) = add_syncs(harvest, objects=["clients"], actor=None, reason="test")
    client = Client.objects.create(customer=customer, name="Northwind")
    intend([Intent(harvest, "clients", "create", "client", client.pk, "Create", "k")], origin="t", origin_item_id=None)
    InboxEvent.objects.create(
        customer=customer, connection=hubspot, event_id="1", object_name="companies", external_id="1"
    )
    load(hubspot, "deals", hubspot_deal(1, "Orphan", company=99))
    install_blueprint(customer, blueprint="sales_to_delivery", settings={}, actor=None, reason="t", now=NOW)
    consented = create_connection(
        customer=customer,
        connector="xero",
        name="Books",
        config={"auth_method": "oauth", "client_id": "A" * 32},
        credentials={"refresh_token": "r"},
        actor=None,
        reason="t",
        now=NOW - timedelta(days=59),
    )
    third = partner_under_way("third")
    mapping = begin_draft(connection=hubspot, object_name="deals", entity="opportunity", direction="in", actor=None)
    apply_again(mapping)
    file = receive(files_connection(customer), "Client;Hours\nNorthwind;1\n").file
    lake = create_connection(customer=customer, connector="warehouse", name="Lake", actor=None, reason="t", now=NOW)
    warehouse = Warehouse.objects.create(customer=customer, connection=lake, identity=uuid4())
    boss = create_user(email="boss@acme.example", name="Boss", role=Role.OWNER, reason="t")
    send_test(boss, now=NOW)
    DueWork.objects.all().delete()
    return {
        STAGE: file.pk,
        EXPORT: warehouse.pk,
        CONSENT: consented.pk,
        PULL: sync.pk,
        INBOX: hubspot.pk,
        DELIVER: harvest.pk,
        RELEASE: customer.pk,
        REACT: customer.pk,
        CONTROL: customer.pk,
        SET_UP: third.pk,
        SUBSCRIBE: hubspot.pk,
        REPLAY: mapping.pk,
        SEND: 0,
        DIGEST: 0,
        NEWS: customer.pk,
    }


@pytest.mark.parametrize("kind", registry.kinds())
class TestAnotherPartner:
    def test_it_sees_and_changes_nothing(self, keys: dict[str, int], globex: Partner, kind: str) -> None:
        before = contents("acme"), contents("globex")
        row = DueWork.objects.create(schema_name="globex", kind=kind, key=str(keys[kind]))

        work = queue.claim(now=datetime.now(UTC))
        assert work is not None and work.id == row.pk
        tasks.run(work)

        assert (contents("acme"), contents("globex")) == before
        with schema_context("globex"):
            assert not SyncRun.objects.exists() and not Delivery.objects.exists()
        kept = DueWork.objects.filter(pk=row.pk).first()
        assert kept is None or kept.error == ""

    def test_a_row_that_is_gone_ends_its_work(self, keys: dict[str, int], partner: Partner, kind: str) -> None:
        row = DueWork.objects.create(schema_name="acme", kind=kind, key="999999")

        work = queue.claim(now=datetime.now(UTC))
        assert work is not None
        tasks.run(work)

        kept = DueWork.objects.filter(pk=row.pk).first()
        assert kept is None or kept.error == ""
