"""Meisterplan and Expensya held against their published files: which addresses are asked with which parameters, the answers
they are tested with, and the bodies that their mappings make. Control: a spoiled field of a body has to be found wrong."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.connectors.contract import FixtureVendor, open_folder, replay_client
from apps.connectors.manifest import folder, manifest_for
from apps.connectors.types import PreparedCall
from apps.core.http import OutboundRequest
from apps.mappings.engine import RenderedBody, compile_mapping
from apps.mappings.selectors import default_specs
from sandbox.conformance import Operation, SpecsMissingError, load_spec, specs_folder
from tests.connectors.support import NOW

pytestmark = pytest.mark.specs

FILES = {"meisterplan": "meisterplan/apiDefinition.swagger.json", "expensya": "expensya/apiDefinition.swagger.json"}
STRIPPED = {"meisterplan": "", "expensya": "/Api.svc"}
READS = [(slug, name) for slug in FILES for name, spec in manifest_for(slug).objects.items() if spec.read]
WRITES = [
    (slug, name, operation)
    for slug in FILES
    for name, spec in manifest_for(slug).objects.items()
    for operation in spec.write
]
SOMEBODY = "7f3a0c11-0000-4000-8000-000000000001"
PERSON = {"_entity": "resource", "_id": 61, "name": "Anaïs Roux", "email": "anais@zephyr.example", "code": "E-7", "role": "Designer",
          "is_contractor": False, "start_date": date(2024, 2, 1), "end_date": date(2027, 1, 31), "location": "Lyon"}  # fmt: skip
PROJECT = {"_entity": "project", "_id": 31, "name": "Wind tunnel — phase 2", "code": "ZEP-2", "status": "active", "is_billable": True,
           "client": {"_entity": "client", "_id": 11, "name": "Zephyr Aérospatiale S.A."}, "currency": "EUR", "notes": "Won",
           "budget_hours": Decimal("320.00"), "budget_amount": Decimal("48000.00"), "start_date": date(2026, 11, 30),
           "end_date": date(2027, 2, 28), "manager": PERSON}  # fmt: skip
DOCUMENTS: dict[str, dict[str, Any]] = {
    "resource": PERSON,
    "project": PROJECT,
    "booking": {"project": PROJECT, "resource": PERSON, "role": "Lead", "start_date": date(2026, 12, 1),
                "end_date": date(2026, 12, 18), "hours": Decimal("60.00")},
    "absence": {"resource": PERSON, "start_date": date(2026, 12, 21), "end_date": date(2026, 12, 31)},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def specs() -> None:
    try:
        specs_folder()
    except SpecsMissingError as error:
        pytest.skip(str(error))


def published(slug: str, request: OutboundRequest) -> Operation:
    path = urlsplit(request.url).path
    assert path.startswith(STRIPPED[slug])
    return load_spec(FILES[slug]).operation(request.method, path.removeprefix(STRIPPED[slug]))


def check_address(slug: str, request: OutboundRequest) -> Operation:
    found = published(slug, request)
    asked = set(parse_qs(urlsplit(request.url).query, keep_blank_values=True))
    known = {item["name"] for item in found.body.get("parameters", []) if item.get("in") == "query"}
    assert sorted(asked - known) == [], f"{found} knows no such parameter"
    return found


def spoiled(body: Any) -> Iterator[tuple[str, Any]]:
    """The body with one field after another replaced by what no field can be."""

    def places(value: Any, before: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            if isinstance(inner, dict | list):
                yield from places(inner, (*before, key))
            else:
                yield (*before, key)

    for path in places(body, ()):
        bad = copy.deepcopy(body)
        inner = bad
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = {"spoiled": [True]}
        yield ".".join(map(str, path)), bad


def prepared(slug: str, name: str, operation: str) -> PreparedCall:
    spec = next(item for item in default_specs(slug) if (item.object, item.direction) == (name, "out"))
    named = re.findall(r'"map":"(\w+)"', spec.model_dump_json(serialize_as_any=True))
    maps = {name: {"Designer": SOMEBODY} for name in named}
    rendered = compile_mapping(spec, value_maps=maps).render(DOCUMENTS[spec.entity], lambda _entity, _id: SOMEBODY)
    assert isinstance(rendered, RenderedBody), rendered
    external_id = None if operation == "create" else SOMEBODY
    client = replay_client(manifest_for(slug), lambda _request: pytest.fail("nothing is sent"))
    asked_for = {item.into: "theirs" for item in manifest_for(slug).write(name, operation).look_up}
    body = {**rendered.body, **asked_for}
    return client.prepare(name, operation, body, idempotency_key="delivery-7", external_id=external_id)


@pytest.mark.parametrize(("slug", "name"), READS)
def test_reads_ask_and_are_answered_as_published(slug: str, name: str) -> None:
    vendor = FixtureVendor(open_folder(folder(slug)), name)
    list(replay_client(manifest_for(slug), vendor).pages(name, cursor=None, page_size=2, now=NOW))

    assert vendor.requests
    given: dict[str, int] = {}
    for kind, request in vendor.requests:
        given[kind] = given.get(kind, 0) + 1
        answer = json.loads(vendor.files[f"{kind}_{given[kind]}"].read_text())
        found = check_address(slug, request)
        assert found.response_errors(200, _without_nothing(answer)) == []
        assert found.response_errors(200, {"items": "wrong", "List": "wrong"})


@pytest.mark.parametrize(("slug", "name", "operation"), WRITES)
def test_bodies_are_those_published(slug: str, name: str, operation: str) -> None:
    request = prepared(slug, name, operation).request
    found = check_address(slug, request)
    body = json.loads(request.body or b"")

    assert found.request_errors(body) == []
    unknown = [path for path, bad in spoiled(body) if not found.request_errors(bad)]
    assert unknown == [], f"{found} knows no such fields"


@pytest.mark.parametrize("slug", FILES)
def test_the_connection_is_tested_as_published(slug: str) -> None:
    verification = manifest_for(slug).client.verification.request

    assert published(slug, OutboundRequest("GET", f"https://x{STRIPPED[slug]}{verification.path}")).method == "get"


def _without_nothing(value: Any) -> Any:
    """The published files know no null; what is empty counts as left out."""
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value
