"""How far drafts agree with manifests that people wrote: for the table in docs/connectors.md.

THROUGHLINE_SPECS=… python -m tests.launcher.draft_agreement
"""

import os
from pathlib import Path
from typing import Any

from launcher.connector.__main__ import prepare

FILES = {
    "harvest": "harvest/harvest-openapi.yaml",
    "hubspot": "hubspot/apiDefinition.swagger.json",
    "xero": "xero/xero_accounting.yaml",
}


def main(specs: Path) -> None:
    for slug, file in FILES.items():
        print(
            f"{slug}: " + ", ".join(f"{what} {right}/{of}" for what, (right, of) in compare(slug, specs / file).items())
        )


def compare(slug: str, file: Path) -> dict[str, tuple[int, int]]:
    """What is compared → how often the draft says what the manifest says, and how often it could."""
    from apps.connectors.manifest import manifest_for
    from launcher.connector.drafting.document import Document
    from launcher.connector.drafting.drafts import draft
    from launcher.connector.drafting.operations import operations_of
    from launcher.connector.drafting.resources import resources_of

    manifest = manifest_for(slug)
    document = Document(file)
    names = [resource.name for resource in resources_of(document, operations_of(document))]
    made = draft(document, category=manifest.connector.category, only=names)
    by_path = {item.resource.path.rstrip("/"): item for item in made.objects.values()}
    table: dict[str, list[bool]] = {
        "object found": [],
        "record path": [],
        "primary key": [],
        "paging": [],
        "incremental": [],
    }
    for spec in manifest.objects.values():
        if spec.read is None:
            continue
        request = spec.read.full_request or spec.read.request
        item = by_path.get(request.path.rstrip("/"))
        table["object found"].append(item is not None)
        if item is None:
            continue
        paginator: Any = spec.read.full_paginator or spec.read.paginator or manifest.defaults.paginator
        table["record path"].append(item.resource.records.path == spec.read.records)
        table["primary key"].append(item.resource.key == spec.primary_key)
        table["paging"].append(_same(item.paginator.value, paginator, ("kind", "param", "next")))
        table["incremental"].append(_same(item.cursor.value, spec.read.cursor, ("kind", "param", "field", "path")))
    kinds = {method.kind for method in manifest.auth}
    table["log-in"] = [method.value["kind"] in kinds for method in made.login.methods]
    table["address"] = [made.base_url.value.rstrip("/") == manifest.client.base_url.rstrip("/")]
    return {what: (sum(found), len(found)) for what, found in table.items()}


def _same(guessed: dict[str, Any], written: Any, keys: tuple[str, ...]) -> bool:
    return all(guessed.get(key) == getattr(written, key, None) or not getattr(written, key, None) for key in keys)


if __name__ == "__main__":
    prepare()
    main(Path(os.environ["THROUGHLINE_SPECS"]))
