"""Loading a page: what is kept, created, changed, left alone, buried; and the traces of each."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import (
    Change,
    Client,
    Contact,
    ExternalRef,
    Opportunity,
    Project,
    Proposal,
    Resource,
    TimeEntry,
)
from apps.canonical.services import decide_proposal, update_record
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import open_cases
from apps.mappings.services import save_mapping
from apps.syncs.models import SourceRecord
from apps.syncs.services.reprocessing import _apply_waiting
from tests.syncs.support import (
    NOW,
    connect,
    harvest_client,
    harvest_entry,
    harvest_project,
    hubspot_company,
    hubspot_deal,
    load,
    tally,
)

LATER = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def _map_deals(connection: Connection, line: dict[str, object]) -> None:
    fields = [{"to": "name", "from": "properties.dealname", "required": True}, line]
    spec = {"object": "deals", "entity": "opportunity", "direction": "in", "fields": fields}
    save_mapping(connection=connection, spec=spec, actor=None, reason="test")


class TestCreateAndUpdate:
    def test_a_new_record_is_kept_raw_and_made_with_history_change_and_reference(self, harvest: Connection) -> None:
        counts = load(harvest, "clients", harvest_client(1, "Northwind", address="1 Quay"))

        client = Client.objects.get()
        source = SourceRecord.objects.get()
        ref = ExternalRef.objects.get()
        change = Change.objects.get()
        past = client.history.get()
        assert tally(counts) == (1, 0, 0, 0, 0)
        assert (client.name, client.street, client.currency, client.is_stub) == ("Northwind", "1 Quay", "EUR", False)
        assert client.created_at == client.updated_at == NOW
        assert (source.external_id, source.status, source.record_id, source.entity) == (
            "1",
            "applied",
            client.pk,
            "client",
        )
        assert source.payload["address"] == "1 Quay"
        assert (ref.object_name, ref.external_id, ref.entity, ref.record_id) == ("clients", "1", "client", client.pk)
        assert ref.url == "https://id.getharvest.com/clients/1"
        assert (change.kind, change.record_id, change.origin) == ("created", client.pk, f"connection:{harvest.pk}")
        assert (past.history_type, past.name, past.history_change_reason) == ("+", "Northwind", "test")

    def test_the_same_page_again_writes_nothing(self, harvest: Connection) -> None:
        page = [harvest_client(1, "Northwind"), harvest_client(2, "Contoso")]
        load(harvest, "clients", *page)

        counts = load(harvest, "clients", *page, now=LATER)

        assert tally(counts) == (0, 0, 2, 0, 0)
        assert Change.objects.count() == 2 and Client.history.count() == 2
        assert set(SourceRecord.objects.values_list("received_at", flat=True)) == {NOW}

    def test_a_changed_field_is_written_with_from_and_to(self, harvest: Connection) -> None:
        load(harvest, "clients", harvest_client(1, "Northwind"))

        counts = load(harvest, "clients", harvest_client(1, "Northwind Ltd"), now=LATER)

        client = Client.objects.get()
        change = Change.objects.latest("pk")
        assert tally(counts) == (0, 1, 0, 0, 0)
        assert client.name == "Northwind Ltd" and client.updated_at == LATER and client.created_at == NOW
        assert (change.kind, change.fields) == ("updated", {"name": ["Northwind", "Northwind Ltd"]})
        assert [past.history_type for past in client.history.order_by("history_id")] == ["+", "~"]

    def test_a_payload_that_differs_where_nobody_looks_is_kept_but_changes_nothing(self, harvest: Connection) -> None:
        load(harvest, "clients", harvest_client(1, "Northwind"))

        counts = load(harvest, "clients", harvest_client(1, "Northwind", mood="sunny"), now=LATER)

        assert tally(counts) == (0, 0, 1, 0, 0)
        assert SourceRecord.objects.get().payload["mood"] == "sunny"
        assert Change.objects.count() == 1

    def test_of_a_record_twice_in_a_page_the_last_counts(self, harvest: Connection) -> None:
        counts = load(harvest, "clients", harvest_client(1, "Old"), harvest_client(1, "New"))

        assert tally(counts) == (1, 0, 0, 1, 0)
        assert Client.objects.get().name == "New"

    def test_values_that_only_look_different_are_equal(self, harvest: Connection) -> None:
        load(harvest, "time_entries", harvest_entry(1, "1.5", updated_at="2026-11-02T17:00:00Z"))

        counts = load(harvest, "time_entries", harvest_entry(1, 1.50, updated_at="2026-11-02T18:00:00+01:00"))

        assert tally(counts) == (0, 0, 1, 0, 0)

    def test_an_emptied_field_is_emptied(self, harvest: Connection) -> None:
        load(harvest, "clients", harvest_client(1, "Northwind", address="1 Quay"))

        load(harvest, "clients", harvest_client(1, "Northwind", address=None))

        assert Client.objects.get().street == ""

    def test_an_object_nobody_maps_is_kept_raw(self, harvest: Connection) -> None:
        counts = load(harvest, "tasks", {"id": 3, "name": "Design"})

        assert tally(counts) == (0, 0, 0, 1, 0)
        assert SourceRecord.objects.get().status == "skipped"

    def test_what_the_mapping_skips_is_kept_raw(self, harvest: Connection) -> None:
        counts = load(harvest, "time_entries", harvest_entry(1, is_running=True))

        assert tally(counts) == (0, 0, 0, 1, 0)
        assert not TimeEntry.objects.exists()

    def test_custom_fields_are_kept_together(self, hubspot: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))
        load(hubspot, "deals", hubspot_deal(1, "Portal", hubspot_owner_id="77", pipeline="default"))

        assert Opportunity.objects.get().custom == {"owner_id": "77", "pipeline": "default"}

    def test_two_customers_records_with_the_same_ids_stay_apart(
        self, customer: Customer, other_customer: Customer
    ) -> None:
        for owner in (customer, other_customer):
            load(connect(owner, "harvest"), "clients", harvest_client(1, f"Client of {owner.slug}"))

        assert dict(Client.objects.values_list("customer__slug", "name")) == {
            "kestrel": "Client of kestrel",
            "halden": "Client of halden",
        }


class TestReferences:
    def test_a_known_record_is_referred_to(self, harvest: Connection) -> None:
        load(harvest, "clients", harvest_client(1, "Northwind"))
        load(harvest, "projects", harvest_project(5, "Website"))

        assert Project.objects.get().client == Client.objects.get()
        assert Client.objects.get().name == "Northwind"

    def test_a_mentioned_record_becomes_a_stub_once(self, harvest: Connection) -> None:
        counts = load(harvest, "time_entries", harvest_entry(1), harvest_entry(2))

        assert tally(counts) == (2, 0, 0, 0, 0)
        for model, name in ((Client, "Client 1"), (Project, "Website"), (Resource, "Ines")):
            stub = model.objects.get()
            assert (stub.name, stub.is_stub) == (name, True)
        assert Project.objects.get().code == "P-5"

    def test_a_stub_becomes_real_when_its_own_record_arrives(self, harvest: Connection) -> None:
        load(harvest, "time_entries", harvest_entry(1))
        stub = Project.objects.get()

        counts = load(harvest, "projects", harvest_project(5, "Website relaunch"))

        project = Project.objects.get()
        assert tally(counts) == (0, 1, 0, 0, 0)
        assert (project.pk, project.name, project.is_stub) == (stub.pk, "Website relaunch", False)
        assert project.client == Client.objects.get()

    def test_a_stub_whose_record_says_the_same_is_no_stub_any_more(self, harvest: Connection) -> None:
        load(harvest, "projects", harvest_project(5, "Website"))
        assert Client.objects.get().is_stub

        load(harvest, "clients", {"id": 1, "name": "Client 1", "is_active": True})

        assert not Client.objects.get().is_stub

    def test_a_record_is_found_by_what_a_field_of_it_holds(self, hubspot: Connection, harvest: Connection) -> None:
        load(harvest, "contacts", {"id": 11, "first_name": "Ines", "last_name": "Roy", "email": "Ines@client.example"})
        line = {"to": "contact", "from": "properties.buyer_mail", "transform": "lower"}
        _map_deals(hubspot, {**line, "reference": {"object": "contacts", "via": "email"}})

        counts = load(hubspot, "deals", hubspot_deal(1, "Portal", buyer_mail="INES@client.example"))

        assert tally(counts) == (1, 0, 0, 0, 0)
        assert Opportunity.objects.get().contact == Contact.objects.get()

    @pytest.mark.parametrize("known", [0, 2])
    def test_none_or_two_of_that_value_is_a_problem_that_says_so(self, hubspot: Connection, known: int) -> None:
        for number in range(known):
            Contact.objects.create(customer=hubspot.customer, last_name=f"Roy {number}", email="ines@client.example")
        line = {"to": "contact", "from": "properties.mail", "reference": {"object": "contacts", "via": "email"}}
        _map_deals(hubspot, line)

        counts = load(hubspot, "deals", hubspot_deal(1, "Portal", mail="ines@client.example"))

        assert tally(counts) == (0, 0, 0, 0, 1)
        assert 'the contacts whose email is "ines@client.example"' in ExceptionCase.objects.get().title

    def test_what_is_missing_is_a_problem_of_that_record_only_and_heals_by_itself(self, hubspot: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))
        counts = load(
            hubspot, "deals", hubspot_deal(1, "Orphan", company=99), hubspot_deal(2, "Portal"), hubspot_deal(3, "App")
        )
        assert tally(counts) == (2, 0, 0, 0, 1)
        case = ExceptionCase.objects.get()
        assert (case.reason, case.status, case.subject_kind) == ("missing_reference", "open", "source_record")
        assert "companies 99" in case.title

        load(hubspot, "companies", hubspot_company(99, "Latecomer"))
        assert _apply_waiting(hubspot, NOW) == 1

        assert Opportunity.objects.get(name="Orphan").client.name == "Latecomer"
        case.refresh_from_db()
        assert case.status == "resolved"
        assert SourceRecord.objects.get(object_name="deals", external_id="1").status == "applied"

    def test_an_entry_without_project_has_none(self, harvest: Connection) -> None:
        load(harvest, "time_entries", harvest_entry(1, project=None, client=None))

        entry = TimeEntry.objects.get()
        assert entry.project is None and entry.client is None


class TestDeletion:
    def test_the_owners_deletion_is_a_mark(self, hubspot: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))

        counts = load(hubspot, "companies", {**hubspot_company(1, "Northwind"), "archived": True}, now=LATER)

        client = Client.objects.get()
        assert tally(counts) == (0, 1, 0, 0, 0)
        assert client.deleted_at == LATER and client.name == "Northwind"
        assert Change.objects.latest("pk").kind == "deleted"
        assert not Client.objects.live().exists()

    def test_the_same_deletion_again_changes_nothing(self, hubspot: Connection) -> None:
        gone = {**hubspot_company(1, "Northwind"), "archived": True}
        load(hubspot, "companies", hubspot_company(1, "Northwind"))
        load(hubspot, "companies", gone, now=NOW)

        load(hubspot, "companies", gone, now=LATER)

        assert Client.objects.get().deleted_at == NOW
        assert Change.objects.filter(kind="deleted").count() == 1

    def test_a_record_that_comes_back_lives_again(self, hubspot: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))
        load(hubspot, "companies", {**hubspot_company(1, "Northwind"), "archived": True})

        load(hubspot, "companies", hubspot_company(1, "Northwind"))

        assert Client.objects.get().deleted_at is None

    def test_another_system_cannot_delete(self, hubspot: Connection, xero: Connection) -> None:
        contact = {"ContactID": "c-1", "Name": "Northwind", "ContactStatus": "ACTIVE"}
        load(hubspot, "companies", hubspot_company(1, "Northwind"))
        load(xero, "contacts", contact)
        assert ExternalRef.objects.count() == 2

        counts = load(xero, "contacts", {**contact, "ContactStatus": "ARCHIVED"})

        assert tally(counts) == (0, 0, 0, 1, 0)
        assert Client.objects.get().deleted_at is None

    def test_a_deletion_of_something_never_seen_makes_nothing(self, hubspot: Connection) -> None:
        counts = load(hubspot, "companies", {**hubspot_company(1, "Northwind"), "archived": True})

        assert tally(counts) == (0, 0, 0, 1, 0)
        assert not Client.objects.exists()


class TestOwnership:
    def test_a_foreign_value_is_proposed_not_written(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind", domain="northwind.example", city="Bergen"))
        load(
            xero,
            "contacts",
            {
                "ContactID": "c-1",
                "Name": "Northwind AS",
                "Website": "https://northwind.example",
                "ContactStatus": "ACTIVE",
            },
        )

        client = Client.objects.get()
        proposal = Proposal.objects.get()
        assert client.name == "Northwind"
        assert (proposal.kind, proposal.record_id, proposal.status) == ("field", client.pk, "open")
        assert proposal.details[0]["from"] == "Northwind" and proposal.details[0]["to"] == "Northwind AS"

    @pytest.mark.parametrize("who", ["the other says as the owner", "the owner says as the other", "a person"])
    def test_a_proposal_settles_itself_when_both_agree_again(
        self, hubspot: Connection, xero: Connection, who: str
    ) -> None:
        northwind = {"ContactID": "c-1", "EmailAddress": "hello@northwind.example"}
        load(hubspot, "companies", hubspot_company(1, "Northwind", domain="northwind.example"))
        load(xero, "contacts", {**northwind, "Name": "Northwind", "Website": "northwind.example"})
        load(xero, "contacts", {**northwind, "Name": "Northwind AS", "Website": "northwind.example"})
        assert Proposal.objects.get().status == "open"

        if who == "the other says as the owner":
            load(xero, "contacts", {**northwind, "Name": "Northwind", "Website": "northwind.example"})
        elif who == "the owner says as the other":
            load(hubspot, "companies", hubspot_company(1, "Northwind AS", domain="northwind.example"))
        else:
            update_record(
                Client.objects.get(), values={"name": "Northwind AS"}, origin="user:1", reason="renamed", now=LATER
            )

        proposal = Proposal.objects.get()
        assert (proposal.status, proposal.decided_by) == ("settled", None)
        assert proposal.decision_reason == "Both systems agree again." and proposal.decided_at is not None

    def test_a_settled_proposal_opens_again_and_a_rejected_one_does_not(
        self, hubspot: Connection, xero: Connection
    ) -> None:
        def says(name: str) -> None:
            load(xero, "contacts", {"ContactID": "c-1", "Name": name, "Website": "northwind.example"})

        load(hubspot, "companies", hubspot_company(1, "Northwind", domain="northwind.example"))
        for name in ("Northwind", "Northwind AS", "Northwind", "Northwind AS"):
            says(name)
        proposal = Proposal.objects.get()
        assert (proposal.status, proposal.decided_at, proposal.decision_reason) == ("open", None, "")

        decide_proposal(proposal, accept=False, actor=None, reason="no", now=LATER)
        for name in ("Northwind", "Northwind AS"):
            says(name)

        assert Proposal.objects.get().status == "rejected"

    def test_another_difference_leaves_a_proposal_open(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind", domain="northwind.example"))
        load(xero, "contacts", {"ContactID": "c-1", "Name": "Northwind AS", "Website": "northwind.example"})
        load(hubspot, "companies", hubspot_company(1, "Northwind Group", domain="northwind.example"))

        assert Proposal.objects.filter(kind="field").get().status == "open"

    def test_an_empty_field_is_filled_by_anyone(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))
        load(
            xero,
            "contacts",
            {"ContactID": "c-1", "Name": "Northwind", "EmailAddress": "billing@northwind.example"},
        )

        assert Client.objects.get().email == "billing@northwind.example"

    def test_a_foreign_system_never_empties(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind", phone="+47 1"))
        load(xero, "contacts", {"ContactID": "c-1", "Name": "Northwind", "Phones": []})

        assert Client.objects.get().phone == "+47 1"
        assert not Proposal.objects.exists()

    def test_a_single_field_may_have_another_owner(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind", vat_number="NO-1"))
        load(xero, "contacts", {"ContactID": "c-1", "Name": "Northwind", "TaxNumber": "NO 999"})
        assert Client.objects.get().tax_number == "NO 999"

        load(hubspot, "companies", hubspot_company(1, "Northwind", vat_number="NO-2"))

        assert Client.objects.get().tax_number == "NO 999"

    def test_where_nobody_owns_everybody_may_write(self, xero: Connection) -> None:
        load(xero, "contacts", {"ContactID": "c-1", "Name": "Northwind"})
        load(xero, "contacts", {"ContactID": "c-1", "Name": "Northwind Ltd"})

        assert Client.objects.get().name == "Northwind Ltd"


class TestDates:
    @pytest.mark.parametrize("day", ["2028-02-29", "2026-12-31", "2027-01-01", "2026-03-29"])
    def test_a_work_date_is_the_vendors_calendar_date(self, harvest: Connection, day: str) -> None:
        load(harvest, "time_entries", harvest_entry(1, spent_date=day))

        assert TimeEntry.objects.get().work_date == date.fromisoformat(day)

    def test_an_instant_at_the_border_of_a_day_keeps_its_instant(self, hubspot: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))
        load(
            hubspot,
            "deals",
            hubspot_deal(
                1, "Portal", closedate="2026-10-31T23:30:00-07:00", hs_is_closed="true", hs_is_closed_won="true"
            ),
        )

        assert Opportunity.objects.get().won_at == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)

    @pytest.mark.parametrize("day", ["2026-02-29", "soon", "0000-00-00", "31.12.2026 25:00"])
    def test_no_date_is_a_problem(self, harvest: Connection, day: str) -> None:
        counts = load(harvest, "time_entries", harvest_entry(1, spent_date=day), harvest_entry(2))

        assert tally(counts) == (1, 0, 0, 0, 1)
        assert open_cases().get().detail["problems"][0]["field"] == "work_date"


class TestHours:
    @pytest.mark.parametrize("hours", ["0", "-2.5", "0.0001", "24", "999999.9999"])
    def test_unusual_hours_are_kept_exactly(self, harvest: Connection, hours: str) -> None:
        load(harvest, "time_entries", harvest_entry(1, hours))

        assert TimeEntry.objects.get().hours == Decimal(hours)

    @pytest.mark.parametrize("hours", ["1000000", "NaN", "Infinity", "-Infinity", "1e40", "eight", "", None])
    def test_what_is_no_number_of_hours_is_a_problem_of_that_record_only(
        self, harvest: Connection, hours: object
    ) -> None:
        counts = load(harvest, "time_entries", harvest_entry(1, hours), harvest_entry(2))

        assert tally(counts) == (1, 0, 0, 0, 1)
        assert TimeEntry.objects.get().hours == Decimal("1.5")
        case = open_cases().get()
        assert case.subject_kind == "source_record" and case.detail["external_id"] == "1"


class TestCurrencies:
    @pytest.mark.parametrize(("given", "kept"), [("JPY", "JPY"), ("KWD", "KWD"), ("eur", "EUR"), (None, ""), ("", "")])
    def test_currency_codes(self, harvest: Connection, given: str | None, kept: str) -> None:
        load(harvest, "clients", harvest_client(1, "Northwind", currency=given))

        assert Client.objects.get().currency == kept

    @pytest.mark.parametrize("given", ["Euro", "€€€€", "12"])
    def test_what_is_no_currency_never_stops_the_page(self, harvest: Connection, given: str) -> None:
        counts = load(harvest, "clients", harvest_client(1, "Odd", currency=given), harvest_client(2, "Good"))

        assert Client.objects.filter(name="Good").exists()
        assert counts.created + counts.failed == 2
        assert not Client.objects.filter(currency=given).exists()


class TestUnchangedByForce:
    def test_force_applies_a_payload_again(self, harvest: Connection) -> None:
        load(harvest, "clients", harvest_client(1, "Northwind"))
        Client.objects.update(name="Spoilt")

        counts = load(harvest, "clients", harvest_client(1, "Northwind"), force=True)

        assert tally(counts) == (0, 1, 0, 0, 0)
        assert Client.objects.get().name == "Northwind"
