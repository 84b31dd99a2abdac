"""Every connector folder keeps the same promises. A folder passes or fails as data; most need no Python at all.

Renew the expected files after a wanted change with: python -m tests.connectors.expected
"""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.connectors.manifest import Family, Manifest, folder, manifest_for, slugs
from apps.connectors.manifest.paging import FullRead
from apps.connectors.paths import get
from apps.connectors.types import VendorPermanentError, VendorTransientError
from tests.connectors.replay import FixtureVendor, read_all, replay_client
from tests.connectors.support import NOW, ScriptedVendor, response

README_HEADINGS = ["What it does", "What it reads", "What it writes", "How to connect", "Limits", "Known gaps"]
SECRET_LOOKING = re.compile(
    r"pat-[a-z0-9]+-|[A-Za-z0-9+/_-]{40,}={0,2}|Bearer [A-Za-z0-9]|\"(?:access|refresh)_token\""
)
READS = [(slug, name) for slug in slugs() for name, spec in manifest_for(slug).objects.items() if spec.read]
ERRORS = [(slug, path.name) for slug in slugs() for path in sorted((folder(slug) / "fixtures").glob("error__*.json"))]


@pytest.fixture(params=slugs())
def manifest(request: pytest.FixtureRequest) -> Manifest:
    return manifest_for(request.param)


class TestFolder:
    def test_slug_is_the_folder_name(self, manifest: Manifest) -> None:
        assert folder(manifest.slug).name == manifest.slug

    def test_readme_has_the_headings(self, manifest: Manifest) -> None:
        text = (folder(manifest.slug) / "README.md").read_text()

        found = re.findall(r"^## (.+)$", text, re.MULTILINE)

        assert [heading for heading in README_HEADINGS if heading not in found] == []

    def test_icon_is_a_small_drawing_without_script(self, manifest: Manifest) -> None:
        text = (folder(manifest.slug) / "icon.svg").read_text()

        assert text.startswith("<svg")
        assert len(text) < 4000
        assert not re.search(r"<script|href|onload|<image|<foreignObject", text)

    def test_fixtures_hold_nothing_that_looks_like_a_secret(self, manifest: Manifest) -> None:
        found = {
            path.name: SECRET_LOOKING.findall(re.sub(r"https?://[^\"]+", "", path.read_text()))
            for path in (folder(manifest.slug) / "fixtures").glob("*.json")
        }

        assert {name: hits for name, hits in found.items() if hits} == {}

    def test_an_error_fixture_for_each_thing_that_always_happens(self, manifest: Manifest) -> None:
        names = {path.stem for path in (folder(manifest.slug) / "fixtures").glob("error__*.json")}

        assert {"error__unauthorised", "error__server", "error__validation"} <= names

    def test_hooks_stay_small_and_import_only_the_sdk(self, manifest: Manifest) -> None:
        path = folder(manifest.slug) / "hooks.py"
        text = path.read_text() if path.is_file() else ""

        assert len(text.splitlines()) <= 150
        assert re.findall(r"(?:from|import) (apps\.(?!connectors\.sdk)\S+|django\S*|requests\S*)", text) == []

    def test_declared_quality_is_reached(self, manifest: Manifest) -> None:
        exempt = {item.rule for item in manifest.connector.exempt}
        reads = [spec.read for spec in manifest.objects.values() if spec.read]
        rules = {
            "incremental": any(not isinstance(read.cursor, FullRead) for read in reads),
            "write_back": any(spec.write for spec in manifest.objects.values()),
            "webhooks": manifest.webhooks is not None,
        }
        needed = {"bronze": [], "silver": ["incremental"], "gold": ["incremental", "write_back", "webhooks"]}

        missing = [rule for rule in needed[manifest.connector.quality] if not rules[rule] and rule not in exempt]

        assert missing == []

    def test_every_creation_can_be_found_again_when_its_outcome_is_uncertain(self, manifest: Manifest) -> None:
        blind = [
            f"{name}.{operation}"
            for name, spec in manifest.objects.items()
            for operation, write in spec.write.items()
            if not write.probe and not write.repeatable
        ]

        assert blind == []


@pytest.mark.parametrize(("slug", "object_name"), READS)
class TestReading:
    def test_replay_yields_exactly_the_expected_records(
        self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        records, _ = read_all(slug, object_name, monkeypatch)

        assert records == _expected(slug, object_name)

    def test_paging_ends_and_every_page_is_asked_for_once(
        self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, vendor = read_all(slug, object_name, monkeypatch)

        assert vendor.unread_pages() == []
        pages = vendor.page_requests()
        assert len(pages) == len(set(pages))

    def test_a_read_can_be_resumed_after_every_page(
        self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vendor = FixtureVendor(slug, object_name)
        monkeypatch.setattr("apps.core.http.send", vendor)
        found, resume = [], None
        while True:
            page = next(replay_client(slug).pages(object_name, cursor=None, resume=resume, page_size=2, now=NOW))
            found += page.records
            # What is resumed from has been through the database as JSON.
            resume = json.loads(json.dumps(page.next_resume))
            if resume is None:
                break

        assert found == _expected(slug, object_name)

    def test_cursor_moves_and_narrows_the_next_read(
        self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = manifest_for(slug).object(object_name).read
        assert spec is not None
        if isinstance(spec.cursor, FullRead):
            pytest.skip("read in full by its manifest")
        vendor = FixtureVendor(slug, object_name)
        monkeypatch.setattr("apps.core.http.send", vendor)
        pages = list(replay_client(slug).pages(object_name, cursor=None, page_size=2, now=NOW + timedelta(days=400)))
        high_water = pages[-1].high_water

        again = FixtureVendor(slug, object_name)
        monkeypatch.setattr("apps.core.http.send", again)
        next(replay_client(slug).pages(object_name, cursor=high_water, page_size=2, now=NOW + timedelta(days=400)))

        assert high_water is not None
        if spec.cursor.kind != "compare" or spec.cursor.param:
            assert again.page_requests()[0] != vendor.page_requests()[0]

    def test_declared_fields_exist_in_the_fixture(
        self, slug: str, object_name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        manifest = manifest_for(slug)
        records, _ = read_all(slug, object_name, monkeypatch)
        declared = [manifest.object(object_name).primary_key, *(f.path for f in manifest.object(object_name).fields)]
        absent = [path for path in declared if all(get(record, path) is None for record in records)]

        assert absent == []


@pytest.mark.parametrize(("slug", "name"), ERRORS)
def test_error_maps_to_its_family(slug: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = json.loads((folder(slug) / "fixtures" / name).read_text())
    reply = response(fixture["body"], status=fixture["status"], headers=fixture["headers"])
    monkeypatch.setattr("apps.core.http.send", ScriptedVendor([reply, reply, reply]))
    expect = fixture["expect"]
    with pytest.raises((VendorTransientError, VendorPermanentError)) as caught:
        replay_client(slug, can_renew=False).verify()

    error: Any = caught.value
    assert error.family is Family(expect["family"])
    assert expect["message"] in error.message
    if "code" in expect:
        assert error.code == expect["code"]
    if "retry_after_seconds" in expect:
        assert error.retry_after_seconds == expect["retry_after_seconds"]


def _expected(slug: str, object_name: str) -> Any:
    path: Path = folder(slug) / "fixtures" / f"{object_name}__expected.json"
    return json.loads(path.read_text())
