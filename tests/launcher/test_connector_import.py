"""bin/connector import-openapi: what stands in the file is taken over, the rest is guessed with a reason or left open."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.connectors.contract import GUESSED, TO_COMPLETE, marks_in
from apps.connectors.manifest import Manifest, load_file
from launcher.connector.__main__ import parser, run
from launcher.errors import LauncherError

TIDEWATER = Path(__file__).parent / "tidewater" / "openapi.yaml"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLED_FROM", str(tmp_path))


def imported(source: Path, *more: str) -> int:
    return run(parser().parse_args(["import-openapi", str(source), "--slug", "drafted", "--into", ".", *more]))


@pytest.fixture
def tidewater(tmp_path: Path) -> Manifest:
    assert imported(TIDEWATER, "--category", "psa") == 0
    return load_file(tmp_path / "drafted" / "manifest.yaml")


def spec(**sections: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://api.v.example"}],
    } | sections


def listing(record: dict[str, Any], *, parameters: list[Any] | None = None, aside: dict[str, Any] | None = None) -> Any:
    answer = {"type": "object", "properties": {"data": {"type": "array", "items": record}, **(aside or {})}}
    content = {"application/json": {"schema": answer}}
    return {"get": {"parameters": parameters or [], "responses": {"200": {"description": "", "content": content}}}}


def parameter(name: str, where: str = "query", **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": where, "schema": schema or {"type": "string"}}


RECORD = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}
TEXT = {"type": "string"}


def drafted(tmp_path: Path, data: dict[str, Any], *more: str) -> Manifest:
    source = tmp_path / "spec.json"
    source.write_text(json.dumps(data))
    assert imported(source, *more) == 0
    return load_file(tmp_path / "drafted" / "manifest.yaml")


class TestTidewater:
    """The file of tests/launcher/tidewater, with references into a second file and schemas that contain themselves."""

    def test_log_in_and_address(self, tidewater: Manifest) -> None:
        assert tidewater.client.base_url == "https://api.tidewater.example/v2"
        assert [method.kind for method in tidewater.auth] == ["bearer"]
        assert [(field.name, field.secret) for field in tidewater.fields] == [("api_token", True)]
        assert tidewater.client.verification.request.path == "/me"
        assert tidewater.client.errors.message == ["error.message"]

    def test_objects_with_their_keys_paging_and_cursor(self, tidewater: Manifest) -> None:
        clients, projects = tidewater.object("clients"), tidewater.object("projects")

        assert clients.read and projects.read and clients.read.paginator and projects.read.paginator
        assert (clients.primary_key, clients.read.records, clients.entity) == ("client_id", "clients", "client")
        assert clients.read.paginator.model_dump()["total_pages"] == "meta.total_pages"
        assert clients.read.paginator.model_dump()["size_param"] == "per_page"
        assert (projects.primary_key, projects.read.records) == ("project_id", "data")
        assert projects.read.paginator.model_dump()["next"] == "next_cursor"
        assert [read.cursor.model_dump()["param"] for read in (clients.read, projects.read)] == [
            "updated_since",
            "changed_after",
        ]

    def test_creation_is_wrapped_as_the_file_says_and_can_be_found_again(self, tidewater: Manifest) -> None:
        create = tidewater.write("clients", "create")

        assert create.request.body == {"client": "${body}"}
        assert (create.answer_id, create.answer_record) == ("client.client_id", "client")
        assert create.probe[0].model_dump()["field"] == "name"

    def test_mappings_are_proposals_and_become_valid_when_uncommented(
        self, tidewater: Manifest, tmp_path: Path
    ) -> None:
        path = tmp_path / "drafted" / "manifest.yaml"
        assert tidewater.mappings == []

        before, _, proposed = path.read_text().partition("# mappings:\n")
        lines = [line[1:] for line in proposed.splitlines() if line.startswith("#  ")]
        path.write_text(before + "mappings:\n" + "\n".join(lines) + "\n")

        mapped = {(item["object"], item["direction"]) for item in load_file(path).mappings}
        assert {("clients", "in"), ("clients", "out"), ("projects", "in")} <= mapped

    def test_every_guess_carries_its_reason(self, tidewater: Manifest, tmp_path: Path) -> None:
        guesses = marks_in(tmp_path / "drafted", GUESSED)

        assert guesses
        assert all("guessed: because " in guess.text for guess in guesses)
        assert marks_in(tmp_path / "drafted", TO_COMPLETE)


class TestPaging:
    @pytest.mark.parametrize(
        ("names", "aside", "expected"),
        [
            (["page", "per_page"], {}, {"kind": "page_number", "param": "page", "size_param": "per_page"}),
            (
                ["offset", "limit"],
                {"total": {"type": "integer"}},
                {"kind": "offset", "param": "offset", "total": "total"},
            ),
            (["$skip", "$top"], {}, {"kind": "offset", "param": "$skip", "size_param": "$top"}),
            (["starting_after"], {"has_more": {"type": "boolean"}}, {"kind": "last_id", "more": "has_more"}),
            (["pageToken"], {"nextPageToken": TEXT}, {"kind": "cursor", "param": "pageToken", "next": "nextPageToken"}),
            (
                ["page"],
                {"links": {"type": "object", "properties": {"next": TEXT}}},
                {"kind": "next_url", "next": "links.next"},
            ),
            ([], {}, {"kind": "none"}),
        ],
    )
    def test_is_told_by_names(
        self, tmp_path: Path, names: list[str], aside: dict[str, Any], expected: dict[str, str]
    ) -> None:
        path = listing(RECORD, parameters=[parameter(name) for name in names], aside=aside)

        read = drafted(tmp_path, spec(paths={"/projects": path})).object("projects").read

        assert read and read.paginator
        assert expected.items() <= read.paginator.model_dump().items()


class TestIncremental:
    @pytest.mark.parametrize(
        ("given", "field", "expected"),
        [
            (
                parameter("modifiedSince", type="string", format="date"),
                "lastModified",
                {"kind": "updated_since", "format": "date"},
            ),
            (parameter("updated_at[gt]"), "updated_at", {"kind": "updated_since", "param": "updated_at[gt]"}),
            (parameter("since_updated", type="integer"), "updated", {"kind": "updated_since", "format": "epoch_s"}),
            (parameter("If-Modified-Since", "header"), "UpdatedDateUTC", {"kind": "header", "format": "http_date"}),
            (parameter("$filter"), "modifiedAt", {"kind": "updated_since", "value": "modifiedAt gt ${cursor}"}),
            (parameter("q"), "updated_at", {"kind": "compare", "field": "updated_at"}),
            (parameter("modified_since"), "colour", {"kind": "full"}),
        ],
    )
    def test_is_told_by_parameter_and_field(
        self, tmp_path: Path, given: dict[str, Any], field: str, expected: dict[str, str]
    ) -> None:
        record = {"type": "object", "properties": {"id": TEXT, field: TEXT}}

        read = drafted(tmp_path, spec(paths={"/projects": listing(record, parameters=[given])})).object("projects").read

        assert read
        assert expected.items() <= read.cursor.model_dump().items()


class TestLogIn:
    @pytest.mark.parametrize(
        ("scheme", "kind", "fields"),
        [
            ({"type": "http", "scheme": "basic"}, "basic", ["username", "password"]),
            ({"type": "apiKey", "in": "header", "name": "X-Api-Key"}, "api_key", ["api_key"]),
            ({"type": "apiKey", "in": "query", "name": "key"}, "api_key", ["api_key"]),
            ({"type": "apiKey", "in": "header", "name": "Authorization"}, "bearer", ["api_token"]),
            (
                {"type": "oauth2", "flows": {"authorizationCode": {
                    "authorizationUrl": "https://v.example/a", "tokenUrl": "https://v.example/t", "scopes": {"read": ""}}}},
                "oauth2_code", ["client_id", "client_secret"],
            ),
            (
                {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://v.example/t", "scopes": {}}}},
                "client_credentials", ["client_id", "client_secret"],
            ),
        ],
    )  # fmt: skip
    def test_scheme_becomes_method_and_form(
        self, tmp_path: Path, scheme: dict[str, Any], kind: str, fields: list[str]
    ) -> None:
        data = spec(paths={"/projects": listing(RECORD)}, components={"securitySchemes": {"way": scheme}})

        manifest = drafted(tmp_path, data)

        assert [method.kind for method in manifest.auth] == [kind]
        assert [field.name for field in manifest.fields] == fields

    def test_header_that_everything_needs_is_a_setting(self, tmp_path: Path) -> None:
        tenant = {"name": "X-Tenant", "in": "header", "required": True, "schema": TEXT}

        manifest = drafted(tmp_path, spec(paths={"/projects": listing(RECORD, parameters=[tenant])}))

        assert manifest.client.headers == {"X-Tenant": "${config.x_tenant}"}
        assert "x_tenant" in [field.name for field in manifest.fields if not field.secret]

    def test_file_that_does_not_say_leaves_it_open(self, tmp_path: Path) -> None:
        drafted(tmp_path, spec(paths={"/projects": listing(RECORD)}))

        open_lines = [mark.text for mark in marks_in(tmp_path / "drafted", TO_COMPLETE)]

        assert any(line.startswith("kind: bearer") for line in open_lines)


class TestAddress:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("https://{site}.v.example/api", "https://${config.site}.v.example/api"),
            ("https://your-domain.v.example", "${config.base_url}"),
            ("https://api.v.example/", "https://api.v.example"),
        ],
    )
    def test_what_differs_by_customer_is_a_setting(self, tmp_path: Path, url: str, expected: str) -> None:
        data = spec(paths={"/projects": listing(RECORD)}, servers=[{"url": url, "variables": {"site": {}}}])

        assert drafted(tmp_path, data).client.base_url == expected

    def test_live_system_comes_before_the_sandbox(self, tmp_path: Path) -> None:
        servers = [{"url": "https://sandbox.v.example"}, {"url": "https://live.v.example"}]

        manifest = drafted(tmp_path, spec(paths={"/projects": listing(RECORD)}, servers=servers))

        assert manifest.client.base_url == "https://live.v.example"

    def test_first_part_of_all_paths_is_a_setting(self, tmp_path: Path) -> None:
        paths = {
            f"/accounts/{{accountId}}/{name}": listing(RECORD) for name in ("projects", "users", "clients", "tasks")
        }

        manifest = drafted(tmp_path, spec(paths=paths))

        read = manifest.object("projects").read
        assert read and read.request.path == "/accounts/${config.account_id}/projects"


def test_swagger_2_with_form_bodies(tmp_path: Path) -> None:
    record = {"type": "object", "properties": {"id": {"type": "integer"}, "email": TEXT}}
    form = [{"name": "email", "in": "formData", "type": "string", "required": True}]
    data = {
        "swagger": "2.0", "info": {"title": "T", "version": "1"}, "host": "api.v.example", "basePath": "/v1", "schemes": ["https"],
        "definitions": {"User": record},
        "paths": {"/users": {
            "get": {"responses": {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/User"}}}}},
            "post": {"parameters": form, "responses": {"201": {"schema": {"$ref": "#/definitions/User"}}}},
        }},
    }  # fmt: skip

    manifest = drafted(tmp_path, data)

    create = manifest.write("users", "create")
    assert manifest.client.base_url == "https://api.v.example/v1"
    assert (create.request.encoding, create.answer_id) == ("form", "id")


def test_a_first_part_that_lists_nothing_is_a_setting_however_few_paths_there_are(tmp_path: Path) -> None:
    """Projects below an organization, as in solidtime's file; nothing lists the organizations."""
    found = drafted(tmp_path, spec(paths={"/organization/{organization}/projects": listing(RECORD)}))

    read = found.object("projects").read
    assert read is not None and read.request.path == "/organization/${config.organization}/projects"
    assert "organization" in {field.name for field in found.fields}


