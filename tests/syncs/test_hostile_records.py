"""Records no sane vendor sends, which one does sooner or later: each is refused alone, kept, and named in a case."""

from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction

from apps.canonical.models import Change, Client, ExternalRef, TimeEntry
from apps.connectors.models import Connection
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import open_cases
from apps.mappings.services import save_mapping
from apps.syncs.models import SourceRecord
from tests.syncs.support import harvest_client, harvest_entry, load, tally


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [value]
    return value


class TestText:
    def test_nul_characters_are_replaced_where_postgres_cannot_hold_them(self, harvest: Connection) -> None:
        counts = load(
            harvest, "clients", harvest_client(1, "North\x00wind", address="a\x00b"), harvest_client(2, "Good")
        )

        assert tally(counts) == (2, 0, 0, 0, 0)
        assert Client.objects.filter(name__startswith="North", name__endswith="wind").exists()
        assert "\x00" not in SourceRecord.objects.get(external_id="1").payload["name"]

    @pytest.mark.parametrize(
        "name", ["x" * 100_000, "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🧾", "'; drop table canonical_client; --", "%s {} $1 \\u0000 \\", "\u202eevil"]
    )
    def test_any_text_is_kept_as_it_is(self, harvest: Connection, name: str) -> None:
        load(harvest, "clients", harvest_client(1, name))

        assert Client.objects.get().name == name

    def test_signs_that_mean_something_on_the_way_are_kept_in_a_large_page_too(self, harvest: Connection) -> None:
        ids = ["a\tb", "a\nb", "a\\tb", "\\N", "\r", "\\.", "é/ü", "a\vb\bc\fd", *map(str, range(100))]
        said = 'tab\t line\n \\N \\. \\\\ quote" \u2028 end'
        counts = load(harvest, "clients", *[harvest_client(one, f"Client {one}", address=said) for one in ids])

        assert tally(counts) == (len(ids), 0, 0, 0, 0)
        kept = {source.external_id: source.payload for source in SourceRecord.objects.all()}
        assert {one: (kept[one]["id"], kept[one]["address"]) for one in ids} == {one: (one, said) for one in ids}
        assert set(Client.objects.values_list("street", flat=True)) == {said}

    def test_half_of_a_character_does_not_stop_the_page(self, harvest: Connection) -> None:
        counts = load(harvest, "clients", harvest_client(1, "Half \ud83e"), harvest_client(2, "Good"))

        assert Client.objects.filter(name="Good").exists()
        assert counts.created + counts.failed == 2
        assert SourceRecord.objects.filter(external_id="1").exists()

    def test_text_too_long_for_its_column_is_a_problem_that_names_field_and_length(self, harvest: Connection) -> None:
        counts = load(
            harvest, "projects", {"id": 1, "name": "A", "code": "c" * 101}, {"id": 2, "name": "B", "code": "b"}
        )

        assert tally(counts) == (1, 0, 0, 0, 1)
        assert "code has 101 characters; at most 100 fit" in open_cases().get().title


class TestShapes:
    @pytest.mark.parametrize("number", [2**63, 10**30, -(10**40)])
    def test_a_number_beyond_64_bits_does_not_stop_the_page(self, harvest: Connection, number: int) -> None:
        load(harvest, "clients", harvest_client(1, "Big", counter=number), harvest_client(2, "Good"))

        assert Client.objects.filter(name="Good").exists()
        assert SourceRecord.objects.filter(external_id="1").exists()

    def test_nesting_without_end_does_not_stop_the_page(self, harvest: Connection) -> None:
        load(harvest, "clients", harvest_client(1, "Deep", extra=nested(400)), harvest_client(2, "Good"))

        assert Client.objects.filter(name="Good").exists()

    @pytest.mark.parametrize("identity", [None, "", "x" * 256, "a\x00b", "half \ud83e"])
    def test_a_record_without_a_usable_id_is_left_out_and_reported(self, harvest: Connection, identity: object) -> None:
        counts = load(harvest, "clients", {"id": identity, "name": "Nameless"}, harvest_client(2, "Good"))

        assert tally(counts) == (1, 0, 0, 0, 1)
        assert [client.name for client in Client.objects.all()] == ["Good"]
        assert "without a usable id" in open_cases().get().title

    @pytest.mark.parametrize("record", ["text", 5, None, [1, 2], {}])
    def test_what_is_no_record_is_left_out(self, harvest: Connection, record: Any) -> None:
        counts = load(harvest, "clients", record, harvest_client(2, "Good"))

        assert tally(counts) == (1, 0, 0, 0, 1)

    @pytest.mark.parametrize(
        "spoil",
        [
            {"project": "not an object"},
            {"project": []},
            {"user": 7},
            {"task": None},
            {"notes": {"deep": True}},
            {"billable": "perhaps"},
        ],
    )
    def test_other_shapes_than_expected_never_stop_the_page(self, harvest: Connection, spoil: dict[str, Any]) -> None:
        counts = load(harvest, "time_entries", harvest_entry(1, **spoil), harvest_entry(2))

        assert counts.created + counts.failed == 2 and counts.created >= 1
        assert SourceRecord.objects.count() == 2


