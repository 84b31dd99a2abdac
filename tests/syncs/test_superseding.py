"""A held update gives way to a newer one of the same record; nothing else does."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Customer
from apps.canonical.services import create_record
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.syncs import machine
from apps.syncs.machine import Write, gives_way
from apps.syncs.models import Delivery
from apps.syncs.models.outbound import DeliveryStatus as Status
from apps.syncs.services import edit_delivery, intend
from apps.syncs.services.deliveries import Intent
from apps.syncs.services.moves import next_step
from apps.syncs.services.outcomes import hold
from apps.syncs.services.superseding import supersede_held
from tests.syncs.support import NOW

HELD = Write(id=1, status=Status.HELD)
NEWER = Write(id=2, status=Status.PENDING)


class TestDecision:
    @pytest.mark.parametrize(
        ("held", "newer", "repeatable", "expected"),
        [
            (HELD, NEWER, False, True),
            (replace(HELD, operation="create"), replace(NEWER, operation="create"), True, False),
            (replace(HELD, operation="create"), NEWER, True, False),
            (HELD, replace(NEWER, operation="delete"), True, False),
            (HELD, replace(NEWER, id=0), True, False),
            (HELD, replace(NEWER, context={"task": 3}), True, False),
            (replace(HELD, context={"task": 3}), replace(NEWER, context={"task": 3}), True, True),
            (replace(HELD, is_edited=True), NEWER, True, False),
            (replace(HELD, may_have_happened=True), NEWER, False, False),
            (replace(HELD, may_have_happened=True), NEWER, True, True),
            (HELD, replace(NEWER, status=Status.WAITING), True, False),
        ],
    )
    def test_table(self, held: Write, newer: Write, repeatable: bool, expected: bool) -> None:
        assert gives_way(held, newer, is_repeatable=repeatable) is expected

    @given(
        held=st.sampled_from(Status),
        newer=st.sampled_from(Status),
        first=st.integers(0, 5),
        second=st.integers(0, 5),
        repeatable=st.booleans(),
        uncertain=st.booleans(),
    )
    def test_only_what_is_held_gives_way_and_only_to_what_came_later(
        self, held: Status, newer: Status, first: int, second: int, repeatable: bool, uncertain: bool
    ) -> None:
        older = Write(id=first, status=held, may_have_happened=uncertain)
        other = Write(id=second, status=newer)

        if gives_way(older, other, is_repeatable=repeatable):
            assert held == Status.HELD and newer == Status.PENDING and first < second
            assert repeatable or not uncertain
            assert not gives_way(other, older, is_repeatable=repeatable)


@pytest.fixture
def record(customer: Customer) -> Any:
    return create_record("client", customer=customer, values={"name": "Northwind"}, origin="test", reason="t")


def want(
    connection: Connection, record: Any, key: str, operation: str = "update", after: tuple[str, ...] = ()
) -> Delivery:
    (delivery,) = intend(
        [
            Intent(
                connection=connection, object_name="contacts", operation=operation, entity="client",
                record_id=record.pk, title=f"{operation} {key}", key=key, after=after,
            )
        ],
        origin="test",
        origin_item_id=None,
    )  # fmt: skip
    return delivery


def held(connection: Connection, record: Any, key: str = "one", operation: str = "update") -> Delivery:
    delivery = want(connection, record, key, operation)
    stop(delivery, "The name is too long")
    return delivery


def stop(delivery: Delivery, message: str) -> None:
    hold(delivery, next_step(delivery, machine.NotRendered("validation")), message=message, detail={})


class TestHeldUpdates:
    def test_the_newer_goes_on_and_the_case_closes_with_a_note(self, xero: Connection, record: Any) -> None:
        old = held(xero, record)
        new = want(xero, record, "two")

        assert supersede_held(xero, now=NOW) == 1
        assert supersede_held(xero, now=NOW) == 0

        old.refresh_from_db()
        case = ExceptionCase.objects.get()
        assert old.status == Status.CANCELLED and "The name is too long" in old.error
        assert f"delivery {new.pk}" in old.tries.get().message
        assert case.status == "resolved" and "Superseded by the newer update two" in case.resolution
        assert Delivery.objects.exclude(status__in=[Status.DONE, Status.CANCELLED]).get() == new

    def test_what_waited_for_it_waits_for_the_newer(self, xero: Connection, record: Any) -> None:
        old = held(xero, record)
        other = create_record("client", customer=record.customer, values={"name": "Other"}, origin="t", reason="t")
        dependant = want(xero, other, "dependant", after=("one",))
        new = want(xero, record, "two")

        supersede_held(xero, now=NOW)

        dependant.refresh_from_db()
        assert dependant.status == Status.WAITING
        assert set(dependant.prerequisites.all()) == {old, new}

    def test_an_edited_body_stays_with_the_person(self, xero: Connection, record: Any) -> None:
        old = held(xero, record)
        edit_delivery(old, body={"Name": "N"}, actor=None, reason="shorter", now=NOW)
        old.refresh_from_db()
        stop(old, "still too long")
        want(xero, record, "two")

        assert supersede_held(xero, now=NOW) == 0

    def test_a_held_creation_is_not_superseded(self, xero: Connection, record: Any) -> None:
        held(xero, record, operation="create")
        want(xero, record, "two")

        assert supersede_held(xero, now=NOW) == 0

    def test_another_record_or_connection_is_not_meant(
        self, xero: Connection, hubspot: Connection, record: Any
    ) -> None:
        held(xero, record)
        other = create_record("client", customer=record.customer, values={"name": "Other"}, origin="t", reason="t")
        want(xero, other, "two")

        assert supersede_held(xero, now=NOW) == 0 and supersede_held(hubspot, now=NOW) == 0

    def test_of_several_held_ones_all_give_way(self, xero: Connection, record: Any) -> None:
        for key in ("one", "two", "three"):
            held(xero, record, key)
        want(xero, record, "four")

        assert supersede_held(xero, now=NOW) == 3
