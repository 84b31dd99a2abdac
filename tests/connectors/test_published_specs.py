"""What the connectors send and the answers they are tested with, held against the vendors' published specifications.

Control: of every body each single field is spoiled once and must be found wrong. A field the specification does not know
would pass spoiled, so a misspelt or invented field fails here too.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.connectors.manifest import folder, manifest_for
from apps.connectors.manifest.objects import ByLookup, ReadSpec
from apps.connectors.manifest.paging import FullRead
from apps.connectors.paths import get
from apps.connectors.types import PreparedCall
from apps.core.http import OutboundRequest, OutboundResponse
from apps.mappings.engine import RenderedBody, compile_mapping, source_paths
from apps.mappings.selectors import default_specs
from sandbox.conformance import Operation, SpecsMissingError, UnknownOperationError, load_spec, specs_folder
from tests.connectors.replay import FixtureVendor, read_all, replay_client
from tests.connectors.support import NOW, response

pytestmark = pytest.mark.specs

VENDORS = ("harvest", "hubspot", "xero")
READS = [(slug, name) for slug in VENDORS for name, spec in manifest_for(slug).objects.items() if spec.read]
FETCHED = [(slug, name) for slug, name in READS if getattr(manifest_for(slug).object(name).read, "fetch", None)]
WRITES = [
    (slug, name, operation)
    for slug in VENDORS
    for name, spec in manifest_for(slug).objects.items()
    for operation in spec.write
]
# HubSpot's file describes no failures at all, Xero's only a refused write (400).
ERRORS = [
    (slug, path.stem)
    for slug in ("harvest", "xero")
    for path in sorted((folder(slug) / "fixtures").glob("error__*.json"))
    if slug == "harvest" or json.loads(path.read_text())["status"] == 400
]
PREFIXES = {"harvest": "/v2", "hubspot": "", "xero": "/api.xro/2.0"}
# Called by the connectors, but described in none of the published files.
UNPUBLISHED = {("hubspot", "/account-info/v3/details"), ("harvest", "https://id.getharvest.com/api/v2/accounts")}
# Read by a connector although the published file does not know it.
BEYOND = {
    # Harvest shows the state of approval since 2022; the file describes the API as it was before.
    ("harvest", "time_entries"): {"approval_status"},
    ("harvest", "expenses"): {"approval_status"},
}
# Free-form by nature: a HubSpot record's properties differ by portal.
FREE_FORM = {"properties"}

CLIENT_ID, RECORD_ID = "5735776", "14307913"
XERO_ID = "025867f1-d741-4d6b-b1af-9ac774b59ba7"
VALUE_MAPS = {
    "tax_codes": {"standard": "OUTPUT2", "exempt": "NONE"},
    "revenue_accounts": {"default": "200"},
    "tasks": {"Discovery": "8083365"},
}
CLIENT = {
    "_entity": "client", "_id": 11, "name": "Zephyr Aérospatiale S.A.", "reference": "C-0042", "email": "ap@zephyr.example",
    "tax_number": "FR40303265045", "domain": "zephyr.example", "phone": "+33 1 70 18 99 00", "currency": "EUR",
    "street": "12 rue de l'Étoile", "city": "Paris", "region": "", "postal_code": "75017", "country": "FR",
    "payment_terms_days": 30, "tax_code": "standard", "is_active": True,
}  # fmt: skip
PROJECT = {
    "_entity": "project", "_id": 31, "client": CLIENT, "client_id": 11, "name": "Wind tunnel — phase 2", "code": "ZEP-2",
    "status": "active", "is_billable": True, "currency": "EUR", "budget_hours": Decimal("320.00"),
    "budget_amount": Decimal("48000.00"), "hourly_rate": Decimal("150.0000"), "start_date": date(2026, 11, 30),
    "end_date": date(2027, 2, 28), "notes": "Won on 2026-11-20",
}  # fmt: skip
INVOICE = {
    "_entity": "invoice", "_id": 51, "client": CLIENT, "client_id": 11, "kind": "invoice", "reference": "TL-2026-0007",
    "issue_date": date(2026, 11, 30), "due_date": date(2026, 12, 30), "currency": "EUR",
    "lines": [
        {"description": "Engineering, November", "quantity": Decimal("37.25"), "unit_amount": Decimal("133.3333"),
         "tax_code": "standard", "tax_amount": Decimal("993.33")},
        {"description": "Train to Lyon", "quantity": Decimal(1), "unit_amount": Decimal("97.40"), "tax_code": ""},
    ],
}  # fmt: skip
OPPORTUNITY = {
    "_entity": "opportunity", "_id": 21, "client": CLIENT, "name": "Wind tunnel — phase 2", "description": "Two rigs",
    "amount": Decimal("48000.00"), "currency": "EUR",
}  # fmt: skip
CONTACT = {
    "_entity": "contact", "_id": 12, "client": CLIENT, "client_id": 11, "first_name": "Anaïs", "last_name": "Roux",
    "email": "anais.roux@zephyr.example", "phone": "+33 1 70 18 99 01", "job_title": "Head of purchasing",
}  # fmt: skip
ASSIGNMENT = {
    "_entity": "assignment", "_id": 41, "project": PROJECT, "resource": {"_entity": "resource", "_id": 61}, "is_manager": True,
}  # fmt: skip
# What flows hand to a mapping: one with everything filled in first, then ones with gaps that take the other branches.
DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "client": [CLIENT, {"_id": 11, "name": "Ö", "street": "", "currency": ""}],
    "contact": [CONTACT, {"_id": 12, "client": CLIENT, "email": "front.desk@zephyr.example"}],
    "opportunity": [OPPORTUNITY, {"_id": 21, "name": "Short", "amount": None}],
    "project": [
        PROJECT,
        {"_id": 31, "client": CLIENT, "name": "Internal", "is_billable": False},
        {"_id": 31, "client": CLIENT, "name": "By person", "is_billable": True, "budget_amount": Decimal("9000.00")},
    ],
    "task_assignment": [{**PROJECT, "task": "Discovery"}],
    "assignment": [ASSIGNMENT],
    "invoice": [
        INVOICE,
        {"_id": 51, "client": CLIENT, "currency": "JPY",
         "lines": [{"description": "Fee", "quantity": Decimal(1), "unit_amount": Decimal(120000)}]},
    ],
}  # fmt: skip
# Bodies that no default mapping makes: what a flow or a person's own mapping would send.
OWN_BODIES: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("hubspot", "contacts"): [{"firstname": "Anaïs", "lastname": "Roux", "email": "anais.roux@zephyr.example"}],
    ("hubspot", "notes"): [
        {"hs_note_body": "Invoice TL-2026-0007 was paid", "hs_timestamp": "2026-11-23T12:00:00Z", "deal_id": RECORD_ID,
         "company_id": CLIENT_ID}
    ],
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def specs() -> None:
    try:
        specs_folder()
    except SpecsMissingError as error:
        pytest.skip(str(error))


@dataclass
class Capture:
    """Stands in for `core.http.send`: answers with one body, associations from their fixture, and keeps what was asked."""

    slug: str
    object_name: str
    answer: Any
    requests: list[OutboundRequest] = field(default_factory=list)

    def __call__(self, request: OutboundRequest) -> OutboundResponse:
        self.requests.append(request)
        into = attached_by(self.slug, self.object_name, request)
        answer = fixture(self.slug, f"{self.object_name}__{into}_1") if into else self.answer
        return response(answer, url=request.url)


class TestReading:
    @pytest.mark.parametrize(("slug", "object_name"), READS)
    def test_full_and_later_reads_ask_and_are_answered_as_published(
        self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vendors = [read_all(slug, object_name, monkeypatch)[1]]
        if not isinstance(read_of(slug, object_name).cursor, FullRead):
            later = FixtureVendor(slug, object_name)
            monkeypatch.setattr("apps.core.http.send", later)
            since = (NOW - timedelta(days=30)).isoformat()
            list(replay_client(slug).pages(object_name, cursor=since, page_size=2, now=NOW))
            vendors.append(later)
        for vendor in vendors:
            assert vendor.requests
            seen: Counter[str] = Counter()
            for kind, request in vendor.requests:
                seen[kind] += 1
                check_request(slug, request)
                check_answer(slug, object_name, request, fixture(slug, f"{kind}_{seen[kind]}"))

    @pytest.mark.parametrize(("slug", "object_name"), READS)
    def test_searches_by_every_criterion(self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        read = read_of(slug, object_name)
        vendor = Capture(slug, object_name, latest_page(slug, object_name))
        monkeypatch.setattr("apps.core.http.send", vendor)
        for criterion in read.find:
            replay_client(slug).find(object_name, **{criterion: "nobody has this"})
        assert len(vendor.requests) >= len(read.find)
        for request in vendor.requests:
            check_request(slug, request)
            if not attached_by(slug, object_name, request):
                check_answer(slug, object_name, request, vendor.answer)

    @pytest.mark.parametrize(("slug", "object_name"), FETCHED)
    def test_one_record(self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        read, page = read_of(slug, object_name), latest_page(slug, object_name)
        assert read.fetch is not None
        vendor = Capture(slug, object_name, page if read.fetch.records else get(page, read.records)[0])
        monkeypatch.setattr("apps.core.http.send", vendor)

        assert replay_client(slug).fetch(object_name, RECORD_ID) is not None

        check_request(slug, vendor.requests[0])
        check_answer(slug, object_name, vendor.requests[0], vendor.answer)

    @pytest.mark.parametrize("slug", VENDORS)
    def test_testing_a_connection_and_listing_its_choices(self, slug: str) -> None:
        client = manifest_for(slug).client
        for path in [client.verification.request.path, *(variable.request.path for variable in client.variables)]:
            if (slug, path) not in UNPUBLISHED:
                url = path if path.startswith("https://") else f"https://x{PREFIXES[slug]}{path}"
                assert operation_for(slug, OutboundRequest("GET", url)).method == "get"

    @pytest.mark.parametrize(("slug", "path"), sorted(UNPUBLISHED))
    def test_what_is_left_out_is_really_not_published(self, slug: str, path: str) -> None:
        url = path if path.startswith("https://") else f"https://x{path}"
        with pytest.raises(UnknownOperationError):
            operation_for(slug, OutboundRequest("GET", url))


class TestWriting:
    @pytest.mark.parametrize(("slug", "object_name", "operation"), WRITES)
    def test_bodies(self, slug: str, object_name: str, operation: str) -> None:
        calls = prepared(slug, object_name, operation)
        assert calls
        for call in calls:
            check_request(slug, call.request)
            assert call.request.body, f"{slug}.{object_name}.{operation} sends no body"

    @pytest.mark.parametrize(("slug", "object_name", "operation"), WRITES)
    def test_looking_for_what_an_uncertain_write_did(
        self, slug: str, object_name: str, operation: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = manifest_for(slug).write(object_name, operation)
        is_readable = manifest_for(slug).object(object_name).read is not None
        page = latest_page(slug, object_name) if is_readable else {"total": 0, "results": []}
        vendor = Capture(slug, object_name, page)
        monkeypatch.setattr("apps.core.http.send", vendor)
        for call in prepared(slug, object_name, operation):
            replay_client(slug).probe(
                object_name, operation, idempotency_key="delivery-7", marker=call.marker, body=call.body,
                external_id=call.external_id, age_seconds=100_000,
            )  # fmt: skip
        assert len(vendor.requests) >= len([way for way in spec.probe if isinstance(way, ByLookup)])
        for request in vendor.requests:
            check_request(slug, request)

    @pytest.mark.parametrize("slug", VENDORS)
    def test_the_first_document_fills_every_field_of_its_mapping(self, slug: str) -> None:
        missing = [
            f"{spec.object}: {path}"
            for spec in outbound(slug)
            for path in sorted(source_paths(spec))
            if get(DOCUMENTS[spec.entity][0], path) in (None, "", [])
        ]

        assert missing == []


@pytest.mark.parametrize(("slug", "name"), ERRORS)
def test_error_fixtures_have_the_published_shape(slug: str, name: str) -> None:
    told = fixture(slug, name)
    method, path = {"xero": ("PUT", "/Invoices"), "harvest": ("POST", "/clients")}[slug]
    operation = load_spec(slug).operation(method, path)

    assert operation.response_errors(told["status"], told["body"]) == []
    assert operation.response_errors(told["status"], "text")
    refused = [bad for _, bad in spoilings(told["body"]) if operation.response_errors(told["status"], bad)]
    # An OAuth refusal has the members of RFC 6749, which Harvest's general error does not name.
    assert refused or "error" in told["body"]


def check_request(slug: str, request: OutboundRequest) -> None:
    operation = operation_for(slug, request)
    asked = set(parse_qs(urlsplit(request.url).query, keep_blank_values=True))
    assert sorted(asked - parameters(operation)) == [], f"{operation} knows no such parameter"
    if request.body is None:
        return
    body = json.loads(request.body)
    assert operation.request_errors(body) == []
    passed = [path for path, bad in spoilings(body) if not operation.request_errors(bad)]
    assert passed == [], f"{operation} knows no such fields"
    assert operation.request_errors("text"), operation


def check_answer(slug: str, object_name: str, request: OutboundRequest, answer: Any) -> None:
    """What the connector reads of the answer has to be known to the specification, and of its type."""
    operation = operation_for(slug, request)
    assert operation.response_errors(200, answer) == []
    passed = {path for path, bad in spoilings(answer) if not operation.response_errors(200, bad)}
    unknown = {path for path in passed if path in paths_read(slug, object_name, request, answer)}
    assert {path.split(".")[-1] for path in unknown} == BEYOND.get((slug, object_name), set()), (
        f"{operation}: {unknown}"
    )
    assert operation.response_errors(200, "text"), operation


def paths_read(slug: str, object_name: str, request: OutboundRequest, answer: Any) -> set[str]:
    """Dotted paths in the answer that the connector takes something from; places in lists left out."""
    read = read_of(slug, object_name)
    for attach in read.attach:
        if attach.into == attached_by(slug, object_name, request):
            return {f"{attach.results}.{path}".replace("[]", "") for path in (attach.key, attach.value)}
    spec = manifest_for(slug).object(object_name)
    own = {spec.primary_key, *(item.path for item in spec.fields), getattr(read.cursor, "field", spec.primary_key)}
    for mapping in default_specs(slug):
        if (mapping.object, mapping.direction) == (object_name, "in"):
            # Of an expression, only the field it begins with.
            own |= {
                re.match(r"\w+", path.removeprefix("jmespath:"))[0] if ":" in path else path
                for path in source_paths(mapping)
            }  # type: ignore[index]
    paginators = [read.paginator or manifest_for(slug).defaults.paginator, read.full_paginator]
    places_of_paging = {str(getattr(way, name, "")) for way in paginators for name in ("next", "total", "total_pages")}
    is_list = read.records in answer or not read.records
    return {*(f"{read.records}.{path}" if is_list else path for path in own), *places_of_paging} - {""}


def read_of(slug: str, object_name: str) -> ReadSpec:
    found = manifest_for(slug).object(object_name).read
    assert found is not None
    return found


def attached_by(slug: str, object_name: str, request: OutboundRequest) -> str:
    """The field which this request fetches for records already read; empty for any other request."""
    spec = manifest_for(slug).object(object_name).read
    paths = {attach.request.path: attach.into for attach in spec.attach} if spec else {}
    return paths.get(urlsplit(request.url).path, "")


def fixture(slug: str, name: str) -> Any:
    return json.loads((folder(slug) / "fixtures" / f"{name}.json").read_text())


def operation_for(slug: str, request: OutboundRequest) -> Operation:
    parts = urlsplit(request.url)
    if slug == "xero" and parts.path == "/connections":
        return load_spec("xero-identity").operation(request.method, "/Connections")
    if parts.hostname == "id.getharvest.com":
        raise UnknownOperationError(f"the published harvest file has no {parts.path}")
    assert parts.path.startswith(PREFIXES[slug]), request.url
    return load_spec(slug).operation(request.method, parts.path.removeprefix(PREFIXES[slug]))


def parameters(operation: Operation) -> set[str]:
    shared = operation.spec.document["paths"][operation.template].get("parameters", [])
    found = [operation.spec.resolve(item) for item in [*shared, *operation.body.get("parameters", [])]]
    return {item["name"] for item in found if item["in"] == "query"}


def prepared(slug: str, object_name: str, operation: str) -> list[PreparedCall]:
    client = replay_client(slug)
    return [
        client.prepare(
            object_name, operation, body, idempotency_key="delivery-7",
            external_id=None if operation.startswith("create") else RECORD_ID,
        )
        for body in bodies(slug, object_name)
    ]  # fmt: skip


def bodies(slug: str, object_name: str) -> list[dict[str, Any]]:
    mapped = [spec for spec in outbound(slug) if spec.object == object_name]
    found = []
    for spec in mapped:
        mapping = compile_mapping(spec, value_maps=VALUE_MAPS)
        for document in DOCUMENTS[spec.entity]:
            outcome = mapping.render(document, resolver(slug))
            assert isinstance(outcome, RenderedBody), outcome
            found.append(outcome.body)
    return found or OWN_BODIES[(slug, object_name)]


def resolver(slug: str) -> Callable[[str, Any], str]:
    return lambda entity, record: XERO_ID if slug == "xero" else CLIENT_ID


def outbound(slug: str) -> list[Any]:
    return [spec for spec in default_specs(slug) if spec.direction == "out"]


def latest_page(slug: str, object_name: str) -> Any:
    """The page without a next one, so that a search through all pages ends with it."""
    pages = sorted((folder(slug) / "fixtures").glob(f"{object_name}__page_*.json"))
    return json.loads(pages[-1].read_text())


def spoilings(body: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The body again and again, each time with one field of a type it cannot have."""
    for place in places(body):
        spoiled = copy.deepcopy(body)
        inner = spoiled
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = "wrong" if isinstance(inner[place[-1]], dict | list) else {"wrong": True}
        yield ".".join(step for step in place if isinstance(step, str)), spoiled


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every member of the body that says something; of a list the first entry stands for all."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))[:1]
    else:
        return
    for key, held in items:
        yield (*above, key)
        if key not in FREE_FORM or isinstance(held, list):
            yield from places(held, (*above, key))
