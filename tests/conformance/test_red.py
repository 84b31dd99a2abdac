"""The kit can fail: for each check a connector or vendor that is broken on purpose, and the check shows red."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from apps.accounts.models import Customer
from apps.connectors import models, reading
from apps.connectors.manifest import Manifest, manifest_for
from apps.core.http import sender
from apps.syncs.loading import burials
from conformance.bench import Bench, InMemory, MemoryTokens
from conformance.checks import CHECKS, hostile, webhooks
from conformance.joining import Join, join_for
from conformance.running import run
from conformance.storing import InSchema
from sandbox.declarative.operations import Endpoint
from sandbox.framework.http import Reply
from sandbox.framework.store import Store
from sandbox.framework.vendor import Route, Vendor
from sandbox.hubspot.vendor import HubSpot
from tests.committed import committed  # noqa: F401 - a fixture

Change = Callable[[dict[str, Any]], None]


def altered(slug: str, change: Change) -> Manifest:
    """The connector's manifest with something spoiled."""
    data = manifest_for(slug).model_dump()
    change(data)
    return Manifest.model_validate(data)


def verdict(
    check: str, manifest: Manifest, *, join: Join | None = None, storing: Any = None,
    make: Callable[[Path], Vendor] | None = None,
) -> tuple[str, str]:  # fmt: skip
    with override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]):
        report = run(
            manifest, join or join_for(manifest.slug), today=date(2026, 1, 1), only=[check], storing=storing, make=make
        )
    return report.results[0].verdict, report.results[0].sentence


def _at(data: dict[str, Any], *path: str) -> Any:
    for part in path:
        data = data[part]
    return data


