"""The contract's replay for connectors of the catalog, by slug, with calls that tests can watch at `core.http.send`."""

from typing import Any

import pytest

from apps.connectors import contract
from apps.connectors.client import VendorClient
from apps.connectors.manifest import folder, manifest_for
from apps.core import http


class FixtureVendor(contract.FixtureVendor):
    def __init__(self, slug: str, object_name: str) -> None:
        super().__init__(contract.ConnectorFolder(folder(slug), manifest_for(slug)), object_name)


def replay_client(slug: str) -> VendorClient:
    return contract.replay_client(manifest_for(slug), lambda request: http.send(request))


def read_all(
    slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[dict[str, Any]], FixtureVendor]:
    vendor = FixtureVendor(slug, object_name)
    monkeypatch.setattr("apps.core.http.send", vendor)
    pages = replay_client(slug).pages(object_name, cursor=None, page_size=2, now=contract.NOW)
    return [record for page in pages for record in page.records], vendor
