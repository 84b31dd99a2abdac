"""The mapping editor: lines changed in a form, tried on stored records, published with a reason; and who may do it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.backoffice.line_form import State, can_edit, line_of, state_of, state_of_post
from apps.canonical.models import Client as FirmClient
from apps.connectors.manifest import all_manifests
from apps.connectors.models import Connection
from apps.mappings import services
from apps.mappings.editing import stamp
from apps.mappings.engine.transforms import read_transforms
from apps.mappings.models import Mapping
from apps.syncs.models import SourceRecord
from tests.syncs.support import connect, harvest_client, load

Clients = Callable[[User | None], Client]
PLAN = {"object": "clients", "entity": "client", "direction": "in", "fields": []}


@pytest.fixture
def harvest(customer: Customer) -> Connection:
    connection = connect(customer, "harvest")
    load(connection, "clients", harvest_client(1, "Northwind", address="1 Quay"), harvest_client(2, "Contoso"))
    return connection


@pytest.fixture
def draft(harvest: Connection) -> Mapping:
    return services.begin_draft(connection=harvest, object_name="clients", entity="client", direction="in", actor=None)


def url(row: Mapping, rest: str = "") -> str:
    return f"/admin/mapping/{row.pk}/{rest}"


def fields(row: Mapping) -> list[dict[str, Any]]:
    row.refresh_from_db()
    found: list[dict[str, Any]] = (row.draft or {})["fields"]
    return found


def kept(state: State, plan: dict[str, Any] = PLAN) -> dict[str, Any]:
    line, errors = line_of(state, plan)
    assert errors == {}, errors
    return line


class TestLineForm:
    def test_every_line_of_the_catalog_survives_the_form(self) -> None:
        """What the form can show it gives back as it was, written the short way."""
        shown = 0
        for manifest in all_manifests():
            for plan in manifest.mappings:
                for line in plan["fields"]:
                    if not can_edit(line):
                        continue
                    shown += 1
                    back, errors = line_of(state_of(line, plan["direction"]), plan)
                    assert errors == {}, (manifest.slug, line, errors)
                    assert read_transforms(back.pop("transform", [])) == read_transforms(line.get("transform", []))
                    assert back == {key: value for key, value in line.items() if key != "transform"}
        assert shown > 200

    @given(st.one_of(st.text(max_size=20), st.booleans(), st.integers(-(10**6), 10**6)))
    def test_a_value_comes_back_as_what_it_was(self, value: Any) -> None:
        state = state_of({"to": "name", "value": value}, "in")
        line, errors = line_of(state, PLAN)

        if str(value).strip() and value == (value.strip() if isinstance(value, str) else value):
            assert (line["value"], type(line["value"]), errors) == (value, type(value), {})

    @pytest.mark.parametrize(
        ("said", "place", "message"),
        [
            ({"path": "name"}, "to", "Say which field it fills."),
            ({"to": "name"}, "path", "Choose the field"),
            ({"to": "nmae", "path": "x"}, "to", 'did you mean "name"?'),
            ({"to": "name", "path": "a..b"}, "path", '"a..b" is not a path'),
            ({"to": "name", "source": "template", "template": "{a"}, "", "lone brace"),
            ({"to": "name", "path": "x", "when_path": "y"}, "when_test", "both a field and a test"),
            ({"to": "name", "path": "x", "ref_name": "clients"}, "ref_name", "not a reference"),
            ({"to": "name", "path": "x", "step-0": "truncate"}, "step-0-length", "length"),
            ({"to": "name", "path": "x", "step-0": "truncate", "step-0-length": "no"}, "step-0-length", "length"),
            ({"to": "name", "path": "x", "step-0": "decimal"}, "add_step", "end with text"),
        ],
    )
    def test_a_mistake_names_its_field_and_the_next_step(self, said: dict[str, str], place: str, message: str) -> None:
        data = QueryDict(mutable=True)
        data.update(said)

        _, errors = line_of(state_of_post(data), PLAN)

        assert message in " ".join(errors[place])

    def test_steps_are_added_moved_and_taken_out(self) -> None:
        data = QueryDict("step-0=text&step-1=truncate&step-1-length=40&add_step=lower", mutable=True)
        assert [name for name, _ in state_of_post(data).steps] == ["text", "truncate", "lower"]

        data["up_step"], data["add_step"] = "1", ""
        assert [name for name, _ in state_of_post(data).steps] == ["truncate", "text"]

        data["up_step"], data["remove_step"] = "", "0"
        assert state_of_post(data).steps == [("truncate", {"length": "40"})]

    def test_what_is_written(self) -> None:
        said = {
            "to": "name",
            "path": "label",
            "step-0": "text",
            "step-0-collapse": "true",
            "step-1": "truncate",
            "step-1-length": "40",
            "default": "none",
            "required": "on",
            "overwrite": "if_empty",
            "when_path": "kind",
            "when_test": "in",
            "when_value": "a\n2",
        }
        data = QueryDict(mutable=True)
        data.update(said)

        assert kept(state_of_post(data)) == {
            "to": "name",
            "from": "label",
            "transform": [{"text": {"collapse": True}}, {"truncate": 40}],
            "default": "none",
            "required": True,
            "overwrite": "if_empty",
            "when": {"path": "kind", "in": ["a", 2]},
        }


class TestEditor:
    def test_it_begins_at_the_connection_and_shows_lines_owners_and_the_record(
        self, partner_client: Clients, alice: User, harvest: Connection
    ) -> None:
        client = partner_client(alice)
        assert "the connector's" in client.get(f"/admin/connection/{harvest.pk}/mappings/").content.decode()

        said = {"object": "clients", "entity": "client", "direction": "in"}
        answer = client.post(f"/admin/connection/{harvest.pk}/mappings/edit/", said, follow=True)

        page = answer.content.decode()
        assert answer.redirect_chain[-1][0] == url(Mapping.objects.get())
        assert "&quot;Contoso&quot;" in page  # what the line found in the latest record
        assert "owned here" in page
        assert "Our record stays as it is." in page

    def test_the_preview_says_what_would_change_and_writes_nothing(
        self, partner_client: Clients, alice: User, harvest: Connection, draft: Mapping
    ) -> None:
        plan = {**(draft.draft or {}), "fields": [{"to": "name", "from": "address", "required": True}]}
        services.save_draft(draft, draft=plan, seen=stamp(draft.draft or {}))
        northwind, contoso = SourceRecord.objects.order_by("pk")

        client = partner_client(alice)
        page = client.get(url(draft), {"record": northwind.pk}).content.decode()
        other = client.get(url(draft), {"record": contoso.pk}, headers={"HX-Request": "true"}).content.decode()

        assert '<span class="tl-old">Northwind</span>' in page and '<span class="tl-new">1 Quay</span>' in page
        assert "expected a value: this field is required" in other and "<html" not in other
        assert set(FirmClient.objects.values_list("name", flat=True)) == {"Northwind", "Contoso"}
        assert not SourceRecord.objects.exclude(status="applied").exists()

    def test_a_line_is_changed_in_the_form(self, partner_client: Clients, alice: User, draft: Mapping) -> None:
        client = partner_client(alice)
        page = client.get(url(draft, "line/0/")).content.decode()
        assert 'value="name"' in page and "What can be read" in page

        said = {"seen": stamp(draft.draft or {}), "to": "name", "path": "address", "source": "from"}
        drawn = client.post(url(draft, "line/0/"), {**said, "redraw": "1"}, headers={"HX-Request": "true"})
        assert fields(draft)[0]["from"] == "name"
        assert "<html" not in drawn.content.decode()

        assert client.post(url(draft, "line/0/"), said).status_code == 302
        assert fields(draft)[0] == {"to": "name", "from": "address"}

    def test_a_suggestion_opens_the_form_and_is_kept_only_by_a_person(
        self, partner_client: Clients, alice: User, harvest: Connection, draft: Mapping
    ) -> None:
        plan = {**(draft.draft or {}), "fields": [{"to": "name", "from": "name"}]}
        services.save_draft(draft, draft=plan, seen=stamp(draft.draft or {}))
        client = partner_client(alice)

        page = client.get(url(draft)).content.decode()
        assert 'aria-label="Use currency for currency"' in page and "The name is the same: currency." in page

        form = client.get(url(draft, "line/"), {"to": "currency", "from": "currency"}).content.decode()
        assert 'value="currency"' in form and "1. currency" in form
        assert len(fields(draft)) == 1

    def test_a_line_is_moved_and_taken_out(self, partner_client: Clients, alice: User, draft: Mapping) -> None:
        client = partner_client(alice)
        before = [line["to"] for line in fields(draft)]

        client.post(url(draft, "lines/"), {"do": "down-0", "seen": stamp(draft.draft or {})})
        assert [line["to"] for line in fields(draft)][:2] == [before[1], before[0]]
        client.post(url(draft, "lines/"), {"do": "remove-0", "seen": stamp(draft.draft or {})})
        assert [line["to"] for line in fields(draft)] == [before[0], *before[2:]]
        answer = client.post(url(draft, "lines/"), {"do": "remove-0", "seen": "old"}, follow=True)
        assert "Somebody changed this draft meanwhile" in answer.content.decode()

    def test_yaml_says_where_it_is_wrong_and_keeps_what_is_right(
        self, partner_client: Clients, alice: User, draft: Mapping
    ) -> None:
        client = partner_client(alice)
        head = "object: clients\nentity: client\ndirection: in\nfields:\n"
        seen = stamp(draft.draft or {})

        wrong = client.post(url(draft, "yaml/"), {"plan": f"{head}- {{to: name, form: x}}", "seen": seen})
        assert "did you mean &quot;from&quot;?" in wrong.content.decode()
        misspelt = client.post(url(draft, "yaml/"), {"plan": f"{head}- {{to: nmae, from: x}}", "seen": seen})
        assert "did you mean &quot;name&quot;?" in misspelt.content.decode()
        assert (
            client.post(url(draft, "yaml/"), {"plan": f"{head}- {{to: name, from: x}}", "seen": seen}).status_code
            == 302
        )
        assert fields(draft) == [{"to": "name", "from": "x"}]

    def test_publishing_tells_what_would_differ_first(
        self, partner_client: Clients, alice: User, harvest: Connection, draft: Mapping
    ) -> None:
        plan = {**(draft.draft or {}), "fields": [{"to": "name", "first_of": ["address", "name"], "required": True}]}
        draft = services.save_draft(draft, draft=plan, seen=stamp(draft.draft or {}))
        client = partner_client(alice)

        page = client.get(url(draft, "publish/")).content.decode()
        assert "&quot;Northwind&quot;" in page and "&quot;1 Quay&quot;" in page

        said = {"seen": stamp(plan), "reason": "addresses are names here", "again": "on"}
        answer = client.post(url(draft, "publish/"), said, follow=True)
        shown = answer.content.decode()
        assert "in force from the next run" in shown and "addresses are names here" in shown
        assert "Stored records are being mapped again." in shown
        assert "2 to go" in shown

    def test_an_outbound_mapping_shows_the_body(self, partner_client: Clients, alice: User, customer: Customer) -> None:
        xero = connect(customer, "xero")
        FirmClient.objects.create(customer=customer, name="Northwind", currency="EUR")
        row = services.begin_draft(
            connection=xero, object_name="contacts", entity="client", direction="out", actor=None
        )

        page = partner_client(alice).get(url(row)).content.decode()

        assert "Body that would be sent" in page and "&quot;Name&quot;: &quot;Northwind&quot;" in page
        line = partner_client(alice).get(url(row, "line/0/")).content.decode()
        assert "Comes out as" in line

    def test_only_who_may_change_mappings(self, partner_client: Clients, draft: Mapping) -> None:
        auditor = create_user(
            email="ada@acme.example", name="Ada", role=Role.AUDITOR, password="long enough", reason="test"
        )
        client = partner_client(auditor)

        assert client.get(f"/admin/connection/{draft.connection_id}/mappings/").status_code == 200
        for rest in ("", "line/", "line/0/", "yaml/", "publish/"):
            assert client.get(url(draft, rest)).status_code == 403
        assert client.post(url(draft, "discard/")).status_code == 403
        assert client.post(f"/admin/mappings/mapping/{draft.pk}/version/").status_code == 403
        assert Mapping.objects.exists()
