"""How often a suggestion finds what a connector's own mapping says: each line is hidden in turn.

Printed by: python -m tests.mappings.hit_rate
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.connectors.manifest import folder, manifest_for, slugs
from apps.mappings.engine.paths import JMESPATH
from apps.mappings.shapes import learn
from apps.mappings.suggesting import Suggestion, fields_of_shape, suggest


@dataclass(frozen=True, slots=True)
class Hidden:
    """A line of a default mapping that was hidden, and what was suggested in its place."""

    connector: str
    object_name: str
    to: str
    right: frozenset[str]
    found: tuple[Suggestion, ...]

    @property
    def is_first(self) -> bool:
        return bool(self.found) and self.found[0].path in self.right

    @property
    def is_among(self) -> bool:
        return any(suggestion.path in self.right for suggestion in self.found)


def hidden_lines() -> Iterator[Hidden]:
    """Lines that read plain paths which the fixtures' records have; constants and templates have nothing to find."""
    for slug in slugs():
        for spec in manifest_for(slug).mappings:
            path = folder(slug) / "fixtures" / f"{spec['object']}__expected.json"
            if spec["direction"] == "in" and path.is_file():
                yield from _hidden(slug, spec, json.loads(path.read_text()))


def _hidden(slug: str, spec: dict[str, Any], records: list[Any]) -> Iterator[Hidden]:
    from apps.mappings.targets import targets_of  # models: not before Django is set up, when this runs by itself

    sources = fields_of_shape(learn(records))
    known = {source.path for source in sources}
    targets = {target.name: target for target in targets_of(spec["entity"])}
    for line in spec["fields"]:
        right = frozenset([line["from"]] if "from" in line else line.get("first_of", ()))
        if line["to"] in targets and right & known and not any(path.startswith(JMESPATH) for path in right):
            found = suggest([targets[line["to"]]], sources)
            yield Hidden(slug, spec["object"], line["to"], right, tuple(found))


def table(lines: list[Hidden]) -> str:
    rows = ["| connector | lines hidden | found first | among the first three |", "| --- | --- | --- | --- |"]
    for slug in [*sorted({line.connector for line in lines}), "all"]:
        mine = [line for line in lines if slug in (line.connector, "all")]
        first, among = sum(line.is_first for line in mine), sum(line.is_among for line in mine)
        rows.append(f"| {slug} | {len(mine)} | {first / len(mine):.0%} | {among / len(mine):.0%} |")
    return "\n".join(rows)


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings_test")
    os.environ.setdefault("DATABASE_URL", "postgres://none:none@127.0.0.1:1/none")
    import django

    django.setup()
    print(table(list(hidden_lines())))
