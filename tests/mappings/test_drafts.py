"""Drafts: begun from what is in force, changed by whoever saw the latest state, published as a version with a reason."""

from typing import Any

import pytest

from apps.accounts.models import Customer, User
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.work.kinds import REPLAY
from apps.mappings import selectors, services
from apps.mappings.comparing import compare
from apps.mappings.editing import (
    chain_of,
    condition_of,
    reads_of,
    stamp,
    with_line,
    with_line_moved,
    without_line,
)
from apps.mappings.engine import Mapped
from apps.mappings.models import Mapping
from tests.mappings.engine.conftest import build
from tests.syncs.support import connect

BAD_LINE = {"to": "no_such_field", "from": "x"}


@pytest.fixture
def harvest(customer: Customer) -> Connection:
    return connect(customer, "harvest")


def begun(connection: Connection, actor: User | None = None) -> Mapping:
    return services.begin_draft(
        connection=connection, object_name="clients", entity="client", direction="in", actor=actor
    )


def named(connection: Connection, record: dict[str, Any]) -> Any:
    mapping = selectors.inbound(connection, "clients")
    assert mapping is not None
    outcome = mapping.run(record)
    assert isinstance(outcome, Mapped)
    return outcome.values["name"]


def with_name_from(row: Mapping, path: str) -> dict[str, Any]:
    return with_line(row.draft or {}, 0, {"to": "name", "from": path, "required": True})


class TestDrafts:
    def test_a_draft_starts_from_the_connectors_plan_and_changes_nothing(self, harvest: Connection) -> None:
        row = begun(harvest)

        assert row.draft == selectors.default_plan("harvest", "clients", "client", "in")
        assert (row.version, row.is_active) == (0, False)
        services.save_draft(row, draft=with_name_from(row, "label"), seen=stamp(row.draft or {}))
        assert named(harvest, {"id": 1, "name": "N", "label": "L"}) == "N"

    def test_beginning_again_goes_on_with_the_same_draft(self, harvest: Connection) -> None:
        row = begun(harvest)
        services.save_draft(row, draft=with_name_from(row, "label"), seen=stamp(row.draft or {}))

        assert (begun(harvest).draft or {})["fields"][0]["from"] == "label"
        assert Mapping.objects.count() == 1

    def test_publishing_is_a_version_with_who_and_why(self, harvest: Connection, alice: User) -> None:
        row = begun(harvest, alice)
        row = services.save_draft(row, draft=with_name_from(row, "label"), seen=stamp(row.draft or {}))

        row = services.publish_draft(row, seen=stamp(row.draft or {}), actor=alice, reason="the label is nicer")

        past = row.history.latest()
        assert (row.version, row.is_active, row.draft) == (1, True, None)
        assert (past.version, past.history_user, past.history_change_reason) == (1, alice, "the label is nicer")
        assert named(harvest, {"id": 1, "name": "N", "label": "L"}) == "L"

    def test_who_saw_an_older_state_is_told_and_changes_nothing(self, harvest: Connection) -> None:
        row = begun(harvest)
        seen = stamp(row.draft or {})
        services.save_draft(row, draft=with_name_from(row, "label"), seen=seen)

        with pytest.raises(services.ChangedMeanwhileError, match="Look at it as it is now"):
            services.save_draft(row, draft=with_name_from(row, "other"), seen=seen)
        with pytest.raises(services.ChangedMeanwhileError):
            services.publish_draft(row, seen=seen, actor=None, reason="t")

        row.refresh_from_db()
        assert (row.draft or {})["fields"][0]["from"] == "label"

    def test_what_cannot_work_is_not_published_and_stays_a_draft(self, harvest: Connection) -> None:
        row = begun(harvest)
        row = services.save_draft(row, draft=with_line(row.draft or {}, None, BAD_LINE), seen=stamp(row.draft or {}))

        with pytest.raises(services.BadMappingError, match='there is no field "no_such_field"'):
            services.publish_draft(row, seen=stamp(row.draft or {}), actor=None, reason="t")

        row.refresh_from_db()
        assert row.version == 0 and row.draft is not None

    def test_object_entity_and_direction_stay(self, harvest: Connection) -> None:
        row = begun(harvest)

        with pytest.raises(services.NoDraftError, match="stay as they are"):
            services.save_draft(row, draft={**(row.draft or {}), "entity": "contact"}, seen=stamp(row.draft or {}))

    def test_dropping_a_draft_leaves_what_is_in_force(self, harvest: Connection) -> None:
        services.discard_draft(begun(harvest))
        assert not Mapping.objects.exists()

        row = begun(harvest)
        services.publish_draft(row, seen=stamp(row.draft or {}), actor=None, reason="t")
        services.discard_draft(begun(harvest))
        assert Mapping.objects.get().version == 1

        with pytest.raises(services.NoDraftError, match="Begin a new one"):
            services.discard_draft(row)

    def test_back_to_the_connectors_and_to_an_earlier_version(self, harvest: Connection) -> None:
        for path in ("label", "title"):
            row = begun(harvest)
            row = services.save_draft(row, draft=with_name_from(row, path), seen=stamp(row.draft or {}))
            services.publish_draft(row, seen=stamp(row.draft or {}), actor=None, reason=path)

        services.use_default(row, actor=None, reason="back")
        assert named(harvest, {"id": 1, "name": "N", "label": "L"}) == "N"

        row = services.draft_from_version(row, version=1)
        assert (row.draft or {})["fields"][0]["from"] == "label"
        with pytest.raises(services.NoDraftError, match="no version 9"):
            services.draft_from_version(row, version=9)

    def test_applying_again_is_due_work(self, harvest: Connection) -> None:
        row = begun(harvest)
        services.publish_draft(row, seen=stamp(row.draft or {}), actor=None, reason="t", again=True)

        row.refresh_from_db()
        assert row.replay_after == 0
        assert DueWork.objects.filter(kind=REPLAY, key=row.pk).exists()


