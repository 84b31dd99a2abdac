"""A wrong manifest is refused with file, line, key, what was found and what is allowed."""

from pathlib import Path

import pytest
import yaml

from apps.connectors.checks import check_manifests
from apps.connectors.manifest import ManifestError, UnknownConnectorError, json_schema, load_file, manifest_for
from apps.connectors.manifest.loader import CATALOG

GOOD = (CATALOG / "redmine" / "manifest.yaml").read_text()


def load(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "redmine"
    folder.mkdir(exist_ok=True)
    (folder / "manifest.yaml").write_text(text)
    load_file(folder / "manifest.yaml")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("category: projects", "category: project", ["connector.category", "found 'project'", "'projects'", "line"]),
        ("kind: api_key", "kind: apikey", ["auth.0", "allowed", "'api_key'", "'oauth2_code'"]),
        ("kind: offset", "kind: offsett", ["defaults.paginator", "allowed", "'page_number'"]),
        ("  summary:", "  sumary: x\n  summary:", ["connector.sumary", "no such key"]),
        ("slug: redmine", "slug: bluemine", ["connector.slug", "'bluemine'", "'redmine'"]),
        ("value: ${credentials.api_key}", "value: ${credentials.key}", ["credentials.key", "'api_key'"]),
        ("value: ${credentials.api_key}", "value: ${env.KEY}", ["unknown placeholder ${env.KEY}", "allowed"]),
        ("records: projects\n", "records: 'projects['\n", ["records", "not a valid path"]),
        ("object: projects, field: id", "object: project, field: id", ["for_each", "'project'"]),
        ("entity: project\n", "entity: project\n    same_as: nothing\n", ["same_as", "found 'nothing'", "'time_entries'"]),
        ("entity: project\n", "entity: project\n    same_as: projects\n", ["same_as", "found 'projects'"]),
        ("limit: 600", "limit: 0", ["client.rate.windows.0.limit", "found 0"]),
        ("limit: 600", "limit: 600, limit: 700", ["'limit' stands there twice"]),
        ("  name: Redmine\n", "", ["connector.name", "required and missing"]),
        ("pattern: '\\d{1,9}'\n    example: \"4\"", "pattern: '\\d{1,9}'\n    example: four", ["example 'four'"]),
        ("connector:\n", "connector: [\n", ["not valid YAML"]),
    ],
)  # fmt: skip
def test_says_what_is_wrong_and_where(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in GOOD

    with pytest.raises(ManifestError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))

    for part in [str(tmp_path / "redmine" / "manifest.yaml"), *expected]:
        assert part in caught.value.message


def test_the_line_is_the_line(tmp_path: Path) -> None:
    line = GOOD[: GOOD.index("category: projects")].count("\n") + 1

    with pytest.raises(ManifestError, match=f"line {line}: connector.category"):
        load(tmp_path, GOOD.replace("category: projects", "category: nope"))


def test_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="mapping of sections"):
        load(tmp_path, "")


@pytest.mark.parametrize("slug", ["nope", "../catalog/xero", "", "xero/../xero"])
def test_unknown_connectors_name_the_known_ones(slug: str) -> None:
    with pytest.raises(UnknownConnectorError, match="harvest, hubspot"):
        manifest_for(slug)


def test_the_catalog_passes_its_system_check() -> None:
    assert check_manifests() == []


def test_schema_for_editors_knows_the_closed_sets() -> None:
    text = str(json_schema())

    assert "oauth2_code" in text
    assert "if_modified" not in text
    assert json_schema()["$schema"].startswith("https://json-schema.org/")


def test_a_key_given_twice_deep_inside_is_found(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"line \d+: the key 'title' stands there twice"):
        load(tmp_path, GOOD.replace("    title: Projects\n", "    title: Projects\n    title: Jobs\n", 1))


def test_good_manifest_is_good(tmp_path: Path) -> None:
    load(tmp_path, GOOD)
    assert yaml.safe_load(GOOD)["connector"]["slug"] == "redmine"
