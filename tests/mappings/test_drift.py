"""The watch over the shape of records: learned, compared, told once, and held where something needed no longer comes."""

from typing import Any

import pytest

from apps.accounts.models import Customer, User
from apps.canonical.models import Client
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.mappings import selectors
from apps.mappings.models import ObjectShape, ShapeChange
from apps.mappings.services import drift
from apps.mappings.shapes import ENOUGH, Drift, compare, learn
from apps.syncs.services import decide_shape
from tests.syncs.support import NOW, connect, harvest_client

MANY = range(1, ENOUGH + 1)


@pytest.fixture
def harvest(customer: Customer) -> Connection:
    return connect(customer, "harvest")


def page(**more: Any) -> list[dict[str, Any]]:
    return [harvest_client(number, f"Client {number}", address="1 Quay", **more) for number in MANY]


def without(name: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != name} for record in records]


def look(connection: Connection, records: list[dict[str, Any]]) -> bool:
    """One slice of reading with one page."""
    mapping = selectors.inbound(connection, "clients")
    watch = drift.begin_watch(connection, "clients", mapping.spec if mapping else None)
    goes_on = drift.look_at(watch, records, now=NOW)
    drift.end_watch(watch, now=NOW)
    return goes_on


def told() -> list[tuple[str, str, bool]]:
    return [(one.path, one.kind, one.holds) for one in ShapeChange.objects.order_by("pk")]


class TestCompare:
    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ({"a": 1}, {"a": 1, "b": "x"}, [Drift("b", "new", "", "text")]),
            ({"a": 1}, {"a": "x"}, [Drift("a", "type", "integer", "text")]),
            ({"a": 1}, {"a": 1.5}, []),
            ({"a": "x"}, {"a": "2026-01-01"}, []),
            ({"a": "2026-01-01"}, {"a": "soon"}, [Drift("a", "type", "date", "text")]),
            ({"a": "x"}, {}, [Drift("a", "vanished", "text, filled in 100%", "not there")]),
            ({"a": "x"}, {"a": None}, [Drift("a", "vanished", "text, filled in 100%", "empty")]),
            ({"a": None}, {"a": {"b": 1}}, []),
            ({"a": {"b": 1}}, {}, [Drift("a", "vanished", "object, filled in 100%", "not there")]),
            ({}, {"a": {"b": 1}}, [Drift("a", "new", "", "object")]),
        ],
    )
    def test_what_is_a_change_and_what_is_none(
        self, before: dict[str, Any], after: dict[str, Any], expected: list[Drift]
    ) -> None:
        assert compare(learn([before] * ENOUGH), learn([after] * ENOUGH)) == expected

    def test_a_few_records_say_nothing(self) -> None:
        assert compare(learn([{"a": 1}] * ENOUGH), learn([{}] * (ENOUGH - 1))) == []

    def test_what_was_often_empty_may_be_empty(self) -> None:
        known = learn([{"a": 1}] * ENOUGH + [{"a": None}] * ENOUGH)

        assert compare(known, learn([{"a": None}] * ENOUGH)) == []


class TestWatch:
    def test_the_first_page_is_learned_and_the_same_again_says_nothing(self, harvest: Connection) -> None:
        for _ in range(3):
            assert look(harvest, page())

        row = ObjectShape.objects.get()
        assert row.shape["records"] == 3 * len(MANY)
        assert told() == []

    def test_a_new_field_is_told_once_and_reading_goes_on(self, harvest: Connection) -> None:
        look(harvest, page())

        assert look(harvest, page(vat_number="GB1")) and look(harvest, page(vat_number="GB1"))

        assert told() == [("vat_number", "new", False)]

    def test_what_the_mapping_needs_holds_the_reading_whatever_the_policy(self, harvest: Connection) -> None:
        drift.set_policy(harvest, object_name="clients", policy="ignore", actor=None, reason="t")
        look(harvest, page())

        assert not look(harvest, without("name", page()))

        assert told() == [("name", "vanished", True)]
        assert drift.is_held(harvest.pk, "clients")
        case = ExceptionCase.objects.get()
        assert case.reason == "shape_changed" and "name (text, filled in 100% → not there)" in case.title

    @pytest.mark.parametrize(("policy", "goes_on"), [("ignore", True), ("propose", True), ("hold", False)])
    def test_a_field_that_is_only_read_goes_by_policy(self, harvest: Connection, policy: str, goes_on: bool) -> None:
        drift.set_policy(harvest, object_name="", policy=policy, actor=None, reason="t")
        look(harvest, page())

        assert look(harvest, without("address", page())) is goes_on
        assert told() == ([] if policy == "ignore" else [("address", "vanished", policy == "hold")])

    def test_small_pages_add_up(self, harvest: Connection) -> None:
        look(harvest, page())

        found = [look(harvest, without("name", page())[:7]) for _ in range(3)]

        assert found == [True, True, False]

    def test_the_objects_own_policy_outranks_the_connections(self, harvest: Connection, alice: User) -> None:
        drift.set_policy(harvest, object_name="", policy="hold", actor=alice, reason="strict customer")
        row = drift.set_policy(harvest, object_name="clients", policy="ignore", actor=alice, reason="noisy")

        assert drift.policy_of(row) == "ignore"
        assert drift.policy_of(ObjectShape(connection=harvest, object_name="projects")) == "hold"
        assert row.history.latest().history_change_reason == "noisy"


class TestDeciding:
    def test_accepting_lets_the_reading_go_on_and_closes_the_case(self, harvest: Connection, alice: User) -> None:
        look(harvest, page())
        changed = without("name", page())
        look(harvest, changed)

        decide_shape(ShapeChange.objects.get(), actor=alice, reason="renamed on purpose", now=NOW)

        change = ShapeChange.objects.get()
        assert (change.status, change.decided_by, change.reason) == ("accepted", "Alice", "renamed on purpose")
        assert not drift.is_held(harvest.pk, "clients")
        assert ExceptionCase.objects.get().status == "resolved"
        assert look(harvest, changed)

    def test_twice_is_told(self, harvest: Connection) -> None:
        look(harvest, page())
        look(harvest, page(vat_number="GB1"))
        change = ShapeChange.objects.get()
        decide_shape(change, actor=None, reason="t", now=NOW)

        with pytest.raises(drift.NothingOpenError, match="decided already by system"):
            decide_shape(change, actor=None, reason="t", now=NOW)
        assert not Client.objects.exists()