class TestEditing:
    PLAN = {"object": "o", "fields": [{"to": "a"}, {"to": "b"}, {"to": "c"}]}

    def order(self, plan: dict[str, Any]) -> str:
        return "".join(line["to"] for line in plan["fields"])

    def test_lines_are_put_moved_and_taken_out_of_a_copy(self) -> None:
        assert self.order(with_line(self.PLAN, None, {"to": "d"})) == "abcd"
        assert self.order(with_line(self.PLAN, 1, {"to": "x"})) == "axc"
        assert self.order(with_line_moved(self.PLAN, 0, 1)) == "bac"
        assert self.order(with_line_moved(self.PLAN, 0, -1)) == "abc"
        assert self.order(with_line_moved(self.PLAN, 2, 1)) == "abc"
        assert self.order(without_line(self.PLAN, 1)) == "ac"
        assert self.order(self.PLAN) == "abc"

    def test_a_line_in_words(self) -> None:
        line = {"to": "a", "first_of": ["x", "y"], "transform": ["text", {"truncate": {"length": 40}}]}

        assert reads_of(line) == "x or y"
        assert chain_of(line) == "text → truncate (length: 40)"
        assert condition_of({"when": {"path": "c", "in": ["a", True]}}) == "c in a, yes"
        assert condition_of({"when": {"path": "c", "not_empty": True}}) == "c not empty"
        assert reads_of({"value": None}) == "always nothing"


class TestComparing:
    def test_counts_what_differs_breaks_and_heals(self) -> None:
        now = build({"to": "a", "from": "x", "required": True}, {"to": "b", "from": "y"})
        then = build({"to": "a", "from": "z", "required": True}, {"to": "b", "from": "y"})
        records = [
            ("same", {"x": 1, "z": 1, "y": 1}),
            ("other", {"x": 1, "z": 2, "y": 1}),
            ("broken", {"x": 1}),
            ("healed", {"z": 1}),
            ("both bad", {}),
        ]

        found = compare(now, then, records)

        assert (found.total, found.different, found.broken, found.repaired) == (5, 4, 1, 1)
        assert found.fields[0] == ("a", 2)
        assert found.examples[0].lines == (("a", "1", "2"),)
        assert [example.external_id for example in found.examples] == ["other", "broken", "healed", "both bad"]

    def test_a_reference_counts_and_nothing_in_force_is_all_new(self) -> None:
        then = build({"to": "a", "from": "x", "reference": {"object": "user"}})

        assert compare(then, then, [("1", {"x": 1})]).different == 0
        assert compare(None, then, [("1", {"x": 1})]).different == 1