def test_what_the_vendor_insists_on_and_we_do_not_have_is_left_to_complete(tmp_path: Path) -> None:
    projects = listing(RECORD)
    body = {"type": "object", "required": ["name", "color"], "properties": {"name": TEXT, "color": TEXT}}
    projects["post"] = {
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {"201": {"description": "", "content": {"application/json": {"schema": RECORD}}}},
    }
    drafted(tmp_path, spec(paths={"/projects": projects}))

    text = (tmp_path / "drafted" / "manifest.yaml").read_text()
    (line,) = [line for line in text.splitlines() if "to: color" in line]
    assert "the vendor insists on it" in line and TO_COMPLETE in line


def test_child_is_read_for_each_parent(tmp_path: Path) -> None:
    paths = {"/projects": listing(RECORD), "/projects/{id}/milestones": listing(RECORD), "/tags": listing(RECORD)}

    read = drafted(tmp_path, spec(paths=paths)).object("milestones").read

    assert read and read.for_each
    assert read.for_each.object == "projects"
    assert read.request.path == "/projects/${parent.id}/milestones"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        (["project_id", "id"], "id"),
        (["project_id", "name"], "project_id"),
        (["code", "ref_id"], "code"),
        (["ref_id"], "ref_id"),
    ],
)
def test_id_of_a_record(tmp_path: Path, fields: list[str], key: str) -> None:
    record = {"type": "object", "properties": dict.fromkeys(fields, TEXT)}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": record}}}}
    paths = {"/projects": listing(record), "/projects/{project_id}": {"get": {"responses": answer}}}

    assert drafted(tmp_path, spec(paths=paths)).object("projects").primary_key == key


