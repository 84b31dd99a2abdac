"""Records and origins stand in lists and changes by name, never as numbers, codes or raw JSON."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import Customer, User
from apps.canonical import models as canonical
from apps.canonical.models import Change
from tests.backoffice import made

Clients = Callable[[User | None], Client]


@pytest.fixture
def change(customer: Customer) -> Change:
    client = canonical.Client.objects.create(customer=customer, name="Port of Lund")
    project = made.make_project(customer, name="Quay survey")
    return Change.objects.create(
        customer=customer,
        entity="project",
        record_id=project.pk,
        kind="updated",
        origin=f"connection:{made.make_connection(customer).pk}",
        fields={"client_id": [None, client.pk], "source_updated_at": [None, "2026-11-23T13:40:32+00:00"]},
    )


def test_the_list_names_record_fields_and_origin(partner_client: Clients, alice: User, change: Change) -> None:
    page = partner_client(alice).get("/admin/canonical/change/").content.decode()

    assert "Quay survey" in page
    assert change.origin not in page


def test_a_change_is_told_in_words(partner_client: Clients, alice: User, change: Change) -> None:
    page = partner_client(alice).get(f"/admin/canonical/change/{change.pk}/change/").content.decode()

    assert "Port of Lund" in page
    assert "2026-11-23T13" not in page
    assert "client_id" not in page


def test_a_proposal_names_what_it_points_at(partner_client: Clients, alice: User, customer: Customer) -> None:
    old, new = (canonical.Client.objects.create(customer=customer, name=name) for name in ("Old Port", "New Port"))
    details = [{"field": "client_id", "from": old.pk, "to": new.pk, "effect": ""}]
    proposal = made.make_proposal(customer, details=details, origin="connection:1")

    page = partner_client(alice).get(f"/admin/canonical/proposal/{proposal.pk}/change/").content.decode()

    assert "Old Port" in page and "New Port" in page
    assert "Client id" not in page


def test_what_keeps_no_history_has_no_page_of_it(partner_client: Clients, alice: User, change: Change) -> None:
    assert partner_client(alice).get(f"/admin/canonical/change/{change.pk}/history/").status_code == 404
