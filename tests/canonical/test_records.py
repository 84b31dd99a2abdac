"""Writing canonical records one by one, deciding proposals, and what the registry knows of each entity."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from apps.accounts.models import Customer, User
from apps.canonical.documents import RecordGoneError, document_of, label_of
from apps.canonical.models import Change, Client, ExternalRef, Proposal
from apps.canonical.registry import UnknownEntityError, entity, names
from apps.canonical.services import ProposalStateError, create_record, decide_proposal, update_record
from apps.connectors.manifest.about import Role
from apps.core.models import DueWork
from apps.core.work.kinds import REACT
from apps.mappings.stewardship import DEFAULT_OWNERS
from tests.syncs.support import NOW, connect


@pytest.fixture
def make(customer: Customer) -> Any:
    def make(kind: str, /, **values: Any) -> Any:
        return create_record(kind, customer=customer, values=values, origin="user:1", reason="typed in")

    return make


class TestWriting:
    def test_creating_leaves_history_and_a_change(self, make: Any) -> None:
        client = make("client", name="Northwind")

        assert client.history.get().history_change_reason == "typed in"
        assert Change.objects.get().origin == "user:1"

    def test_updating_tells_from_and_to_and_who(self, make: Any, alice: User) -> None:
        project = make("project", name="Site", budget_amount=Decimal("10.00"))
        later = NOW + timedelta(days=1)

        changed = update_record(
            project, values={"budget_amount": Decimal("12.50"), "name": "Site"}, origin="flow:1", reason="amended", now=later,
            actor=alice,
        )  # fmt: skip

        change = Change.objects.latest("pk")
        assert changed and change.fields == {"budget_amount": ["10.00", "12.50"]}
        assert (project.history.latest().history_user, project.updated_at) == (alice, later)

    def test_nothing_different_writes_nothing(self, make: Any) -> None:
        project = make("project", name="Site")

        assert update_record(project, values={"name": "Site"}, origin="x", reason="x", now=NOW) is False
        assert project.history.count() == 1 and Change.objects.count() == 1


class TestDeciding:
    @pytest.fixture
    def suggestion(self, make: Any, customer: Customer) -> Proposal:
        client = make("client", name="Northwind", payment_terms_days=30)
        return Proposal.objects.create(
            customer=customer, kind="field", entity="client", record_id=client.pk, key="k", title="differs",
            details=[{"field": "payment_terms_days", "from": 30, "to": "14"}],
        )  # fmt: skip

    def test_an_accepted_value_is_written_in_its_type_with_who(self, suggestion: Proposal, alice: User) -> None:
        decide_proposal(suggestion, accept=True, actor=alice, reason="they are right", now=NOW)

        client = Client.objects.get()
        assert client.payment_terms_days == 14
        assert client.history.latest().history_user == alice
        suggestion.refresh_from_db()
        assert (suggestion.status, suggestion.decided_by, suggestion.decision_reason) == (
            "accepted",
            alice,
            "they are right",
        )
        assert DueWork.objects.filter(kind=REACT, key=client.customer_id).exists()

    def test_a_rejected_one_changes_nothing(self, suggestion: Proposal) -> None:
        decide_proposal(suggestion, accept=False, actor=None, reason="no", now=NOW)

        assert Client.objects.get().payment_terms_days == 30

    def test_it_is_decided_once(self, suggestion: Proposal) -> None:
        decide_proposal(suggestion, accept=False, actor=None, reason="no", now=NOW)
        with pytest.raises(ProposalStateError, match="already"):
            decide_proposal(suggestion, accept=True, actor=None, reason="yes", now=NOW)

    def test_a_reference_can_be_proposed_too(self, make: Any, customer: Customer) -> None:
        old, new = make("client", name="Old"), make("client", name="New")
        project = make("project", name="Site", client=old)
        proposal = Proposal.objects.create(
            customer=customer, kind="field", entity="project", record_id=project.pk, key="k", title="t",
            details=[{"field": "client_id", "from": old.pk, "to": new.pk}],
        )  # fmt: skip

        decide_proposal(proposal, accept=True, actor=None, reason="moved", now=NOW)

        project.refresh_from_db()
        assert project.client == new

    def test_joining_moves_everything_to_the_older_record(self, make: Any, customer: Customer) -> None:
        keep, drop = (
            make("client", name="Northwind", phone="1"),
            make("client", name="Northwind AS", phone="2", city="Oslo"),
        )
        project, contact = make("project", name="Site", client=drop), make("contact", email="a@b.example", client=drop)
        connection = connect(customer, "xero")
        ExternalRef.objects.create(
            customer=customer, connection=connection, object_name="contacts", external_id="c", entity="client",
            record_id=drop.pk,
        )  # fmt: skip
        proposal = Proposal.objects.create(
            customer=customer,
            kind="match",
            entity="client",
            record_id=drop.pk,
            other_record_id=keep.pk,
            key="k",
            title="t",
        )

        decide_proposal(proposal, accept=True, actor=None, reason="same", now=NOW)

        for record in (keep, drop, project, contact):
            record.refresh_from_db()
        assert (keep.name, keep.phone, keep.city) == ("Northwind", "1", "Oslo")
        assert drop.deleted_at == NOW
        assert project.client == contact.client == keep
        assert ExternalRef.objects.get().record_id == keep.pk

    def test_a_record_is_never_joined_with_itself(self, make: Any, customer: Customer) -> None:
        client = make("client", name="Northwind")
        proposal = Proposal.objects.create(
            customer=customer,
            kind="match",
            entity="client",
            record_id=client.pk,
            other_record_id=client.pk,
            key="k",
            title="t",
        )
        with pytest.raises(ProposalStateError, match="twice"):
            decide_proposal(proposal, accept=True, actor=None, reason="x", now=NOW)


class TestRegistry:
    @pytest.mark.parametrize("name", names())
    def test_each_entity_knows_its_columns_history_and_references(self, name: str) -> None:
        known = entity(name)
        columns = {column.name for column in known.columns}

        assert {"id", "customer_id", "custom", "deleted_at"} <= columns
        assert known.required <= known.kinds.keys()
        assert set(known.references.values()) <= set(names())
        assert not {"id", "customer", "is_stub"} & known.kinds.keys()
        past = {field.column for field in known.model.history.model._meta.concrete_fields}
        assert columns <= past, "history keeps every column"

    def test_a_choice_may_be_empty_only_where_the_column_may(self) -> None:
        assert "" in entity("ticket").choices["priority"]
        assert "" not in entity("ticket").choices["status_category"]

    @pytest.mark.parametrize("name", names())
    def test_who_owns_it_is_a_hat_that_connections_wear(self, name: str) -> None:
        assert set(DEFAULT_OWNERS.get(name, ())) <= {role.value for role in Role}

    def test_an_unknown_one_is_named_with_the_known(self) -> None:
        with pytest.raises(UnknownEntityError, match=r"unicorn.*client"):
            entity("unicorn")


class TestDocuments:
    def test_a_record_comes_with_what_it_refers_to_and_its_lines(self, make: Any) -> None:
        client = make("client", name="Northwind")
        invoice = make("invoice", client=client, reference="R", currency="EUR")
        make("invoice_line", invoice=invoice, position=2, description="second", amount=Decimal(2))
        make("invoice_line", invoice=invoice, position=1, description="first", amount=Decimal(1))

        document = document_of("invoice", invoice.pk)

        assert document["client"]["name"] == "Northwind" and document["client"]["_entity"] == "client"
        assert [line["description"] for line in document["lines"]] == ["first", "second"]
        assert document["_id"] == invoice.pk and document["project"] is None

    @pytest.mark.parametrize(
        ("document", "line", "parent", "values"),
        [
            ("purchase_order", "purchase_order_line", "purchase_order", {"amount": Decimal(5)}),
            ("bill", "bill_line", "bill", {"amount": Decimal(5)}),
            ("journal_entry", "journal_line", "journal_entry", {"debit_amount": Decimal(5)}),
            ("quote", "quote_line", "quote", {"name": "line"}),
        ],
    )
    def test_lines_come_in_order_with_their_project(
        self, make: Any, document: str, line: str, parent: str, values: dict[str, Any]
    ) -> None:
        whole = make(document, currency="EUR", **({"entry_date": NOW.date()} if document == "journal_entry" else {}))
        other = make(document, currency="EUR", **({"entry_date": NOW.date()} if document == "journal_entry" else {}))
        project = make("project", name="Site")
        known = {"project": project} if "project" in entity(line).references else {}
        make(line, **{parent: whole}, position=2, description="second", **values)
        make(line, **{parent: whole}, position=1, description="first", **values, **known)
        make(line, **{parent: other}, position=1, description="of another", **values)

        lines = document_of(document, whole.pk)["lines"]

        assert [found["description"] for found in lines] == ["first", "second"]
        if known:
            assert lines[0]["project"]["name"] == "Site" and lines[0]["project"]["_entity"] == "project"
            assert lines[1]["project"] is None

    def test_what_is_gone_says_so(self, customer: Customer) -> None:
        with pytest.raises(RecordGoneError, match="does not exist any more"):
            document_of("client", 999_999)
        assert label_of("client", 999_999) == "client 999999"


class TestWhatCannotBe:
    """The database refuses what no system may tell us."""

    def test_a_journal_line_has_one_side(self, make: Any) -> None:
        journal = make("journal_entry", entry_date=NOW.date(), currency="EUR")
        make("journal_line", journal_entry=journal, debit_amount=Decimal(-5))
        with pytest.raises(IntegrityError, match="journal_line_has_one_side"):
            make("journal_line", journal_entry=journal, debit_amount=Decimal(5), credit_amount=Decimal(5))

    @pytest.mark.parametrize("kind", ["booking", "absence"])
    def test_a_time_does_not_end_before_it_starts(self, make: Any, kind: str) -> None:
        person, day = make("resource", name="Ada"), NOW.date()
        make(kind, resource=person, start_date=day, end_date=day)
        with pytest.raises(IntegrityError, match=f"{kind}_ends_after_start"):
            make(kind, resource=person, start_date=day, end_date=day - timedelta(days=1))
