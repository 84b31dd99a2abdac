"""A customer's own mappings, value maps and stewardship: what is in force, and that every change says who and why."""

from datetime import date

import pytest

from apps.accounts.models import Customer, User
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.work.kinds import RELEASE
from apps.mappings import selectors
from apps.mappings.engine import Mapped
from apps.mappings.models import Stewardship, ValueMap
from apps.mappings.services import BadMappingError, BadValueError, remove_value, save_mapping, set_value
from apps.mappings.stewardship import foreign_fields, owner_roles
from tests.syncs.support import connect, load

OWN = {
    "object": "clients",
    "entity": "client",
    "direction": "in",
    "fields": [{"to": "name", "from": "label", "required": True}],
}


@pytest.fixture
def harvest(customer: Customer) -> Connection:
    return connect(customer, "harvest")


class TestValues:
    def test_a_line_is_kept_with_who_and_why_and_releases_what_waits(self, customer: Customer, alice: User) -> None:
        set_value(customer=customer, name="tax_codes", source="a", target="A", actor=alice, reason="told by phone")

        past = ValueMap.objects.get().history.latest()
        assert (past.history_user, past.history_change_reason) == (alice, "told by phone")
        assert DueWork.objects.filter(kind=RELEASE, key=customer.pk).exists()

    def test_lines_add_up_and_change(self, customer: Customer) -> None:
        for source, target in (("a", "A"), ("b", "B"), ("a", "C")):
            set_value(customer=customer, name="m", source=source, target=target, actor=None, reason="t")
        assert ValueMap.objects.get().entries == {"a": "C", "b": "B"}

        remove_value(customer=customer, name="m", source="a", actor=None, reason="t")
        assert ValueMap.objects.get().entries == {"b": "B"}

    @pytest.mark.parametrize(("source", "target"), [("", "x"), ("x", ""), ("  ", "x")])
    def test_both_sides_are_needed(self, customer: Customer, source: str, target: str) -> None:
        with pytest.raises(BadValueError, match="both sides"):
            set_value(customer=customer, name="m", source=source, target=target, actor=None, reason="t")

    def test_removing_what_is_not_there_says_so(self, customer: Customer) -> None:
        with pytest.raises(BadValueError, match="no line for 'x'"):
            remove_value(customer=customer, name="m", source="x", actor=None, reason="t")

    def test_a_connections_own_lines_outrank_the_general_ones(self, customer: Customer, harvest: Connection) -> None:
        set_value(customer=customer, name="m", source="a", target="general", actor=None, reason="t")
        set_value(customer=customer, name="m", source="b", target="general", actor=None, reason="t")
        set_value(customer=customer, name="m", source="a", target="own", connection=harvest, actor=None, reason="t")

        assert selectors.value_maps(harvest)["m"] == {"a": "own", "b": "general"}
        assert selectors.value_maps(connect(customer, "xero"))["m"] == {"a": "general", "b": "general"}

    def test_another_customers_lines_do_not_count(self, customer: Customer, other_customer: Customer) -> None:
        set_value(customer=other_customer, name="m", source="a", target="theirs", actor=None, reason="t")

        assert selectors.value_maps(connect(customer, "harvest")) == {}


