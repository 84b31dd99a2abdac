"""One client in several systems: certain matches are tied, likely ones proposed, and nobody makes it twice."""

import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.canonical import writing
from apps.canonical.models import Client, Contact, ExternalRef, Proposal, Resource
from apps.canonical.services import Link, ProposalStateError, create_record, decide_proposal, link_records
from apps.connectors.models import Connection
from apps.syncs.models import SourceRecord
from tests.committed import output_of, start_python
from tests.syncs.support import NOW, connect, harvest_client, hubspot_company, load, tally, xero_contact


class TestCertain:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ({"vat_number": "DE 136 695 976"}, {"Name": "Another name GmbH", "TaxNumber": "DE136695976"}),
            ({"domain": "northwind.example"}, {"Name": "NW Trading", "Website": "https://www.northwind.example/about"}),
            ({}, {"Name": "Northwind"}),
            ({}, {"Name": "  northwind "}),
        ],
    )
    def test_the_same_client_in_two_systems_is_one(
        self, hubspot: Connection, xero: Connection, ours: dict[str, str], theirs: dict[str, str]
    ) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind", **ours))

        load(xero, "contacts", {"ContactID": "c-1", "ContactStatus": "ACTIVE", **theirs})

        client = Client.objects.get()
        assert sorted(ExternalRef.objects.values_list("connection__connector", "record_id")) == [
            ("hubspot", client.pk),
            ("xero", client.pk),
        ]

    def test_a_client_only_mentioned_is_tied_too(self, hubspot: Connection, harvest: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))

        load(harvest, "projects", {"id": 5, "name": "Site", "client": {"id": 8, "name": "Northwind"}})

        assert Client.objects.get().is_stub is False
        assert ExternalRef.objects.filter(entity="client").count() == 2

    def test_two_records_of_one_system_are_two_clients_whatever_they_are_called(self, harvest: Connection) -> None:
        load(harvest, "clients", harvest_client(1, "Northwind"), harvest_client(2, "Northwind"))
        load(harvest, "clients", harvest_client(3, "Northwind"))

        assert Client.objects.count() == 3

    def test_two_records_of_one_page_do_not_share_a_client(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind"))

        counts = load(xero, "contacts", xero_contact(1, "Northwind"), xero_contact(2, "Northwind"))

        assert counts.created == 1
        assert Client.objects.count() == 2

    def test_other_customers_clients_are_never_candidates(self, hubspot: Connection, other_customer: Customer) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind", vat_number="DE136695976"))

        load(connect(other_customer, "xero"), "contacts", xero_contact(1, "Northwind", TaxNumber="DE136695976"))

        assert Client.objects.count() == 2
        assert not Proposal.objects.exists()

    def test_people_are_matched_by_address(self, hubspot: Connection, harvest: Connection) -> None:
        load(
            hubspot,
            "contacts",
            {"id": "1", "company_ids": [], "properties": {"firstname": "Ada", "email": "Ada@Northwind.example"}},
        )
        load(harvest, "contacts", {"id": 7, "first_name": "A.", "email": "ada@northwind.example", "client": None})
        load(harvest, "users", {"id": 3, "first_name": "Ada", "last_name": "L", "email": "ada@northwind.example"})

        assert Contact.objects.count() == 1 and Resource.objects.count() == 1
        assert ExternalRef.objects.filter(entity="contact").count() == 2


class TestLikely:
    def test_a_similar_name_is_proposed_and_both_stay(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind Traders"))

        counts = load(xero, "contacts", xero_contact(1, "Northwind Trader"))

        proposal = Proposal.objects.get()
        assert tally(counts) == (1, 0, 0, 0, 0)
        assert Client.objects.count() == 2
        assert proposal.kind == "match" and proposal.status == "open" and proposal.score
        assert "Northwind Trader" in proposal.title

    def test_accepting_makes_one_of_two_and_keeps_every_tie(
        self, hubspot: Connection, xero: Connection, alice: object
    ) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind Traders"))
        load(xero, "contacts", xero_contact(1, "Northwind Trader", EmailAddress="pay@northwind.example"))
        load(xero, "invoices", {"InvoiceID": "i-1", "Type": "ACCREC", "Contact": {"ContactID": "c-1"}})

        decide_proposal(Proposal.objects.get(), accept=True, actor=alice, reason="same company", now=NOW)  # type: ignore[arg-type]

        kept = Client.objects.live().get()
        assert (kept.name, kept.email) == ("Northwind Traders", "pay@northwind.example")
        assert set(ExternalRef.objects.filter(entity="client").values_list("record_id", flat=True)) == {kept.pk}
        assert kept.invoices.count() == 1
        with pytest.raises(ProposalStateError):
            decide_proposal(Proposal.objects.get(), accept=False, actor=None, reason="again", now=NOW)

    def test_rejecting_leaves_both_and_is_not_asked_again(self, hubspot: Connection, xero: Connection) -> None:
        load(hubspot, "companies", hubspot_company(1, "Northwind Traders"))
        load(xero, "contacts", xero_contact(1, "Northwind Trader"))
        decide_proposal(Proposal.objects.get(), accept=False, actor=None, reason="two companies", now=NOW)

        load(xero, "contacts", xero_contact(1, "Northwind Trader", EmailAddress="x@y.example"))

        assert Proposal.objects.get().status == "rejected"
        assert Client.objects.live().count() == 2


# Between looking for known clients and making new ones, each process waits a while for the other to get there too.
LOAD = """
import json, sys, time
from pathlib import Path
from django.db import connection
connection.set_schema("acme")
from apps.connectors.models import Connection
from apps.syncs.loading import matching
from tests.syncs.support import load
connection_id, object_name, records, here = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), Path(sys.argv[4])
adopt = matching.adopt

def adopt_and_meet(*args):
    found = adopt(*args)
    (here / object_name).touch()
    until = time.monotonic() + 8
    while len(list(here.iterdir())) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    return found

matching.adopt = adopt_and_meet
load(Connection.objects.get(pk=connection_id), object_name, *records)
"""


class TestAtTheSameMoment:
    def test_two_processes_bringing_the_same_clients_make_each_once(self, committed: Customer, tmp_path: Path) -> None:
        names = [f"Client {chr(65 + number % 26)}{number} Holding" for number in range(40)]
        hubspot, xero = connect(committed, "hubspot"), connect(committed, "xero")
        companies = [hubspot_company(n, name, vat_number=f"DE{100000000 + n * 7919}") for n, name in enumerate(names)]
        contacts = [xero_contact(n, name, TaxNumber=f"DE{100000000 + n * 7919}") for n, name in enumerate(names)]

        running = [
            start_python(LOAD, str(hubspot.pk), "companies", json.dumps(companies), str(tmp_path)),
            start_python(LOAD, str(xero.pk), "contacts", json.dumps(list(reversed(contacts))), str(tmp_path)),
        ]
        for process in running:
            output_of(process)

        assert Client.objects.count() == 40
        assert ExternalRef.objects.count() == 80
        assert set(Client.objects.values_list("name", flat=True)) == set(names)

    def test_a_record_tied_by_somebody_else_meanwhile_is_known_not_refused(
        self, committed: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        xero = connect(committed, "xero")
        ours = create_record("client", customer=committed, values={"name": "Ours"}, origin="test", reason="test")
        contact = xero_contact(1, "Northwind Traders")
        insert, ties = writing.insert, []

        def tie() -> None:
            with schema_context("acme"):
                link_records(
                    [Link("contacts", contact["ContactID"], "client", ours.pk, "test")],
                    connection_id=xero.pk,
                    customer_id=committed.pk,
                )
            connection.close()

        def insert_too_late(*args: Any) -> None:
            if not ties:
                ties.append(Thread(target=tie))
                ties[0].start()
                ties[0].join()
            insert(*args)

        monkeypatch.setattr(writing, "insert", insert_too_late)
        counts = load(xero, "contacts", contact)

        assert ties and counts.failed == 0
        assert [client.pk for client in Client.objects.all()] == [ours.pk]
        assert ExternalRef.objects.get().record_id == ours.pk
        assert not SourceRecord.objects.filter(status="rejected").exists()
