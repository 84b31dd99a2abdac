"""`bin/connector import-openapi`: a folder with a drafted manifest that a person then finishes."""

from __future__ import annotations

import argparse
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from apps.connectors.contract import GUESSED, TO_COMPLETE, marks_in
from apps.connectors.manifest import ManifestError, load_file
from apps.connectors.manifest.loader import CATALOG
from apps.connectors.paths import put
from launcher.connector.drafting.document import Document
from launcher.connector.drafting.drafts import Draft, draft
from launcher.connector.drafting.rendering import render
from launcher.connector.making import facts_of, write_surroundings
from launcher.connector.places import new_folder


def import_openapi(options: argparse.Namespace, here: Path) -> int:
    """Write the draft and say what it holds; 1 when a person has to repair it before it loads."""
    path = new_folder(options.slug, options.into, here)
    source = (here / options.file).resolve()
    facts = facts_of(options)
    document = Document(source)
    made = draft(document, category=facts["category"], only=options.only)
    path.mkdir(parents=True)
    try:
        write_surroundings(path, facts)
        text = render(made, facts, file_name=source.name, today=datetime.now(UTC).date())
        (path / "manifest.yaml").write_text(text, encoding="utf-8")
        _write_errors(path / "fixtures", made)
    except BaseException:
        shutil.rmtree(path)
        raise
    print(f"drafted {path}")
    _tell(made)
    if document.dangling:
        print(f"  {len(document.dangling)} references lead nowhere, such as {min(document.dangling)}")
    print(
        f"{len(marks_in(path, GUESSED))} guesses with their reasons, {len(marks_in(path, TO_COMPLETE))} gaps to be completed"
    )
    try:
        load_file(path / "manifest.yaml")
    except ManifestError as error:
        print("The draft does not load yet; a person has to repair:")
        print(error.message)
        return 1
    shown = path.name if path.parent == CATALOG else str(path)
    print("The draft loads. Next: finish what is marked in manifest.yaml, then")
    print(f"  bin/connector try {shown} --base-url …     bin/connector check {shown}")
    return 0


def _tell(made: Draft) -> None:
    for name, item in made.objects.items():
        does = [operation for operation in ("create", "update") if getattr(item, operation)]
        print(
            f"  {name}: {item.entity.value or 'no entity'}, {item.paginator.value['kind']}, "
            f"{item.cursor.value['kind']}{', ' + ' and '.join(does) if does else ''}"
        )
    if made.left_out:
        print(f"  not drafted: {len(made.left_out)} more objects; the end of the manifest lists them")


def _write_errors(folder: Path, made: Draft) -> None:
    """The invented failures in the shape that the file describes."""
    if not made.error_message.value:
        return
    at = made.error_message.value[0].replace('"', "")
    for path in folder.glob("error__*.json"):
        fixture = json.loads(path.read_text(encoding="utf-8"))
        fixture["body"] = put({}, at, fixture["expect"]["message"])
        path.write_text(json.dumps(fixture, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