def test_list_is_not_proposed_for_a_single_value(tmp_path: Path) -> None:
    record = {"type": "object", "properties": {"id": TEXT, "email": TEXT, "roles": {"type": "array", "items": TEXT}}}

    drafted(tmp_path, spec(paths={"/users": listing(record)}))

    text = (tmp_path / "drafted" / "manifest.yaml").read_text()
    assert "from: email" in text
    assert "from: roles" not in text


def test_what_has_no_entity_is_listed_and_drafted_on_demand(tmp_path: Path) -> None:
    paths = {"/projects": listing(RECORD), "/wombats": listing(RECORD)}

    manifest = drafted(tmp_path, spec(paths=paths))
    assert list(manifest.objects) == ["projects"]
    assert "# wombats" in (tmp_path / "drafted" / "manifest.yaml").read_text()

    source = tmp_path / "spec.json"
    run(parser().parse_args(["import-openapi", str(source), "--slug", "on_demand", "--into", ".", "--only", "wombats"]))
    assert list(load_file(tmp_path / "on_demand" / "manifest.yaml").objects) == ["wombats"]


def test_hostile_names_stay_data(tmp_path: Path) -> None:
    """Names and texts from the file cannot become YAML or break out of a comment."""
    record = {
        "type": "object",
        "properties": {"id": TEXT, "a: b # d": TEXT, "e\n- f": TEXT, "@odata.etag": TEXT, "x'\"${y}": TEXT},
    }
    data = spec(paths={"/projects": listing(record)}, info={"title": "T", "version": "1\nevil: {"})

    manifest = drafted(tmp_path, data, "--name", "A: b # c", "--vendor", "- x")

    assert manifest.connector.name == "A: b # c"
    assert manifest.connector.api.version == "1\nevil: {"
    assert [field.path for field in manifest.object("projects").fields] == ["id", '"a: b # d"', '"@odata.etag"']