class TestRefusedByTheDatabase:
    """What only Postgres finds wrong: a day count that no small integer holds."""

    @pytest.fixture
    def terms(self, xero: Connection) -> Connection:
        save_mapping(
            connection=xero,
            spec={
                "object": "contacts",
                "entity": "client",
                "direction": "in",
                "fields": [
                    {"to": "name", "from": "Name", "transform": "text", "required": True},
                    {"to": "payment_terms_days", "from": "Days", "transform": "integer"},
                ],
            },
            actor=None,
            reason="test",
        )
        return xero

    def test_the_page_falls_back_to_record_by_record(self, terms: Connection) -> None:
        page = [
            {"ContactID": f"c-{number}", "Name": f"Client {number}", "Days": 70_000 if number == 3 else 30}
            for number in range(6)
        ]

        counts = load(terms, "contacts", *page)

        assert tally(counts) == (5, 0, 0, 0, 1)
        assert SourceRecord.objects.get(status="rejected").external_id == "c-3"
        assert Client.objects.count() == ExternalRef.objects.count() == Change.objects.count() == 5
        assert open_cases().get().subject_kind == "source_record"

    def test_corrected_at_the_source_it_is_used_and_the_case_closes(self, terms: Connection) -> None:
        load(terms, "contacts", {"ContactID": "c-3", "Name": "Client", "Days": 70_000})

        load(terms, "contacts", {"ContactID": "c-3", "Name": "Client", "Days": 14})

        assert Client.objects.get().payment_terms_days == 14
        assert ExceptionCase.objects.get().status == "resolved"


class TestAtomicity:
    def test_a_page_interrupted_before_its_commit_leaves_nothing(self, harvest: Connection) -> None:
        class Killed(BaseException):
            pass

        with pytest.raises(Killed), transaction.atomic():
            load(harvest, "time_entries", harvest_entry(1), {"id": 2})
            assert TimeEntry.objects.exists() and SourceRecord.objects.exists()
            raise Killed

        for model in (TimeEntry, SourceRecord, ExternalRef, Change, Client, ExceptionCase):
            assert not model.objects.exists()

    @pytest.mark.parametrize("after", range(1, 9))
    def test_a_statement_that_fails_anywhere_inside_leaves_no_half_page(self, harvest: Connection, after: int) -> None:
        """Cut the connection's statements off after each number of writes: all or nothing."""
        writes = 0

        class Cut(BaseException):
            pass

        def cut(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal writes
            if sql.lstrip().lower().startswith(("insert", "update", "with")):
                writes += 1
                if writes == after:
                    raise Cut
            return execute(sql, params, many, context)

        with database.execute_wrapper(cut):
            try:
                with transaction.atomic():
                    load(harvest, "time_entries", harvest_entry(1), harvest_entry(2))
            except Cut:
                pass

        entries = TimeEntry.objects.count()
        assert entries in (0, 2)
        assert SourceRecord.objects.count() == entries
        assert TimeEntry.history.count() == entries
        assert Change.objects.filter(entity="time_entry").count() == entries
        assert ExternalRef.objects.filter(entity="time_entry").count() == entries
        assert Client.objects.count() == min(entries, 1)
