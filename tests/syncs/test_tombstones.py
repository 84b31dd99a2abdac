"""A vendor's own list of deleted records: read with every incremental pull, and never taken out of what merely is missing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from django.utils import timezone

from apps.accounts.models import Customer
from apps.canonical.models import Client
from apps.connectors import services
from apps.connectors.manifest import Manifest
from apps.connectors.manifest.loader import CATALOG
from apps.connectors.models import Connection
from apps.syncs.models import SourceRecord, SyncRun
from apps.syncs.services import add_syncs
from tests.connectors.small_vendor import Asked, Told, install, served
from tests.practice import work_on


def harvest_that_lists_the_deleted() -> Manifest:
    """The catalog's Harvest, as if it had a list of deleted clients."""
    whole = yaml.safe_load((CATALOG / "harvest" / "manifest.yaml").read_text())
    whole["connector"]["slug"] = "small"
    whole["auth"], whole["fields"] = [{"name": "none", "title": "None", "kind": "none"}], []
    whole["client"] |= {"base_url": "https://small.test", "headers": {}, "variables": []}
    whole["client"]["rate"] |= {"account": ""}
    whole["objects"]["clients"]["read"]["deleted"] = {
        "request": {"path": "/deleted"},
        "param": "since",
        "records": "clients",
        "id": "id",
    }
    return Manifest.model_validate(whole)


def client(number: int) -> dict[str, Any]:
    changed = f"2026-01-0{number}T10:00:00Z"
    return {"id": number, "name": f"Client {number}", "is_active": True, "currency": "EUR", "updated_at": changed}


def test_what_the_list_names_is_marked_and_what_is_missing_is_not(
    committed: Customer, tmp_path: Path, settings: Any
) -> None:
    rows = [client(1), client(2), client(3)]

    def vendor(asked: Asked) -> Told:
        if asked.path == "/deleted":
            return Told({"clients": [{"id": 2}, {"id": 99}]})
        return Told({"clients": rows, "total_pages": 1, "page": 1, "next_page": None, "links": {"next": None}})

    install(tmp_path, harvest_that_lists_the_deleted(), settings)
    with served(vendor) as running:
        connection = services.create_connection(
            customer=committed,
            connector="small",
            name="Small",
            roles=["psa"],
            config={"base_url": running.url},
            actor=None,
            reason="t",
            now=timezone.now(),
        )
        Connection.objects.filter(pk=connection.pk).update(status="ok")
        (sync,) = add_syncs(connection, objects=["clients"], actor=None, reason="test")
        work_on("syncs.pull", sync.pk)
        assert Client.objects.filter(deleted_at=None).count() == 3
        rows[:] = []
        long_ago = timezone.now() - timedelta(days=1)
        type(sync).objects.filter(pk=sync.pk).update(latest_success_at=long_ago)
        SyncRun.objects.update(finished_at=long_ago)
        work_on("syncs.pull", sync.pk)

    assert [asked.path for asked in running.asked] == ["/clients", "/clients", "/deleted"]
    assert list(Client.objects.exclude(deleted_at=None).values_list("name", flat=True)) == ["Client 2"]
    assert SourceRecord.objects.get(external_id="2").status == "deleted"
    assert SyncRun.objects.filter(status="succeeded").count() == 2