class TestMappings:
    def test_the_connectors_default_holds_until_the_customer_has_its_own(self, harvest: Connection) -> None:
        default = selectors.inbound(harvest, "clients")
        assert default is not None and isinstance(default.run({"id": 1, "name": "N"}), Mapped)

        save_mapping(connection=harvest, spec=OWN, actor=None, reason="t")

        own = selectors.inbound(harvest, "clients")
        assert own is not None
        outcome = own.run({"id": 1, "label": "Labelled"})
        assert isinstance(outcome, Mapped) and outcome.values["name"] == "Labelled"

    def test_saving_again_counts_versions_and_keeps_the_old_one(self, harvest: Connection, alice: User) -> None:
        save_mapping(connection=harvest, spec=OWN, actor=alice, reason="first")
        row = save_mapping(
            connection=harvest, spec={**OWN, "fields": [{"to": "name", "from": "x"}]}, actor=alice, reason="second"
        )

        assert row.version == 2
        assert [past.spec["fields"][0]["from"] for past in row.history.order_by("history_id")] == ["label", "x"]

    def test_an_inactive_one_does_not_count(self, harvest: Connection) -> None:
        row = save_mapping(connection=harvest, spec=OWN, actor=None, reason="t")
        type(row).objects.update(is_active=False)

        mapping = selectors.inbound(harvest, "clients")
        assert mapping is not None and isinstance(mapping.run({"id": 1, "name": "N"}), Mapped)

    @pytest.mark.parametrize(
        "spoil",
        [
            {"fields": [{"to": "no_such_field", "from": "x"}]},
            {"fields": [{"to": "name", "from": "x", "transform": "no_such_transform"}]},
            {"entity": "unicorn"},
            {"direction": "sideways"},
            {"surprise": 1},
            {"fields": "none"},
        ],
    )
    def test_what_cannot_work_is_refused_when_it_is_saved(self, harvest: Connection, spoil: dict[str, object]) -> None:
        with pytest.raises((BadMappingError, Exception), match=r".+") as caught:
            save_mapping(connection=harvest, spec={**OWN, **spoil}, actor=None, reason="t")

        assert hasattr(caught.value, "code"), "an error people can read, not a crash"
        assert not ValueMap.objects.exists()

    def test_a_reference_by_a_field_names_a_text_field_of_what_it_refers_to(self, harvest: Connection) -> None:
        line = {"to": "resource", "from": "user.email", "reference": {"object": "users", "via": "mail"}}
        spec = {"object": "time_entries", "entity": "time_entry", "direction": "in", "fields": [line]}

        with pytest.raises(BadMappingError, match=r'via "mail" is no text field of resource; choose one of .*email'):
            save_mapping(connection=harvest, spec=spec, actor=None, reason="t")

    def test_a_day_in_a_condition_is_kept_as_it_was_written(self, harvest: Connection) -> None:
        line = {"to": "name", "from": "label", "when": {"path": "since", "greater_than": date(2026, 1, 1)}}

        row = save_mapping(connection=harvest, spec={**OWN, "fields": [line]}, actor=None, reason="t")

        assert row.spec["fields"][0]["when"]["greater_than"] == "2026-01-01"

    def test_a_look_up_finds_the_vendors_own_records_by_name(self, customer: Customer, harvest: Connection) -> None:
        load(harvest, "tasks", {"id": 9, "name": "Design"}, {"id": 10, "name": "Code"})

        assert selectors.records_by_name(harvest, "tasks") == {"Design": "9", "Code": "10"}

    def test_writing_what_nobody_maps_says_so(self, harvest: Connection) -> None:
        with pytest.raises(selectors.NoMappingError, match="no mapping that writes ticket"):
            selectors.outbound(harvest, "clients", "ticket")


class TestStewardship:
    def test_the_crm_owns_clients_and_the_erp_their_tax_numbers(self, customer: Customer) -> None:
        hubspot, xero = connect(customer, "hubspot"), connect(customer, "xero")
        fields = ["name", "tax_number"]

        assert foreign_fields(hubspot, "client", fields) == (frozenset({"tax_number"}), True)
        assert foreign_fields(xero, "client", fields) == (frozenset({"name"}), False)

    def test_a_role_nobody_wears_owns_nothing(self, customer: Customer) -> None:
        harvest = connect(customer, "harvest")

        assert foreign_fields(harvest, "client", ["name", "tax_number"]) == (frozenset(), True)

    def test_a_customers_own_rows_change_it(self, customer: Customer, other_customer: Customer) -> None:
        hubspot, xero = connect(customer, "hubspot"), connect(customer, "xero")
        Stewardship.objects.create(customer=customer, entity="client", field="*", owner_role="erp")
        Stewardship.objects.create(customer=customer, entity="client", field="phone", owner_role="crm")

        assert foreign_fields(xero, "client", ["name", "phone"]) == (frozenset({"phone"}), True)
        assert foreign_fields(hubspot, "client", ["name", "phone"]) == (frozenset({"name"}), False)
        assert owner_roles(other_customer.pk, "client")[0] == ("crm",)
