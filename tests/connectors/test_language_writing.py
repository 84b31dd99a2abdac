"""Writing as the manifest can say it: versions guarded, upserts by a key of ours, keys in the body, ids in a header."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from apps.connectors.bodies import is_alike
from apps.connectors.manifest import Family
from apps.connectors.manifest.objects import Guard, WriteSpec
from tests.connectors.small_vendor import Asked, Told, connect, manifest, served

FETCH = {"fetch": {"request": {"path": "/items/${external_id}"}}}


class Guarded:
    """One record with a version, in whichever way `kind` wants it; `meanwhile` changes it as somebody else would, right
    after it was read."""

    def __init__(self, kind: str, *meanwhile: dict[str, Any]) -> None:
        self.kind = kind
        self.meanwhile = list(meanwhile)
        self.record: dict[str, Any] = {"id": 7, "name": "Old", "note": "old", "SyncToken": "1"}
        self.written: list[Any] = []

    def __call__(self, asked: Asked) -> Told:
        if asked.method == "GET":
            if asked.path != "/items/7":
                return Told({"message": "unknown"}, 404)
            shown = dict(self.record)
            if self.meanwhile:
                self.record |= self.meanwhile.pop(0) | {"SyncToken": str(int(self.record["SyncToken"]) + 1)}
            return Told(shown, headers={"ETag": f'W/"{shown["SyncToken"]}"'})
        body = asked.json()
        told = asked.headers.get("if-match") if self.kind == "if_match" else body.get("SyncToken")
        wanted = f'W/"{self.record["SyncToken"]}"' if self.kind == "if_match" else self.record["SyncToken"]
        if told != wanted:
            return Told({"message": "stale"}, 412 if self.kind == "if_match" else 409)
        self.written.append(body)
        self.record |= body | {"SyncToken": str(int(self.record["SyncToken"]) + 1)}
        return Told(self.record)


GUARDS = {
    "if_match": {"kind": "if_match", "token_header": "ETag"},
    "sync_token": {"kind": "sync_token", "token": "SyncToken", "into": "SyncToken"},
}


def update(vendor: Guarded, *, guard: Any = None, external_id: str = "7", body: dict[str, Any] | None = None) -> Any:
    spec = {
        "request": {"method": "PATCH", "path": "/items/${external_id}", "body": "${body}"},
        "answer_record": "@",
        "guard": guard or GUARDS[vendor.kind],
    }
    with served(vendor) as running:
        client = connect(manifest(read=FETCH, write={"update": spec}), running.url)
        call = client.prepare("items", "update", body or {"name": "New"}, idempotency_key="k", external_id=external_id)
        return client.send(call)


@pytest.mark.parametrize("kind", ["if_match", "sync_token"])
class TestGuards:
    def test_the_version_is_read_just_before(self, kind: str) -> None:
        vendor = Guarded(kind)

        answer = update(vendor)

        assert (answer.outcome, answer.record["name"], len(vendor.written)) == ("done", "New", 1)

    def test_another_field_changed_meanwhile_is_no_conflict(self, kind: str) -> None:
        vendor = Guarded(kind, {"note": "theirs"})

        answer = update(vendor)

        assert (answer.outcome, vendor.record["name"], vendor.record["note"]) == ("done", "New", "theirs")

    def test_the_same_field_changed_meanwhile_is_one(self, kind: str) -> None:
        vendor = Guarded(kind, {"name": "Theirs"})

        answer = update(vendor)

        assert (answer.outcome, answer.family, vendor.record["name"]) == ("refused", Family.CONFLICT, "Theirs")
        assert "changed name" in answer.message

    def test_what_was_wanted_may_stand_there_already(self, kind: str) -> None:
        vendor = Guarded(kind, {"name": "New"})

        answer = update(vendor)

        assert (answer.outcome, answer.record["name"], vendor.written) == ("done", "New", [])

    def test_a_field_that_somebody_made_what_we_want_is_no_conflict(self, kind: str) -> None:
        vendor = Guarded(kind, {"name": "New"})

        answer = update(vendor, body={"name": "New", "note": "ours"})

        assert (answer.outcome, vendor.record["name"], vendor.record["note"]) == ("done", "New", "ours")

    def test_it_is_tried_once_more_and_not_for_ever(self, kind: str) -> None:
        vendor = Guarded(kind, {"note": "a"}, {"note": "b"}, {"note": "c"})

        answer = update(vendor)

        assert (answer.outcome, answer.family, vendor.written) == ("refused", Family.CONFLICT, [])

    def test_a_record_that_is_gone_is_refused(self, kind: str) -> None:
        answer = update(Guarded(kind), external_id="8")

        assert (answer.outcome, answer.family) == ("refused", Family.NOT_FOUND)


class TestGuardSpecs:
    def test_a_record_without_version_is_not_written_to(self) -> None:
        vendor = Guarded("if_match")

        answer = update(vendor, guard={"kind": "if_match", "token": "missing"})

        assert (answer.outcome, answer.code, vendor.written) == ("refused", "no_version", [])

    @pytest.mark.parametrize(
        "spec",
        [
            {"kind": "if_match"},
            {"kind": "if_match", "token": "a", "token_header": "b"},
            {"kind": "sync_token", "token": "SyncToken"},
        ],
    )
    def test_it_must_say_from_where_and_whereto(self, spec: Any) -> None:
        with pytest.raises(ValidationError, match="needs"):
            Guard(**spec)

    def test_the_record_must_be_readable(self) -> None:
        spec = {"request": {"method": "PUT", "path": "/x", "body": "${body}"}, "guard": GUARDS["if_match"]}

        with pytest.raises(ValidationError, match=r"no read\.fetch"):
            manifest(write={"update": spec})

    def test_the_lease_counts_what_is_asked_beside(self) -> None:
        request = {"method": "PUT", "path": "/x", "body": "${body}"}

        assert WriteSpec(request=request).most_calls == 1
        assert WriteSpec(request=request, guard=Guard(**GUARDS["if_match"])).most_calls == 5


@pytest.mark.parametrize(
    ("found", "meant", "same"),
    [
        ("1.50", Decimal("1.5"), True),
        (1.5, "1.50", True),
        ("x", "x", True),
        (None, "", True),
        (True, "true", True),
        (1, True, False),
        ({"a": 1, "b": 2}, {"a": "1"}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [1], False),
        ([{"a": 1, "x": 0}], [{"a": 1}], True),
    ],
)
def test_likeness(found: Any, meant: Any, same: bool) -> None:
    assert is_alike(found, meant) is same


class TestUpsert:
    """PATCH by a key of ours: created (with an id), or changed (with an empty answer)."""

    SPEC: dict[str, Any] = {
        "request": {"method": "PATCH", "path": "/items/Our_Key__c/${body.Our_Key__c}", "body": "${body}"},
        "consume": ["Our_Key__c"],
        "answer_id": "id",
        "answer_lookup": {"request": {"path": "/items/Our_Key__c/${body.Our_Key__c}"}},
        "repeatable": True,
    }

    def test_both_ways_yield_the_id(self) -> None:
        kept: dict[str, Any] = {}

        def salesforce(asked: Asked) -> Told:
            key = asked.path.rpartition("/")[2]
            if asked.method == "GET":
                return Told(kept[key])
            assert "Our_Key__c" not in asked.json()
            is_new = key not in kept
            kept[key] = {"id": "001", **asked.json()}
            return Told({"id": "001", "created": True}, 201) if is_new else Told(None, 204)

        with served(salesforce) as vendor:
            client = connect(manifest(write={"create": self.SPEC}), vendor.url)
            body = {"Our_Key__c": "acme:1", "name": "Acme"}
            answers = [client.send(client.prepare("items", "create", body, idempotency_key="k")) for _ in range(2)]
            again = client.probe("items", "create", idempotency_key="k", body=body)

        assert [(answer.outcome, answer.external_id) for answer in answers] == [("done", "001"), ("done", "001")]
        assert (len(kept), again.state) == (1, "absent")

    def test_an_answer_that_cannot_be_read_back_is_uncertain(self) -> None:
        with served(lambda asked: Told(None, 204) if asked.method == "PATCH" else Told(None, 503)) as vendor:
            client = connect(manifest(write={"create": self.SPEC}), vendor.url)
            answer = client.send(client.prepare("items", "create", {"Our_Key__c": "a"}, idempotency_key="k"))

        assert (answer.outcome, "read back" in answer.message) == ("uncertain", True)

    def test_the_id_may_stand_in_the_location(self) -> None:
        spec = {"request": {"method": "POST", "path": "/items", "body": "${body}"}, "answer_header": "Location"}
        told = Told(None, 204, {"Location": "https://x.test/record/v1/customer/eid%3A107/"})
        with served(lambda asked: told) as vendor:
            client = connect(manifest(write={"create": spec}), vendor.url)
            answer = client.send(client.prepare("items", "create", {"a": 1}, idempotency_key="k"))

        assert (answer.outcome, answer.external_id) == ("done", "eid:107")


def test_the_idempotency_key_may_stand_in_the_body() -> None:
    spec = {
        "request": {"method": "POST", "path": "/items", "body": {"data": "${body}"}},
        "idempotency": {"where": "body", "name": "meta.requestId", "max_length": 8},
        "probe": [{"by": "idempotency_key"}],
        "answer_id": "id",
    }
    made: dict[str, Any] = {}

    def vendor(asked: Asked) -> Told:
        key = asked.json()["meta"]["requestId"]
        return Told(made.setdefault(key, {"id": len(made) + 1}))

    with served(vendor) as running:
        client = connect(manifest(write={"create": spec}), running.url)
        answer = client.send(client.prepare("items", "create", {"a": 1}, idempotency_key="a-key-that-is-long"))
        found = client.probe("items", "create", idempotency_key="a-key-that-is-long", body={"a": 1}, age_seconds=1)

    assert (answer.external_id, found.state, found.external_id, len(made)) == ("1", "found", "1", 1)
    assert running.asked[0].json()["data"] == {"a": 1}


def test_a_new_record_may_get_an_id_of_ours() -> None:
    spec = {
        "request": {"method": "PUT", "path": "/items/${idempotency_uuid}", "body": "${body}"},
        "answer_id": "id",
        "probe": [
            {
                "by": "marker",
                "lookup": {"request": {"path": "/items/${idempotency_uuid}"}, "missing_status": [404]},
            }
        ],
    }
    held: dict[str, Any] = {}

    def vendor(asked: Asked) -> Told:
        if asked.method == "PUT":
            held[asked.path] = {**asked.json(), "id": asked.path.rpartition("/")[2]}
        return Told(held[asked.path]) if asked.path in held else Told({"message": "unknown"}, 404)

    with served(vendor) as running:
        client = connect(manifest(write={"create": spec}), running.url)
        body = {"name": "New"}
        before = client.probe("items", "create", idempotency_key="k", marker="m", body=body)
        answers = [client.send(client.prepare("items", "create", body, idempotency_key="k")) for _ in range(2)]
        found = client.probe("items", "create", idempotency_key="k", marker="m", body=body)
        client.send(client.prepare("items", "create", body, idempotency_key="another"))

    assert before.state == "absent"
    assert [answer.external_id for answer in answers] == [found.external_id] * 2
    assert len(held) == 2


def test_a_form_with_nested_fields_is_sent_in_brackets() -> None:
    spec = {"request": {"method": "POST", "path": "/items", "body": "${body}", "encoding": "form"}, "answer_id": "id"}
    with served(lambda asked: Told({"id": "in_1"})) as vendor:
        client = connect(manifest(write={"create": spec}), vendor.url)
        client.send(client.prepare("items", "create", {"items": [{"price": Decimal("1E+2")}]}, idempotency_key="k"))

    assert vendor.asked[0].form() == {"items[0][price]": "100"}


class TestAddedToTheBody:
    SPEC = {
        "request": {
            "method": "POST",
            "path": "/items",
            "body": "${body}",
            "add": {"Id": "${external_id}", "meta.sparse": True},
        }
    }

    def test_beside_what_the_mapping_made(self) -> None:
        def vendor(asked: Asked) -> Told:
            return Told(asked.json())

        with served(vendor) as running:
            client = connect(manifest(write={"update": self.SPEC}), running.url)
            body = {"name": "New"}
            client.send(client.prepare("items", "update", body, idempotency_key="k", external_id="7"))

        assert running.asked[0].json() == {"name": "New", "Id": "7", "meta": {"sparse": True}}
        assert body == {"name": "New"}

    def test_there_must_be_a_body(self) -> None:
        with pytest.raises(ValidationError, match="no body to put"):
            manifest(write={"update": {"request": {"method": "POST", "path": "/x", "add": {"Id": "1"}}}})


def test_a_question_may_belong_to_a_field_that_is_not_always_there() -> None:
    lookup = {"request": {"path": "/currencies/${body.code}"}}
    spec = {
        "request": {"method": "PUT", "path": "/items", "body": "${body}"},
        "look_up": [{"into": "currency.id", "only_with": "code", "lookup": lookup, "value": "id"}],
        "consume": ["code"],
        "repeatable": True,
    }

    def vendor(asked: Asked) -> Told:
        return Told({"id": 7} if asked.method == "GET" else {})

    with served(vendor) as running:
        client = connect(manifest(write={"create": spec}), running.url)
        for body in ({"name": "a", "code": "EUR"}, {"name": "b", "code": ""}, {"name": "c"}):
            client.send(client.prepare("items", "create", body, idempotency_key="k"))

    assert [asked.json() for asked in running.asked if asked.method == "PUT"] == [
        {"name": "a", "currency": {"id": 7}},
        {"name": "b"},
        {"name": "c"},
    ]


def test_what_is_asked_before_a_change_may_name_the_record() -> None:
    spec = {
        "request": {"method": "PUT", "path": "/items", "body": ["${body}"]},
        "look_up": [
            {"into": "key", "lookup": {"request": {"path": "/items/${external_id}"}}, "value": "key", "remember": True}
        ],
    }

    def vendor(asked: Asked) -> Told:
        return Told({"key": f"K-{asked.path[-1]}"} if asked.method == "GET" else {})

    with served(vendor) as running:
        client = connect(manifest(write={"update": spec}), running.url)
        for external_id in ("7", "8"):
            client.send(
                client.prepare("items", "update", {"name": "New"}, idempotency_key="k", external_id=external_id)
            )

    written = [asked.json() for asked in running.asked if asked.method == "PUT"]
    assert written == [[{"name": "New", "key": "K-7"}], [{"name": "New", "key": "K-8"}]]


class TestJsonPatch:
    def sent(self, **request: Any) -> Asked:
        spec = {
            "method": "PATCH",
            "path": "/items/${external_id}",
            "body": "${body}",
            "encoding": "json_patch",
            **request,
        }
        asked: list[Asked] = []

        def vendor(one: Asked) -> Told:
            asked.append(one)
            return Told({"id": 7})

        with served(vendor) as running:
            client = connect(manifest(write={"update": {"request": spec, "consume": ["part"]}}), running.url)
            body = {"name": "New", "rate": Decimal("1.10"), "client": {"id": 3}, "note": None, "part": 1}
            call = client.prepare("items", "update", body, idempotency_key="k", external_id="7")
            assert client.send(call).outcome == "done"
        assert call.redacted_body == {name: value for name, value in body.items() if name != "part"}
        return asked[0]

    def test_each_field_is_replaced_as_a_whole(self) -> None:
        asked = self.sent()

        assert asked.raw == (
            b'[{"op":"replace","path":"/name","value":"New"},{"op":"replace","path":"/rate","value":1.10},'
            b'{"op":"replace","path":"/client","value":{"id":3}},{"op":"replace","path":"/note","value":null}]'
        )
        assert asked.headers["content-type"] == "application/json-patch+json"

    def test_a_vendor_may_want_bare_names_and_another_type(self) -> None:
        asked = self.sent(patch_prefix="", headers={"Content-Type": "application/json"})

        assert [one["path"] for one in asked.json()] == ["name", "rate", "client", "note"]
        assert asked.headers["content-type"] == "application/json"

    def test_it_needs_fields(self) -> None:
        with pytest.raises(ValidationError, match="json_patch needs a body"):
            manifest(write={"update": {"request": {"method": "PATCH", "path": "/x", "encoding": "json_patch"}}})