class TestRefusal:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("<schema/>", "is XML"),
            ("{not json", "neither JSON nor YAML"),
            ("- a", "an OpenAPI file is an object"),
            ("{}", "no `openapi` and no `swagger`"),
            ('{"url": "/x", "method": "GET"}', "Postman"),
            ('{"$schema": "x"}', "JSON Schema without requests"),
            ("openapi: 4.0.0", "version '4.0.0' is not known"),
            ("openapi: 3.0.0\npaths: {}", "`paths` is empty"),
            ("openapi: 3.0.0\npaths: {/a: {delete: {}}}", "1 requests .DELETE., but none of them answers with a list"),
            ("openapi: 3.0.0\npaths: {/a: {$ref: 'https://v.example/x.yaml'}}", "nothing is fetched"),
            ("openapi: 3.0.0\npaths: {/a: {$ref: 'gone.yaml'}}", "gone.yaml cannot be read"),
        ],
    )
    def test_says_why_and_leaves_nothing_behind(self, tmp_path: Path, text: str, message: str) -> None:
        source = tmp_path / "spec.yaml"
        source.write_text(text)

        with pytest.raises(LauncherError, match=message):
            imported(source)

        assert not (tmp_path / "drafted").exists()

    def test_reference_that_leads_nowhere_is_told_and_the_rest_is_drafted(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        record = {"type": "object", "properties": {"id": TEXT, "owner": {"$ref": "#/components/schemas/Gone"}}}

        drafted(tmp_path, spec(paths={"/projects": listing(record)}))

        assert "1 references lead nowhere, such as spec.json#/components/schemas/Gone" in capsys.readouterr().out


def test_draft_is_yaml_with_readable_lines(tidewater: Manifest, tmp_path: Path) -> None:
    text = (tmp_path / "drafted" / "manifest.yaml").read_text()

    assert yaml.safe_load(text)["connector"]["category"] == "psa"
    assert max(len(line.split("  #")[0]) for line in text.splitlines()) < 240
