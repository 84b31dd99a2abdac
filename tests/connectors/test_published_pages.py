"""Jira's and Intercom's reads, held against their published files: what is asked for, and what the fixtures answer."""

import json
from urllib.parse import urlsplit

import pytest

from apps.connectors.contract.folders import open_folder
from apps.connectors.contract.replay import NOW, FixtureVendor, replay_client
from apps.connectors.manifest import folder, manifest_for
from apps.core.http import OutboundRequest, OutboundResponse
from sandbox.conformance import Operation, SpecsMissingError, load_spec, specs_folder

pytestmark = pytest.mark.specs

# The file, and where its paths begin. Version 2 of Jira's API differs from version 3, the published one, in long texts alone.
PUBLISHED = {
    "intercom": ("intercom/api.intercom.io-2.16.yaml", "api.intercom.io", ""),
    "jira": ("atlassian-jira/jira-platform-swagger-v3.v3.json", "/rest/api/2", "/rest/api/3"),
}
READS = [(slug, name) for slug in PUBLISHED for name, spec in manifest_for(slug).objects.items() if spec.read]


@pytest.fixture(scope="module", autouse=True)
def specs() -> None:
    try:
        specs_folder()
    except SpecsMissingError as error:
        pytest.skip(str(error))


def published(slug: str, request: OutboundRequest) -> Operation:
    file, before, instead = PUBLISHED[slug]
    parts = urlsplit(request.url)
    path = f"{parts.netloc}{parts.path}".partition(before)[2]
    return load_spec(file).operation(request.method, instead + path)


@pytest.mark.parametrize(("slug", "name"), READS)
def test_pages_are_asked_for_and_answered_as_published(slug: str, name: str) -> None:
    opened = open_folder(folder(slug))
    vendor = FixtureVendor(opened, name)
    asked: list[Operation] = []
    problems: list[str] = []

    def send(request: OutboundRequest) -> OutboundResponse:
        answer = vendor(request)
        operation = published(slug, request)
        asked.append(operation)
        if request.body:
            problems.extend(operation.request_errors(json.loads(request.body)))
        problems.extend(operation.response_errors(200, json.loads(answer.body)))
        return answer

    for _page in replay_client(opened.manifest, send).pages(name, cursor=None, page_size=2, now=NOW):
        pass

    assert problems == []
    assert all(operation.response_errors(200, "text") for operation in asked), "a control: not everything passes"
