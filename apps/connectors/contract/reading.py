"""Promises about reading, kept or broken when the fixtures are played back through the real client."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from apps.connectors.contract.folders import ConnectorFolder
from apps.connectors.contract.replay import NOW, FixtureVendor, ReplayError, read_all, replay_client, response
from apps.connectors.manifest.paging import FullRead
from apps.connectors.paths import get
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.core.http import OutboundRequest, OutboundResponse

ReadingRule = Callable[[ConnectorFolder, str], list[str]]
_LATER = NOW + timedelta(days=400)


def replay_yields_exactly_the_expected_records(folder: ConnectorFolder, object_name: str) -> list[str]:
    path = folder.fixtures / f"{object_name}__expected.json"
    if not path.is_file():
        return [
            f"fixtures/{path.name} is missing; `bin/connector expected {folder.slug}` writes it, read it line by line"
        ]
    records, _ = read_all(folder, object_name)
    return _differences(json.loads(path.read_text(encoding="utf-8")), records, path.name)


def paging_ends_and_every_page_is_asked_for_once(folder: ConnectorFolder, object_name: str) -> list[str]:
    _, vendor = read_all(folder, object_name)
    problems = [f"fixtures/{name}.json is never asked for; look at the paginator" for name in vendor.unread_pages()]
    pages = vendor.page_requests()
    if len(pages) != len(set(pages)):
        problems.append("one page is asked for twice in the same words; look at the paginator's parameter")
    return problems


def a_read_can_be_resumed_after_every_page(folder: ConnectorFolder, object_name: str) -> list[str]:
    whole, _ = read_all(folder, object_name)
    vendor = FixtureVendor(folder, object_name)
    found: list[Any] = []
    resume = None
    while True:
        client = replay_client(folder.manifest, vendor)
        page = next(client.pages(object_name, cursor=None, resume=resume, page_size=2, now=NOW), None)
        if page is None:
            break
        found += page.records
        # What is resumed from has been through the database as JSON.
        resume = json.loads(json.dumps(page.next_resume))
        if resume is None:
            break
    return [] if found == whole else [f"resumed after each page it reads {len(found)} records, in one go {len(whole)}"]


def cursor_moves_and_narrows_the_next_read(folder: ConnectorFolder, object_name: str) -> list[str]:
    """Nothing to say about what is read in full by its manifest."""
    spec = folder.manifest.object(object_name).read
    if spec is None or isinstance(spec.cursor, FullRead):
        return []
    first, again = FixtureVendor(folder, object_name), FixtureVendor(folder, object_name)
    pages = list(replay_client(folder.manifest, first).pages(object_name, cursor=None, page_size=2, now=_LATER))
    high_water = pages[-1].high_water if pages else None
    if high_water is None:
        return [f"no record carries a time at cursor.field ({spec.cursor.field}), so the cursor never moves"]
    next(replay_client(folder.manifest, again).pages(object_name, cursor=high_water, page_size=2, now=_LATER))
    is_narrowed = spec.cursor.kind != "compare" or bool(spec.cursor.param)
    if is_narrowed and again.page_requests()[0] == first.page_requests()[0]:
        return ["the next read asks the same as the first; the cursor does not reach the request"]
    return []


def declared_fields_exist_in_the_fixture(folder: ConnectorFolder, object_name: str) -> list[str]:
    records, _ = read_all(folder, object_name)
    spec = folder.manifest.object(object_name)
    declared = [spec.primary_key, *(field.path for field in spec.fields)]
    return [
        f"no record of the fixtures has anything at {path}; correct the path or show it in a fixture"
        for path in declared
        if all(get(record, path) is None for record in records)
    ]


READING_RULES: tuple[ReadingRule, ...] = (
    replay_yields_exactly_the_expected_records,
    paging_ends_and_every_page_is_asked_for_once,
    a_read_can_be_resumed_after_every_page,
    cursor_moves_and_narrows_the_next_read,
    declared_fields_exist_in_the_fixture,
)


def error_problems(folder: ConnectorFolder, path: Path) -> list[str]:
    """What is wrong with how the answer in this error fixture is understood."""
    fixture = json.loads(path.read_text(encoding="utf-8"))
    if missing := [key for key in ("status", "headers", "body", "expect") if key not in fixture]:
        return [f"fixtures/{path.name} lacks {', '.join(missing)}"]
    reply = response(fixture["body"], status=fixture["status"], headers=fixture["headers"])

    def send(_: OutboundRequest) -> OutboundResponse:
        return reply

    try:
        replay_client(folder.manifest, send).verify()
    except (VendorTransientError, VendorPermanentError) as error:
        return _misunderstood(error, fixture["expect"])
    return [f"the answer with status {fixture['status']} counts as a success; see client.errors"]


def guarded(rule: ReadingRule, folder: ConnectorFolder, object_name: str) -> list[str]:
    """The rule's answer; what hinders the replay itself is an answer too."""
    try:
        return rule(folder, object_name)
    except (ReplayError, VendorTransientError, VendorPermanentError) as error:
        return [error.message]


def _misunderstood(error: Any, expect: dict[str, Any]) -> list[str]:
    problems = []
    for key in ("family", "code", "retry_after_seconds"):
        found = getattr(error, key, None)
        if key in expect and found != expect[key]:
            problems.append(f"{key} is {str(found)!r}, expected {expect[key]!r}; see client.errors")
    if expect["message"] not in error.message:
        problems.append(f"the message is {error.message!r}, expected to hold {expect['message']!r}")
    return problems


def _differences(expected: Any, records: list[Any], name: str) -> list[str]:
    if expected == records:
        return []
    if not isinstance(expected, list) or len(expected) != len(records):
        wanted = len(expected) if isinstance(expected, list) else "no list"
        return [f"the fixtures hold {len(records)} records, fixtures/{name} {wanted}"]
    different = [number for number, pair in enumerate(zip(expected, records, strict=True)) if pair[0] != pair[1]]
    return [f"fixtures/{name}: record {number} is not what the manifest reads from the page" for number in different]
