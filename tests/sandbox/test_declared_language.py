"""Everything a vendor file can say, on an invented vendor: log-ins, paging, query languages, guards, upserts, RPC."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox.declarative.loading import load_file
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.store import Store
from sandbox.serving import Served

FILE = Path(__file__).parent / "everything" / "vendor.yaml"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("everything") / "store.sqlite3"
    with Served(lambda: DeclaredVendor(Store(path), file=load_file(FILE), name="everything")) as running:
        yield running


class Firm:
    def __init__(self, served: Served) -> None:
        self.served, self.vendor = served, served.vendor
        number = served.call(lambda: self.vendor.store.next_number("_system", "firm"))
        self.account = served.call(
            lambda: self.vendor.create_account(name=f"Firm {number}", slug=f"firm-{number}", currency="EUR")
        )
        self.headers = {"X-Code": self.account["integration_code"], "X-Token": self.account["token"]}
        self.base = self.vendor.base_url

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        headers = {**self.headers, **given.pop("headers", {})}
        return requests.request(method, f"{self.base}/api{path}", headers=headers, timeout=20, **given)

    def make(self, **values: Any) -> Any:
        return self.served.call(lambda: self.vendor.make(self.account["id"], "firms", **values))  # type: ignore[attr-defined]

    def names(self, answer: requests.Response, at: str = "items") -> list[str]:
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return [item["name"] for item in (found[at] if at else found)]

    def rpc(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        params = {
            "service": "object", "method": "execute_kw",
            "args": [self.account["database"], 2, self.account["password"], model, method, list(args), named],
        }  # fmt: skip
        body = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": params}
        return requests.post(f"{self.base}/jsonrpc", json=body, timeout=20).json()


@pytest.fixture
def firm(served: Served) -> Firm:
    return Firm(served)


class TestLoggingIn:
    def test_both_keys_have_to_fit(self, firm: Firm) -> None:
        assert firm.call("GET", "/firms").status_code == 200
        assert firm.call("GET", "/firms", headers={"X-Code": "other"}).status_code == 401

    def test_basic_with_a_compound_name(self, firm: Firm) -> None:
        account = firm.account
        login = (f"firm+{account['client_id']}", account["client_secret"])

        answers = [requests.get(f"{firm.base}/api/firms", auth=auth, timeout=20) for auth in (login, (login[0], "x"))]

        assert [answer.status_code for answer in answers] == [200, 401]

    def test_a_session_is_given_and_ends(self, firm: Firm) -> None:
        body = {"login": {"user": firm.account["username"], "password": firm.account["password"]}}
        session = requests.post(f"{firm.base}/login", json=body, timeout=20).json()["session"]["id"]
        wrong = requests.post(f"{firm.base}/login", json={"login": {"user": "x", "password": "y"}}, timeout=20)
        firm.headers = {"Authorization": f"Token token={session}"}

        before = firm.call("GET", "/firms").status_code
        firm.served.call(lambda: firm.vendor.tokens.expire(firm.account["id"], datetime.now(UTC)))
        after = firm.call("GET", "/firms")

        assert (before, wrong.status_code) == (200, 401)
        assert (after.status_code, after.json()["errors"][0]["code"]) == (401, "EXPIRED")

    def test_a_signed_assertion_opens_the_account(self, firm: Firm) -> None:
        good = self._token(firm, signed_with=firm.account["private_key"])
        forged = self._token(firm, signed_with=Firm(firm.served).account["private_key"])

        assert good.json()["instance_url"] == firm.base and "refresh_token" not in good.json()
        firm.headers = {"Authorization": f"Bearer {good.json()['access_token']}"}
        assert firm.call("GET", "/firms").status_code == 200
        assert (forged.status_code, forged.json()["error"]) == (400, "invalid_grant")

    def _token(self, firm: Firm, *, signed_with: str) -> requests.Response:
        from base64 import urlsafe_b64encode

        def packed(value: bytes) -> bytes:
            return urlsafe_b64encode(value).rstrip(b"=")

        claims = {"iss": firm.account["client_id"], "sub": "me", "aud": firm.base, "exp": int(time.time()) + 120}
        head = packed(b'{"alg":"RS256"}') + b"." + packed(json.dumps(claims).encode())
        key: Any = serialization.load_pem_private_key(signed_with.encode(), None)
        assertion = head + b"." + packed(key.sign(head, padding.PKCS1v15(), hashes.SHA256()))
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion.decode()}
        return requests.post(f"{firm.base}/oauth/token", data=form, timeout=20)


class TestPages:
    @pytest.fixture(autouse=True)
    def _eleven(self, firm: Firm) -> None:
        for number in range(11):
            firm.make(name=f"n{number:02}")

    WANTED = [f"n{number:02}" for number in range(11)]

    def test_by_number_with_a_link(self, firm: Firm) -> None:
        first = firm.call("GET", "/firms")
        rest = requests.get(first.links["next"]["url"], headers=firm.headers, timeout=20)

        assert firm.names(first) + firm.names(rest) == self.WANTED
        assert (first.json()["total"], first.json()["pages"], rest.json().get("next")) == (11, 2, None)

    @pytest.mark.parametrize(("path", "param"), [("/firms-by-offset", "start"), ("/firms-frozen", "token")])
    def test_by_what_the_answer_says(self, firm: Firm, path: str, param: str) -> None:
        found, value = [], None
        while True:
            answer = firm.call("GET", path, params={param: value} if value else {})
            found += firm.names(answer)
            value = answer.json().get("next")
            if not value:
                break

        assert found == self.WANTED

    @pytest.mark.parametrize(
        ("asked", "wanted"),
        [({"sort": "name"}, WANTED[::-1]), ({"sort": "name", "way": "asc"}, WANTED), ({"way": "asc"}, WANTED)],
    )
    def test_in_the_order_asked_for(self, firm: Firm, asked: dict[str, str], wanted: list[str]) -> None:
        found, token = [], None
        while True:
            answer = firm.call("GET", "/firms-sorted", params={**asked, **({"token": token} if token else {})})
            found += firm.names(answer)
            token = answer.json().get("next")
            if not token:
                break

        assert found == wanted

    @pytest.mark.parametrize("asked", [{"sort": "size"}, {"sort": "name", "way": "sideways"}])
    def test_an_order_it_does_not_know_is_refused(self, firm: Firm, asked: dict[str, str]) -> None:
        assert firm.call("GET", "/firms-sorted", params=asked).status_code == 400

    def test_a_frozen_list_does_not_move(self, firm: Firm) -> None:
        first = firm.call("GET", "/firms-frozen")
        firm.make(name="late")

        second = firm.call("GET", "/firms-frozen", params={"token": first.json()["next"]})

        assert firm.names(second) == self.WANTED[4:8]

    def test_a_select_is_read_on_by_its_locator(self, firm: Firm) -> None:
        query = "SELECT Id, name FROM Account WHERE name LIKE 'n%' ORDER BY name DESC"
        with pytest.raises(AssertionError):
            firm.names(firm.call("GET", "/query", params={"q": query}), "records")  # Id: names are as written

        first = firm.call("GET", "/query", params={"q": query.replace("Id", "id")})
        second = firm.call("GET", f"/query/{first.json()['nextRecordsUrl']}")

        assert firm.names(first, "records") + firm.names(second, "records") == self.WANTED[:2:-1]
        assert first.json()["totalSize"] == 11 and first.json()["records"][0]["attributes"] == {"type": "Account"}

    def test_a_position_inside_the_query(self, firm: Firm) -> None:
        query = "select * from Account where size >= 0 orderby name STARTPOSITION 3 MAXRESULTS 2"
        for item in firm.vendor.records(firm.account["id"]).all("firms"):  # type: ignore[attr-defined]
            item["size"] = 5

        answer = firm.call("GET", "/company/query", params={"query": query})

        assert [item["name"] for item in answer.json()["QueryResponse"]["Account"]] == self.WANTED[2:4]


class TestNarrowing:
    @pytest.fixture(autouse=True)
    def _old_and_new(self, firm: Firm) -> None:
        self.edge = datetime.now(UTC) - timedelta(days=1)
        firm.make(name="old", size=1, at=self.edge - timedelta(hours=1))
        firm.make(name="new", size=9, at=self.edge + timedelta(hours=1))

    @pytest.mark.parametrize("kind", ["parameter", "header", "jql", "erpnext", "autotask", "connectwise", "soql"])
    def test_by_time_in_every_form(self, firm: Firm, kind: str) -> None:
        edge, stamp = self.edge, f"{self.edge:%Y-%m-%dT%H:%M:%SZ}"
        answer, at = {
            "parameter": lambda: (firm.call("GET", "/firms", params={"since": stamp}), "items"),
            "header": lambda: (
                firm.call("GET", "/firms", headers={"If-Modified-Since": f"{edge:%a, %d %b %Y %H:%M:%S} GMT"}), "items"
            ),
            "jql": lambda: (
                firm.call("POST", "/firms/search", json={"jql": f'modified >= "{edge:%Y/%m/%d %H:%M}" ORDER BY modified'}),
                "items",
            ),
            "erpnext": lambda: (
                firm.call("GET", "/firms-filtered", params={"filters": json.dumps([["modified", ">", str(edge)]])}), "data"
            ),
            "autotask": lambda: (
                firm.call("POST", "/firms/query", json={"filter": [{"op": "gt", "field": "modified", "value": stamp}]}),
                "items",
            ),
            "connectwise": lambda: (
                firm.call("GET", "/firms-worked", params={"conditions": f"modified > [{stamp}]"}), ""
            ),
            "soql": lambda: (
                firm.call("GET", "/query", params={"q": f"SELECT name FROM Account WHERE modified > {stamp}"}), "records"
            ),
        }[kind]()  # type: ignore[no-untyped-call]  # fmt: skip

        assert firm.names(answer, at) == ["new"]

    @pytest.mark.parametrize(
        ("method", "path", "given"),
        [
            ("GET", "/query", {"params": {"q": "SELECT name FROM Account WHERE colour = 'red'"}}),
            ("GET", "/query", {"params": {"q": "SELECT name FROM Account GROUP BY name"}}),
            ("GET", "/query", {"params": {"q": "DELETE FROM Account"}}),
            ("GET", "/query", {"params": {"q": "SELECT name FROM Nothing"}}),
            ("GET", "/firms", {"params": {"since": "yesterday"}}),
            ("POST", "/firms/search", {"json": {"jql": "modified >= -5d"}}),
            ("GET", "/firms-filtered", {"params": {"filters": '[["size", "between", [1, 2]]]'}}),
            ("POST", "/firms/query", {"json": {"filter": []}}),
            ("GET", "/firms-worked", {"params": {"conditions": "size ~ 3"}}),
            ("GET", "/company/query", {"params": {"query": "select * from Account where size = 1 or size = 2"}}),
        ],
    )
    def test_what_it_does_not_know_is_refused(self, firm: Firm, method: str, path: str, given: dict[str, Any]) -> None:
        answer = firm.call(method, path, **given)

        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "MALFORMED_QUERY")


class TestWriting:
    def test_a_version_has_to_come_back(self, firm: Firm) -> None:
        made = firm.call("POST", "/firms", json={"firm": {"name": "A"}}).json()["firm"]
        path, fresh = f"/firms/{made['id']}", {"name": "B", "version": made["version"]}

        answers = [firm.call("PUT", path, json={"firm": body}).status_code for body in ({"name": "B"}, fresh, fresh)]

        assert answers == [422, 200, 409]

    def test_an_upsert_makes_and_then_changes(self, firm: Firm) -> None:
        first = firm.call("PATCH", "/firms/external/E-1", json={"name": "A"})
        second = firm.call("PATCH", "/firms/external/E-1", json={"name": "B", "version": "1"})

        assert (first.status_code, second.status_code) == (201, 200)
        assert (first.json()["id"], second.json()["created"]) == (second.json()["id"], False)

    def test_a_reference_is_an_object_with_what_it_points_to(self, firm: Firm) -> None:
        parent = firm.make(name="Parent")

        made = firm.call("POST", "/firms", json={"firm": {"name": "A", "parent": {"value": parent["id"]}}}).json()[
            "firm"
        ]

        assert (made["parent"], made["parent_name"]) == ({"value": parent["id"], "name": "Parent"}, "Parent")

    def test_children_live_under_their_parent(self, firm: Firm) -> None:
        one, other = firm.make(name="A"), firm.make(name="B")

        made = firm.call("POST", f"/firms/{one['id']}/notes", json={"text": "hello"})

        assert made.json()["firm"] == one["id"]
        counts = [firm.call("GET", f"/firms/{item['id']}/notes").json()["total"] for item in (one, other)]
        assert counts == [1, 0]

    def test_the_deleted_are_listed_apart(self, firm: Firm) -> None:
        made = firm.make(name="A")

        assert firm.call("DELETE", f"/firms/{made['id']}").status_code == 204
        assert firm.names(firm.call("GET", "/firms")) == []
        assert firm.call("GET", "/firms-gone").json()["items"][0]["state"] == "closed"

    def test_limits_are_told_on_every_answer(self, firm: Firm) -> None:
        answer = firm.call("GET", "/firms")

        assert int(answer.headers["X-Left"]) == 999_999
        assert 0 < int(answer.headers["X-Reset"]) - time.time() <= 12


class TestSigning:
    @pytest.mark.parametrize(("told", "wanted"), [({"user": "firm"}, b"firm:k3"), ({}, b"k3:k3")])
    def test_user_and_key_of_the_subscription_stand_in_the_header(
        self, firm: Firm, told: dict[str, str], wanted: bytes
    ) -> None:
        subscription = {"account": firm.account["id"], "target_url": "http://127.0.0.1:9/", "secret": "k3", **told}

        _, headers, _ = firm.served.call(lambda: firm.vendor.webhook_signer().signed(subscription, b"{}"))  # type: ignore[union-attr]

        scheme, _, value = headers["X-Basic"].partition(" ")
        assert (scheme, base64.b64decode(value)) == ("Basic", wanted)


class TestJsonRpc:
    def test_made_found_changed_and_removed(self, firm: Firm) -> None:
        made = firm.rpc("Account", "create", {"name": "A", "size": 3})["result"]
        firm.rpc("Account", "create", {"name": "B", "size": 9})
        firm.rpc("Account", "write", [made], {"name": "C"})

        found = firm.rpc(
            "Account", "search_read", ["|", ["size", "<", 5], ["name", "=", "Z"]], fields=["name", "external"]
        )
        firm.rpc("Account", "unlink", [made])

        assert found["result"] == [{"id": made, "name": "C", "external": False}]
        assert firm.rpc("Account", "search_count", [])["result"] == 1

    @pytest.mark.parametrize(
        ("method", "args", "name"),
        [
            ("create", [{"size": 3}], "odoo.exceptions.ValidationError"),
            ("search_read", [[["nope", "=", 1]]], "builtins.ValueError"),
            ("read", [[999_999]], "odoo.exceptions.MissingError"),
        ],
    )
    def test_errors_come_in_a_200(self, firm: Firm, method: str, args: list[Any], name: str) -> None:
        assert firm.rpc("Account", method, *args)["error"]["data"]["name"] == name

    def test_archived_records_hide_until_they_are_asked_for(self, firm: Firm) -> None:
        kept, gone = (firm.rpc("Place", "create", {"name": name})["result"] for name in ("Here", "Gone"))
        firm.rpc("Place", "write", [gone], {"active": False})

        def ids(domain: list[Any], **context: Any) -> list[int]:
            found = firm.rpc("Place", "search_read", domain, fields=["name"], order="id", context=context)["result"]
            return [item["id"] for item in found]

        assert ids([]) == [kept]
        assert ids([], active_test=False) == [kept, gone]
        assert ids([["active", "=", False]]) == [gone]
        assert ids([["note", "=", False]]) == [kept]

    def test_a_wrong_password_opens_nothing(self, firm: Firm) -> None:
        firm.account = {**firm.account, "password": "other"}

        assert firm.rpc("Account", "search_count", [])["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"