def _each_object(data: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> None:
    for spec in data["objects"].values():
        change(spec)


def _no_probe(data: dict[str, Any]) -> None:
    _each_object(data, lambda spec: [write.update(probe=[]) for write in spec["write"].values()])


def _blindly_again(data: dict[str, Any]) -> None:
    _each_object(data, lambda spec: [write.update(probe=[], repeatable=True) for write in spec["write"].values()])


def _no_overlap(data: dict[str, Any]) -> None:
    _each_object(
        data, lambda spec: spec["read"] and spec["read"]["cursor"].update({"overlap_seconds": 0, "lag_seconds": 0})
    )


def _fetch_elsewhere(data: dict[str, Any]) -> None:
    def change(spec: dict[str, Any]) -> None:
        if spec["read"] and spec["read"]["fetch"]:
            spec["read"]["fetch"]["request"]["path"] = "/crm/v3/objects/notes/${external_id}"

    _each_object(data, change)


def _order_that_moves(data: dict[str, Any]) -> None:
    _at(data, "objects", "contacts", "read", "request", "params")["order"] = "UpdatedDateUTC ASC"


def _version_that_never_moves(data: dict[str, Any]) -> None:
    for spec in data["objects"].values():
        for write in spec["write"].values():
            if write["guard"]:
                write["guard"].update(token="id")


def _refused_goes_unseen(data: dict[str, Any]) -> None:
    for spec in data["objects"].values():
        for write in spec["write"].values():
            if write["batch"]:
                write["batch"].update(failed="nothing_of_the_kind", body="{id: id || 'x'} | [@]")


# check → (connector, what is spoiled in its manifest)
SPOILED: dict[str, tuple[str, Change]] = {
    "verification": ("hubspot", lambda data: _at(data, "client", "verification").update(account_id="nobody")),
    "pages_under_change": ("xero", _order_that_moves),
    "late_commit": ("harvest", _no_overlap),
    "fetch_one": ("hubspot", _fetch_elsewhere),
    "rate_limit": ("harvest", lambda data: _at(data, "client", "rate").update(retry_after_headers=[])),
    "server_error": (
        "hubspot", lambda data: _at(data, "client", "errors").update(rules=[{"status": 500, "family": "validation"}])
    ),
    "dropped_before": ("harvest", _no_probe),
    "dropped_after": ("harvest", _blindly_again),
    "refused_write": ("xero", lambda data: _at(data, "client", "errors").update(message=[], details="", code=[])),
    "stale_version": ("business_central", _version_that_never_moves),
    "batches": ("salesforce", _refused_goes_unseen),
    "webhook_good": ("hubspot", lambda data: _at(data, "webhooks", "signature").update(signed=["body"])),
    "webhook_forged": ("hubspot", lambda data: _at(data, "webhooks", "signature").update(kind="none")),
    "webhook_stale": ("hubspot", lambda data: _at(data, "webhooks", "signature").update(tolerance_seconds=86_400)),
    "webhook_replayed": ("hubspot", lambda data: _at(data, "webhooks", "events").update(event_id=["no_such_field"])),
    "webhook_out_of_order": ("xero", lambda data: _at(data, "webhooks", "events").update(event_id=["resourceId"])),
    "webhook_unknown": ("hubspot", lambda data: _at(data, "webhooks", "events").update(objects={"*": "companies"})),
    "html": (
        "hubspot", lambda data: _at(data, "client", "errors").update(rules=[{"status": 503, "family": "validation"}])
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", SPOILED)
def test_a_spoiled_manifest_shows_red(check: str) -> None:
    slug, change = SPOILED[check]

    found, sentence = verdict(check, altered(slug, change))

    assert found == "fail", sentence


def _pager(**values: Any) -> Change:
    return lambda data: _at(data, "defaults", "paginator").update(values)


READ_ONCE: dict[str, tuple[str, Change, str]] = {
    "an order that moves": ("clockify", _pager(steady=True), "moves to the end"),
    "a list that people leave": ("intellihr", _pager(steady=True), "is deleted"),
    "links that count pages": (
        "harvest", lambda data: _at(data, "objects", "expenses", "read", "paginator").update(counted=False), "is deleted"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", READ_ONCE)
def test_a_counted_list_that_is_read_only_once_shows_red(what: str) -> None:
    slug, change, happening = READ_ONCE[what]

    found, sentence = verdict("pages_under_change", altered(slug, change))

    assert found == "fail" and happening in sentence


def test_a_list_by_last_id_goes_on_behind_a_deleted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict("pages_under_change", manifest_for("stripe"))[0] == "pass"
    monkeypatch.setattr(reading, "_TRAIL", 0)

    found, sentence = verdict("pages_under_change", manifest_for("stripe"))

    assert found == "fail" and "No such starting_after" in sentence


class BrokenVendors:
    class KeepsWhatIsDeleted(HubSpot):
        def routes(self) -> list[Route]:
            return [
                (method, path, (lambda _call: Reply(None, 204)) if method == "DELETE" else handler)
                for method, path, handler in super().routes()
            ]


def test_deletions_that_do_nothing_show_red() -> None:
    found, sentence = verdict(
        "deletion", manifest_for("hubspot"), make=lambda path: BrokenVendors.KeepsWhatIsDeleted(Store(path))
    )

    assert found == "fail" and "deleted at the vendor" in sentence


def test_a_list_of_deleted_records_that_is_not_understood_shows_red() -> None:
    def elsewhere(data: dict[str, Any]) -> None:
        data["objects"] = {"invoices": data["objects"]["invoices"]}
        data["objects"]["invoices"]["read"]["deleted"]["where"] = {"status": "Removed"}
        data["webhooks"], data["mappings"] = None, []

    join = join_for("quickbooks_online").model_copy(update={"writes": {}})
    found, sentence = verdict("deletion", altered("quickbooks_online", elsewhere), join=join)

    assert found == "fail" and "list of deleted ones lacks it" in sentence


class Forgetful(MemoryTokens):
    """Renews whenever it is asked, whatever somebody else has renewed meanwhile."""

    def refresh(self, *, seen: int, renew: Any) -> Any:
        return super().refresh(seen=10**9, renew=renew)


class ForgetfulStoring(InMemory):
    def tokens(self, _manifest: Manifest, _config: dict[str, Any], credentials: dict[str, Any]) -> Forgetful:
        return Forgetful(credentials)


def test_a_store_that_renews_for_everybody_shows_red() -> None:
    found, sentence = verdict("token_race", manifest_for("hubspot"), storing=ForgetfulStoring())

    assert found == "fail" and "instead of once" in sentence


def test_a_log_in_that_is_not_renewed_shows_red() -> None:
    def change(data: dict[str, Any]) -> None:
        for method in data["auth"]:
            if method["kind"] == "oauth2_code":
                method["token_url"] = "https://api.hubapi.com/nowhere"

    found, _sentence = verdict("one_renewal", altered("hubspot", change))

    assert found == "fail"


def test_a_ledger_that_does_not_listen_shows_red(committed: Customer, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """The vendor tells its count in a header; the manifest names another."""

    def change(data: dict[str, Any]) -> None:
        for window in _at(data, "client", "rate", "windows"):
            window["remaining_header"] = "X-Not-Sent"

    manifest = altered("hubspot", change)
    monkeypatch.setattr(models.Connection, "manifest", property(lambda _self: manifest))
    found, sentence = verdict("ledger", manifest, storing=InSchema(committed))

    assert found == "fail" and "the ledger has" in sentence


def test_a_window_of_other_addresses_is_not_held_against_the_ledger(committed: Customer) -> None:  # noqa: F811
    def change(data: dict[str, Any]) -> None:
        first = data["client"]["rate"]["windows"][0]
        data["client"]["rate"]["windows"].append({**first, "name": "searches", "paths": ["*/search"]})

    found, sentence = verdict("ledger", altered("hubspot", change), storing=InSchema(committed))

    assert (found, "searches" in sentence) == ("pass", False)


@pytest.mark.parametrize("check", ["ledger", "mass_deletion", "webhook_subscription"])
def test_what_takes_the_engine_is_left_out_without_a_database(check: str) -> None:
    assert verdict(check, manifest_for("clockify"))[0] == "exempt"


def test_a_vendor_that_takes_any_version_shows_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Endpoint, "_guarded", lambda *_given: None)

    found, sentence = verdict("stale_version", manifest_for("business_central"))

    assert found == "fail" and "a version that was no longer there" in sentence


def test_a_subscription_that_is_not_looked_for_shows_red(
    committed: Customer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest = altered("clockify", lambda data: _at(data, "webhooks", "subscribe").update(find=None))
    monkeypatch.setattr(models.Connection, "manifest", property(lambda _self: manifest))

    found, sentence = verdict("webhook_subscription", manifest, storing=InSchema(committed))

    assert found == "fail" and "subscriptions instead of" in sentence


def test_burying_whatever_is_said_to_be_gone_shows_red(committed: Customer, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(burials, "is_mass", lambda *_given, **_more: False)

    found, sentence = verdict("mass_deletion", manifest_for("clockify"), storing=InSchema(committed))

    assert found == "fail" and "were marked as deleted" in sentence


@pytest.mark.parametrize("check", ["unknown_fields", "missing_fields", "wrong_types"])
def test_a_hook_that_trusts_the_shape_shows_red(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(record: dict[str, Any], _context: Any) -> dict[str, Any]:
        known = {"id", "properties", "createdAt", "updatedAt", "archived", "associations", "propertiesWithHistory"}
        assert set(record) <= known
        return {**record, "properties": {**record["properties"]}, "day": record["updatedAt"][:10]}

    monkeypatch.setattr(reading, "hooks_for", lambda _manifest: {"record": strict})

    found, sentence = verdict(check, manifest_for("hubspot"))

    assert found == "fail", sentence


def test_judging_slowly_shows_red(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = webhooks.verify_webhook

    def slow(*args: Any, body: bytes, **given: Any) -> Any:
        if len(body) > 50_000:
            time.sleep(2.2)
        return quick(*args, body=body, **given)

    monkeypatch.setattr(webhooks, "verify_webhook", slow)

    found, sentence = verdict("webhook_huge", manifest_for("xero"))

    assert found == "fail" and "more than 2 s" in sentence


def test_waiting_for_a_drip_shows_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostile, "PATIENCE", 0.5)
    monkeypatch.setattr(hostile, "DRIP", 8)
    monkeypatch.setattr(Bench, "impatient", lambda self, **_given: self.manifest)

    found, sentence = verdict("slow_loris", manifest_for("hubspot"))

    assert found == "fail", sentence


def test_reading_past_a_lie_about_gzip_shows_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "_read", lambda response, _most: response.raw.read(decode_content=False))

    found, sentence = verdict("gzip_lies", manifest_for("hubspot"))

    assert found == "fail" and "taken for an answer" in sentence


def test_following_a_redirect_shows_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sender,
        "_redirect_target",
        lambda _request, _url, status, headers: headers.get("location") if status == 302 else None,
    )

    found, _sentence = verdict("redirect", manifest_for("hubspot"))

    assert found == "fail"


def test_every_check_is_shown_to_fail() -> None:
    others = {
        "deletion", "mass_deletion", "webhook_subscription",
        "token_race", "one_renewal", "ledger", "unknown_fields", "missing_fields", "wrong_types",
        "webhook_huge", "slow_loris", "gzip_lies", "redirect",
    }  # fmt: skip
    assert set(SPOILED) | others == set(CHECKS)
