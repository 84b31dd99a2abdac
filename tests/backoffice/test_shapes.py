"""The pages of an object's shape: what is known, what changed, what it may be meant for, and who decides."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.mappings.models import ObjectShape, ShapeChange
from apps.mappings.services import drift
from apps.mappings.shapes import ENOUGH
from tests.syncs.support import NOW, connect, harvest_client

Clients = Callable[[User | None], Client]


def look(watch_of: Any, **more: Any) -> None:
    watch = drift.begin_watch(watch_of, "clients", None)
    records = [harvest_client(number, f"Client {number}", **more) for number in range(1, ENOUGH + 1)]
    drift.look_at(watch, records, now=NOW)
    drift.end_watch(watch, now=NOW)


@pytest.fixture
def shape(customer: Customer) -> ObjectShape:
    harvest = connect(customer, "harvest")
    look(harvest)
    look(harvest, vat_number="GB123")
    return ObjectShape.objects.get()


def test_a_new_field_is_shown_with_what_it_may_be_meant_for(
    partner_client: Clients, alice: User, shape: ObjectShape
) -> None:
    page = partner_client(alice).get(f"/admin/mappings/objectshape/{shape.pk}/change/").content.decode()

    assert "<code>vat_number</code>: new field" in page
    assert "It may be meant for <strong>tax_number</strong>" in page
    assert "say so, with a suggestion" in page
    assert "<td>GB123</td>" in page and "100 %" in page


def test_a_change_is_accepted_with_a_reason(partner_client: Clients, alice: User, shape: ObjectShape) -> None:
    change = ShapeChange.objects.get()
    client = partner_client(alice)

    answer = client.post(f"/admin/mappings/shapechange/{change.pk}/do/accept/", {"reason": "seen"}, follow=True)

    assert "by Alice: seen" in answer.content.decode()
    assert ShapeChange.objects.get().status == "accepted"


def test_the_policy_is_set_for_one_object_or_for_all(partner_client: Clients, alice: User, shape: ObjectShape) -> None:
    client = partner_client(alice)
    url = f"/admin/mappings/objectshape/{shape.pk}/do/policy/"

    client.post(url, {"policy": "hold", "reason": "careful"})
    client.post(url, {"policy": "ignore", "everywhere": "on", "reason": "noisy vendor"})

    policies = dict(ObjectShape.objects.values_list("object_name", "policy"))
    assert policies == {"clients": "hold", "": "ignore"}
    assert (
        client.get(f"/admin/mappings/objectshape/{ObjectShape.objects.get(object_name='').pk}/change/").status_code
        == 200
    )


def test_an_auditor_looks_and_decides_nothing(partner_client: Clients, shape: ObjectShape) -> None:
    auditor = create_user(
        email="ada@acme.example", name="Ada", role=Role.AUDITOR, password="long enough", reason="test"
    )
    client = partner_client(auditor)

    page = client.get(f"/admin/mappings/objectshape/{shape.pk}/change/").content.decode()

    assert "vat_number" in page and "Accept" not in page
    change = ShapeChange.objects.get()
    assert client.post(f"/admin/mappings/shapechange/{change.pk}/do/accept/", {"reason": "x"}).status_code == 403
