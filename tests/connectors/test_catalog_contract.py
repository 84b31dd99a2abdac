"""Every connector folder keeps the same promises. A folder passes or fails as data; most need no Python at all.

The rules are those of `apps.connectors.contract`, which `bin/connector check` uses too. Renew the expected files after
a wanted change with `bin/connector expected <slug>`.
"""

import pytest

from apps.connectors.contract import (
    FOLDER_RULES,
    READING_RULES,
    ConnectorFolder,
    error_problems,
    open_folder,
)
from apps.connectors.contract.reading import ReadingRule
from apps.connectors.contract.rules import Rule
from apps.connectors.manifest import folder, manifest_for, slugs
from apps.mappings.defaults import default_mapping_problems

READS = [(slug, name) for slug in slugs() for name in open_folder(folder(slug)).reads]
ERRORS = [(slug, path.name) for slug in slugs() for path in sorted((folder(slug) / "fixtures").glob("error__*.json"))]


def _folder(slug: str) -> ConnectorFolder:
    return open_folder(folder(slug))


@pytest.mark.parametrize("rule", FOLDER_RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("slug", slugs())
def test_folder(slug: str, rule: Rule) -> None:
    assert rule(_folder(slug)) == []


@pytest.mark.parametrize("rule", READING_RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(("slug", "object_name"), READS)
def test_reading(slug: str, object_name: str, rule: ReadingRule) -> None:
    assert rule(_folder(slug), object_name) == []


@pytest.mark.parametrize(("slug", "name"), ERRORS)
def test_error_maps_to_its_family(slug: str, name: str) -> None:
    found = _folder(slug)

    assert error_problems(found, found.fixtures / name) == []


@pytest.mark.parametrize("slug", slugs())
def test_default_mappings_are_well_written(slug: str) -> None:
    assert default_mapping_problems(manifest_for(slug)) == []
