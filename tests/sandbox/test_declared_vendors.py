"""Practice vendors made of a vendor file: Stripe and Business Central, two that have little in common."""

import hashlib
import hmac
import json
import re
import textwrap
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.conformance import SpecsMissingError, load_spec, specs_folder
from sandbox.declarative import moments
from sandbox.declarative.loading import VendorFileError, load, load_file, slugs
from sandbox.declarative.operations import complete_in
from sandbox.declarative.published import Watch, path_in, problems
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.http import Call
from sandbox.server import Options
from tests.sandbox.conftest import Running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    started = Running(
        Options(
            data=tmp_path_factory.mktemp("declared"), vendors=slugs(), scenario="empty", webhook_retry_seconds=(0.05,)
        )
    )
    for name in slugs():
        vendor = started.practice.vendors[name]
        vendor.limiter.configure(windows={window.name: (1_000_000, window.seconds) for window in vendor.windows})
    yield started
    started.stop()


class Account:
    """A fresh account at one practice vendor and a client for it."""

    def __init__(self, server: Running, name: str) -> None:
        self.server = server
        self.vendor: DeclaredVendor = server.practice.vendors[name]  # type: ignore[assignment]
        number = server.call(lambda: self.vendor.store.next_number("_system", "test firm"))
        self.account = server.call(
            lambda: self.vendor.create_account(name=f"Firm {number}", slug=f"firm-{number}", currency="EUR")
        )
        self.id = self.account["id"]
        self.headers: dict[str, str] = {}
        self.base = self.vendor.base_url

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        headers = {**self.headers, **given.pop("headers", {})}
        return requests.request(method, self.base + path, headers=headers, timeout=20, **given)

    def make(self, resource: str, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.server.call(lambda: self.vendor.make(self.id, resource, **values))
        return made


@pytest.fixture
def stripe(server: Running) -> Account:
    account = Account(server, "stripe")
    account.headers = {"Authorization": f"Bearer {account.account['token']}"}
    account.base += "/v1"
    return account


@pytest.fixture
def central(server: Running) -> Account:
    account = Account(server, "business_central")
    form = {"grant_type": "client_credentials", "client_id": account.account["client_id"],
            "client_secret": account.account["client_secret"]}  # fmt: skip
    token = requests.post(f"{account.base}/some-tenant/oauth2/v2.0/token", data=form, timeout=20).json()
    account.headers = {"Authorization": f"Bearer {token['access_token']}"}
    account.base += f"/v2.0/some-tenant/Production/api/v2.0/companies({account.id})"
    return account


class TestStripe:
    def test_a_form_with_brackets_becomes_a_structure(self, stripe: Account) -> None:
        made = stripe.call("POST", "/customers", data={"name": "A", "metadata[order]": "7", "address[city]": "Rome"})

        assert made.status_code == 200
        assert (made.json()["metadata"], made.json()["address"]["city"]) == ({"order": "7"}, "Rome")

    def test_json_is_not_taken_for_a_form(self, stripe: Account) -> None:
        assert stripe.call("POST", "/customers", json={"name": "A"}).status_code == 400

    def test_a_key_is_answered_from_memory_and_refused_with_another_body(self, stripe: Account) -> None:
        keyed = {"Idempotency-Key": "k-1"}

        first = stripe.call("POST", "/customers", data={"name": "A"}, headers=keyed)
        again = stripe.call("POST", "/customers", data={"name": "A"}, headers=keyed)
        other = stripe.call("POST", "/customers", data={"name": "B"}, headers=keyed)

        assert first.json()["id"] == again.json()["id"] and again.headers["Idempotent-Replayed"] == "true"
        assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")

    def test_pages_by_the_last_id(self, stripe: Account) -> None:
        made = [stripe.make("customers")["id"] for _ in range(13)]

        first = stripe.call("GET", "/customers", params={"limit": 10}).json()
        rest = stripe.call("GET", "/customers", params={"limit": 10, "starting_after": first["data"][-1]["id"]}).json()

        assert (first["has_more"], rest["has_more"]) == (True, False)
        assert [item["id"] for item in (*first["data"], *rest["data"])] == made[::-1]

    @pytest.mark.parametrize(
        ("path", "form", "code"),
        [
            ("/customers", {"nmae": "A"}, "parameter_unknown"),
            ("/invoices", {"collection_method": "send_invoice"}, "parameter_missing"),
            ("/invoices", {"customer": "cus_nobody"}, "resource_missing"),
            ("/invoiceitems", {"customer": "$made", "quantity": "three"}, "parameter_invalid_integer"),
        ],
    )
    def test_what_is_refused(self, stripe: Account, path: str, form: dict[str, str], code: str) -> None:
        customer = stripe.make("customers")["id"]

        answer = stripe.call("POST", path, data={key: customer if v == "$made" else v for key, v in form.items()})

        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)

    def test_an_invoice_from_draft_to_paid(self, stripe: Account) -> None:
        customer = stripe.make("customers")["id"]
        form = {"customer": customer, "collection_method": "send_invoice", "days_until_due": "30"}
        invoice = stripe.call("POST", "/invoices", data=form).json()
        item = {"customer": customer, "invoice": invoice["id"], "unit_amount": "9500", "quantity": "3"}
        stripe.call("POST", "/invoiceitems", data=item)

        opened = stripe.call("POST", f"/invoices/{invoice['id']}/finalize").json()
        late = stripe.call("POST", "/invoiceitems", data=item)
        paid = stripe.call("POST", f"/invoices/{invoice['id']}/pay").json()

        assert (opened["status"], opened["total"], opened["lines"]["data"][0]["amount"]) == ("open", 28500, 28500)
        assert late.status_code == 400
        assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)
        payment = stripe.call("GET", f"/payment_intents/{paid['payment_intent']}").json()
        assert (payment["amount_received"], payment["status"]) == (28500, "succeeded")

    def test_a_deleted_customer_says_so(self, stripe: Account) -> None:
        customer = stripe.make("customers")["id"]

        stripe.call("DELETE", f"/customers/{customer}")

        gone = {"id": customer, "object": "customer", "deleted": True}
        assert stripe.call("GET", f"/customers/{customer}").json() == gone
        assert stripe.call("GET", "/customers").json()["data"] == []

    def test_events_are_signed_with_the_endpoints_secret(self, stripe: Account) -> None:
        with listening() as (address, received):
            form = {"url": address, "enabled_events[]": "customer.created"}
            endpoint = stripe.call("POST", "/webhook_endpoints", data=form).json()
            made = stripe.call("POST", "/customers", data={"name": "A"}).json()
            received.wait()

        body, headers = received.first
        stamp, signature = (part.partition("=")[2] for part in headers["Stripe-Signature"].split(","))
        wanted = hmac.new(endpoint["secret"].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        assert signature == wanted
        assert json.loads(body)["data"]["object"]["id"] == made["id"]


class TestBusinessCentral:
    def test_lists_turn_pages_by_next_link(self, central: Account) -> None:
        made = {central.make("customers")["id"] for _ in range(203)}
        address: str | None = f"{central.base}/customers?$filter=lastModifiedDateTime gt 2020-01-01T00:00:00Z"

        found: list[str] = []
        while address:
            page = requests.get(address, headers=central.headers, timeout=20).json()
            found += [item["id"] for item in page["value"]]
            address = page.get("@odata.nextLink")

        assert len(found) == len(set(found)) and set(found) == made

    def test_a_change_needs_the_etag(self, central: Account) -> None:
        customer = central.call("POST", "/customers", json={"displayName": "A"}).json()
        path, etag = f"/customers({customer['id']})", {"If-Match": customer["@odata.etag"]}

        answers = [
            central.call("PATCH", path, json={"displayName": "B"}, headers=headers).status_code
            for headers in ({}, etag, etag)
        ]

        assert answers == [400, 200, 409]

    def test_lines_make_the_total_and_posting_locks(self, central: Account) -> None:
        customer = central.make("customers")["id"]
        lines = [{"description": "Work", "unitPrice": 10.5, "quantity": 3}]
        invoice = central.call(
            "POST", "/salesInvoices", json={"customerId": customer, "salesInvoiceLines": lines}
        ).json()
        one = f"/salesInvoices({invoice['id']})"

        posted = central.call("POST", f"{one}/Microsoft.NAV.post", headers={"If-Match": "*"})
        shown = central.call("GET", f"{one}?$expand=salesInvoiceLines").json()

        assert posted.status_code == 204
        assert (shown["status"], shown["totalAmountIncludingTax"], len(shown["salesInvoiceLines"])) == ("Open", 37.8, 1)
        assert central.call("DELETE", one, headers={"If-Match": "*"}).status_code == 400

    @pytest.mark.parametrize("query", ["$filter=nope eq 1", "$filter=displayName like 'x'", "$apply=groupby((x))"])
    def test_a_query_it_does_not_know_is_refused(self, central: Account, query: str) -> None:
        assert central.call("GET", f"/customers?{query}").status_code == 400

    def test_another_company_is_not_found(self, central: Account, server: Running) -> None:
        other = Account(server, "business_central")

        assert central.call("GET", "/customers").status_code == 200
        address = central.base.replace(central.id, other.id)
        assert requests.get(f"{address}/customers", headers=central.headers, timeout=20).status_code == 404

    def test_a_target_has_to_echo_the_token(self, central: Account) -> None:
        with listening(echo="validationToken") as (address, received):
            body = {"notificationUrl": address, "resource": "customers", "clientState": "a-state"}
            requests.post(
                f"{central.base.rpartition('/')[0]}/subscriptions", json=body, headers=central.headers, timeout=20
            )
            central.call("POST", "/customers", json={"displayName": "A"})
            received.wait(lambda body: b"changeType" in body)

        event = json.loads(received.last[0])["value"][0]
        assert (event["clientState"], event["changeType"]) == ("a-state", "created")


@pytest.mark.parametrize("slug", slugs())
class TestEveryVendorFile:
    def test_a_stranger_is_refused_in_the_vendors_shape(self, server: Running, slug: str) -> None:
        vendor = server.practice.vendors[slug]
        known = [(method, path) for method, path, _handler in vendor.routes()]
        # Replicon is only asked by POST.
        method, path = next((one for one in known if one[0] == "GET"), known[0])

        answer = requests.request(method, vendor.base_url + path.replace("{", "x").replace("}", ""), timeout=20)

        assert answer.status_code in (401, 403), answer.text

    @pytest.mark.parametrize(("fault", "status"), [("429", 429), ("500", 500)])
    def test_faults_answer_as_declared(self, server: Running, slug: str, fault: str, status: int) -> None:
        file = load(slug)
        # Salesforce refuses with 403 when the day's calls are used up, Toggl with 402 when the hour's are.
        allowed = (status, 503, 403, 402) if fault == "429" else (status, 503)
        assert file.errors.cases["rate_limited" if fault == "429" else "failure"].status in allowed

    def test_invented_records_are_valid(self, server: Running, slug: str) -> None:
        account = Account(server, slug)

        for resource in account.vendor.file.resources:
            if "create" in account.vendor.file.resources[resource].operations:
                assert account.make(resource)["_seq"]

    @pytest.mark.specs
    def test_the_published_file_says_the_same(self, slug: str) -> None:
        self._published(slug)

        assert list(problems(load(slug))) == []

    @pytest.mark.specs
    def test_the_published_file_refuses_a_bad_body_for_every_operation(self, slug: str) -> None:
        """A control: a check that lets an object pass for a name proves nothing."""
        spec = load_spec(self._published(slug))
        file = load(slug)

        for published, names in _writes(file, spec):
            bad = {name: {"wrong": [True]} for name in names}
            assert published.request_errors(bad), f"{published} takes {bad}"

    @pytest.mark.specs
    def test_answers_fit_the_published_file(self, server: Running, slug: str) -> None:
        self._published(slug)
        account = Account(server, slug)
        if not any(method == "GET" for method, _path, _handler in account.vendor.routes()):
            pytest.skip(f"{slug}: is only asked by POST; test_{slug}.py looks at what its connector asks")
        account.vendor.watch = Watch(account.vendor)
        try:
            exercise(account)
            watch = account.vendor.watch
        finally:
            account.vendor.watch = None

        assert not watch.violations, "\n".join(watch.violations)
        assert watch.checked, "nothing was looked at"

    def _published(self, slug: str) -> str:
        about = load(slug).vendor.spec
        if about is None:
            pytest.skip(f"{slug}: no published file is named")
        try:
            specs_folder()
        except SpecsMissingError as error:
            pytest.skip(str(error))
        return about.file


def exercise(account: Account) -> None:
    """Every list and every single record, as the vendor's own handlers answer them."""
    vendor, file = account.vendor, account.vendor.file

    def run() -> None:
        for name, resource in file.resources.items():
            if "create" in resource.operations:
                vendor.make(account.id, name)
        for method, path, handler in vendor.routes():
            if method != "GET":
                continue
            records = vendor.records(account.id)
            for name, resource in file.resources.items():
                for operation in resource.operations:
                    done = complete_in(file, resource, operation)
                    if vendor.api_prefix + done.path != path or done.method != "GET" or not records.all(name):
                        continue
                    record = records.all(name)[0]
                    params = {"id": str(records.id_of(name, record))}
                    params |= {key: str(record.get(field)) for key, field in resource.path_fields.items()}
                    tenant = file.tenant.name if file.tenant else ""
                    real = path
                    for part in _params(path):
                        params.setdefault(part, account.id if part == tenant else "practice")
                        real = real.replace(f"{{{part}}}", params[part])
                    query = _since_ever(records, name, done)
                    call = Call(
                        vendor,
                        vendor.store,
                        vendor.clock(),
                        method,
                        real,
                        vendor.base_url + real,
                        query,
                        {},
                        b"",
                        params,
                    )
                    call.account = account.id
                    vendor.finish(call, vendor.run(handler, call))

    account.server.call(run)


def _since_ever(records: Any, name: str, done: Any) -> dict[str, str]:
    """The parameters that ask from a time on, long ago: some lists are not answered without."""
    found = {}
    for parameter, asked in done.filters.items():
        kind, form = records.kind_of(name, asked.field) if asked.field else ("", None)
        if kind == "datetime" and asked.op in ("gt", "gte") and asked.where == "query":
            found[parameter] = str(moments.written(datetime(2000, 1, 1, tzinfo=UTC), asked.moment or form))
    return found


def _params(path: str) -> list[str]:
    return re.findall(r"\{([^}]+)\}", path)


def _writes(file: Any, spec: Any) -> Iterator[Any]:
    for name, resource in file.resources.items():
        for operation in resource.operations:
            done = complete_in(file, resource, operation)
            excused = {name, f"{name}.{operation}"} & set(file.vendor.spec.left_out)
            if done.kind in ("create", "update") and not excused:
                kinds, left = ("text", "date", "datetime"), file.vendor.spec.left_out
                texts = [key for key, field in resource.fields.items() if field.type in kinds and not field.read_only]
                names = [key for key in texts if "." not in key and f"{name}.{key}" not in left]
                yield spec.operation(done.method, path_in(file, done.path)), names


class TestMistakesInAFile:
    GOOD = (Path(__file__).resolve().parents[2] / "sandbox" / "catalog" / "stripe" / "vendor.yaml").read_text()

    @pytest.mark.parametrize(
        ("found", "put", "said"),
        [
            ("kind: after_id", "kind: by_magic", "defaults.paging.kind: allowed:"),
            ("moment: epoch_s\n  absent", "momnt: epoch_s\n  absent", "no such key here"),
            ("to: customers, required: true, on", "to: clients, required: true, on", "found 'clients'; allowed:"),
            ("source: https://docs.stripe.com/rate-limits", "source: I was told", "allowed: a URL"),
            ("    not_found:\n      status: 404", "    gone:\n      status: 404", "cases: found ['gone']"),
            ("kind: bearer", "kind: bear", "allowed: 'key', 'basic', 'bearer', 'oauth2', 'session'"),
        ],
    )
    def test_is_told_with_line_and_what_is_allowed(self, tmp_path: Path, found: str, put: str, said: str) -> None:
        assert found in self.GOOD
        path = tmp_path / "vendor.yaml"
        path.write_text(self.GOOD.replace(found, put, 1))

        with pytest.raises(VendorFileError) as caught:
            load_file(path)

        assert said in str(caught.value) and "vendor.yaml: line " in str(caught.value), textwrap.indent(
            str(caught.value), "  "
        )


class Received:
    def __init__(self) -> None:
        self.requests: list[tuple[bytes, dict[str, str]]] = []
        self.changed = threading.Condition()

    def add(self, body: bytes, headers: dict[str, str]) -> None:
        with self.changed:
            self.requests.append((body, headers))
            self.changed.notify_all()

    def wait(self, fits: Any = lambda _body: True) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: any(fits(body) for body, _headers in self.requests), timeout=15)

    @property
    def first(self) -> tuple[bytes, dict[str, str]]:
        return self.requests[0]

    @property
    def last(self) -> tuple[bytes, dict[str, str]]:
        return self.requests[-1]


class listening:
    """A target for webhooks; answers the parameter `echo` back."""

    def __init__(self, echo: str = "") -> None:
        self.received = Received()
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                text = parse_qs(urlsplit(self.path).query).get(echo, [""])[0].encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                received.add(body, dict(self.headers.items()))

            def log_message(self, *_args: object) -> None:
                return None

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> tuple[str, Received]:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/hooks", self.received

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
