"""A value from a system that does not own the field waits with both values; a person accepts, rejects, or changes the owner."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Customer, User
from apps.canonical.models import Client as Firm
from apps.canonical.models import Proposal
from apps.canonical.services import create_record, decide_proposal, update_record
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.mappings.models import Stewardship
from apps.mappings.services import NoSuchOwnerError, change_owner
from apps.mappings.stewardship import owners_of
from apps.syncs.loading import load_page
from apps.syncs.services.contexts import load_context
from tests.backoffice import made

Clients = Callable[[User | None], Client]


@pytest.fixture
def crm(customer: Customer) -> Connection:
    return made.make_connection(customer, "hubspot", roles=["crm"])


@pytest.fixture
def erp(customer: Customer) -> Connection:
    return made.make_connection(customer, "xero", roles=["erp", "billing"])


@pytest.fixture
def firm(customer: Customer, crm: Connection, erp: Connection, now: datetime) -> Firm:
    """Known to both systems; the CRM, which owns clients, calls it Northwind."""
    company = {"id": "c-1", "properties": {"name": "Northwind", "domain": "northwind.example"}}
    load_page(load_context(crm, "companies", reason="test"), [company], now=now)
    contact = {"ContactID": "x-1", "Name": "Northwind", "Website": "https://northwind.example"}
    load_page(load_context(erp, "contacts", reason="test"), [contact], now=now)
    found: Firm = Firm.objects.get()
    return found


def say(erp: Connection, name: str, now: datetime) -> Proposal | None:
    contact = {"ContactID": "x-1", "Name": name, "Website": "https://northwind.example"}
    load_page(load_context(erp, "contacts", reason="test"), [contact], now=now)
    return Proposal.objects.filter(kind="field", status="open").first()


def test_the_value_of_who_does_not_own_it_waits_with_both_values_source_and_time(
    firm: Firm, erp: Connection, now: datetime
) -> None:
    proposal = say(erp, "Northwind Ltd", now)

    assert proposal is not None and Firm.objects.get().name == "Northwind"
    (detail,) = proposal.details
    assert (detail["field"], detail["from"], detail["to"]) == ("name", "Northwind", "Northwind Ltd")
    assert (proposal.origin, proposal.created_at) == (f"connection:{erp.pk}", now)


def test_with_another_owner_the_value_is_taken_over_and_the_next_ones_too(
    firm: Firm, crm: Connection, erp: Connection, alice: User, now: datetime
) -> None:
    proposal = say(erp, "Northwind Ltd", now)
    assert proposal is not None
    row = change_owner(proposal, actor=alice, reason="the ERP has the legal name", now=now)

    assert (row.entity, row.field, row.owner_role) == ("client", "name", "erp")
    assert (row.history.latest().history_user, row.history.latest().history_change_reason) == (
        alice, "the ERP has the legal name",
    )  # fmt: skip
    assert Firm.objects.get().name == "Northwind Ltd"
    proposal.refresh_from_db()
    assert (proposal.status, proposal.decided_by) == ("accepted", alice)
    owner = owners_of(firm.customer_id, "client", ["name", "email"])
    assert (owner["name"].role, owner["name"].is_chosen) == ("erp", True)
    assert (owner["email"].role, owner["email"].is_chosen) == ("crm", False)

    assert say(erp, "Northwind Limited", now) is None and Firm.objects.get().name == "Northwind Limited"
    company = {"id": "c-1", "properties": {"name": "Northwind again", "domain": "northwind.example"}}
    load_page(load_context(crm, "companies", reason="test"), [company], now=now)
    assert Firm.objects.get().name == "Northwind Limited"
    assert Proposal.objects.get(status="open").origin == f"connection:{crm.pk}"


def test_what_was_decided_changes_no_owner(firm: Firm, erp: Connection, now: datetime) -> None:
    proposal = say(erp, "Northwind Ltd", now)
    assert proposal is not None
    decide_proposal(proposal, accept=False, actor=None, reason="no", now=now)

    with pytest.raises(PermanentError, match="already"):
        change_owner(proposal, actor=None, reason="late", now=now)
    assert not Stewardship.objects.exists()


def test_a_proposal_from_no_system_has_no_owner_to_give(customer: Customer, now: datetime) -> None:
    with pytest.raises(NoSuchOwnerError, match="accept or reject"):
        change_owner(made.make_proposal(customer, origin="flow:1"), actor=None, reason="x", now=now)


class TestPage:
    def test_it_tells_who_owns_a_field_and_which_values_survived(
        self, partner_client: Clients, alice: User, firm: Firm, erp: Connection, now: datetime
    ) -> None:
        proposal = say(erp, "Northwind Ltd", now)
        assert proposal is not None
        client, url = partner_client(alice), f"/admin/canonical/client/{firm.pk}/change/"
        page = client.get(url).content.decode()
        for text in ("Whose word counts", "owned by crm", "Northwind Ltd", "waits for a decision", str(erp)):
            assert text in page

        effect = client.get(f"/admin/canonical/proposal/{proposal.pk}/do/change-owner/").content.decode()
        assert "The erp system owns “Name” of every client" in effect
        client.post(f"/admin/canonical/proposal/{proposal.pk}/do/change-owner/", {"reason": "legal name"})

        page = client.get(url).content.decode()
        assert "owned by erp, chosen for this customer" in page and "accepted by Alice: legal name" in page

    def test_who_may_not_change_owners_is_refused(
        self, partner_client: Clients, bob: User, firm: Firm, erp: Connection, now: datetime
    ) -> None:
        proposal = say(erp, "Northwind Ltd", now)
        assert proposal is not None
        answer = partner_client(bob).post(f"/admin/canonical/proposal/{proposal.pk}/do/change-owner/", {"reason": "x"})

        assert answer.status_code == 403 and not Stewardship.objects.exists()

    def test_a_long_story_costs_no_more_queries(
        self, partner_client: Clients, alice: User, customer: Customer, now: datetime
    ) -> None:
        firm = create_record("client", customer=customer, values={"name": "A"}, origin="test", reason="t")
        client, url = partner_client(alice), f"/admin/canonical/client/{firm.pk}/change/"

        def count(changes: int) -> int:
            for number in range(changes):
                update_record(firm, values={"name": f"{firm.name}{number}"}, origin="test", reason="t", now=now)
            with CaptureQueriesContext(database) as captured:
                assert client.get(url).status_code == 200
            return len(captured)

        count(2)
        assert count(2) == count(20)
