"""`bin/connector new`: a folder that already keeps the contract, with the facts to fill in marked."""

from __future__ import annotations

import argparse
import colorsys
import json
import zlib
from pathlib import Path
from typing import Any, get_args

from apps.connectors.contract import README_HEADINGS, TO_COMPLETE, marks_in, open_folder, write_expected
from apps.connectors.manifest.about import About
from apps.connectors.manifest.loader import CATALOG
from launcher.connector.checking import all_findings, tell
from launcher.connector.places import new_folder
from launcher.errors import LauncherError

TEMPLATE = Path(__file__).parent / "template"
CATEGORIES: tuple[str, ...] = get_args(About.model_fields["category"].annotation)
# The hats that a category usually wears; most bear the same name.
_ROLES = {"time_and_expense": "time", "files": "projects"}


def new(options: argparse.Namespace, here: Path) -> int:
    """Make the folder, then say what the contract still wants."""
    path = new_folder(options.slug, options.into, here)
    facts = facts_of(options)
    path.mkdir(parents=True)
    _write(path / "manifest.yaml", fill((TEMPLATE / "manifest.yaml").read_text(encoding="utf-8"), facts))
    write_surroundings(path, facts)
    _write_fixtures(path / "fixtures")
    write_expected(open_folder(path))
    print(f"made {path}")
    remaining(path)
    return 0


def facts_of(options: argparse.Namespace) -> dict[str, str]:
    """What the template's braces stand for."""
    category = options.category or "psa"
    if category not in CATEGORIES:
        raise LauncherError(f"--category: found {category!r}; allowed: {', '.join(CATEGORIES)}")
    name = options.name or options.slug.replace("_", " ").title()
    return {
        "slug": options.slug,
        "name": name,
        "vendor": options.vendor or name,
        "category": category,
        "category_mark": "" if options.category else f"  # {TO_COMPLETE}: one of {', '.join(CATEGORIES)}",
        "role": _ROLES.get(category, category),
    }


def write_surroundings(path: Path, facts: dict[str, str]) -> None:
    """Everything but the manifest and what depends on it: README, icon, package file, error fixtures."""
    (path / "fixtures").mkdir(parents=True, exist_ok=True)
    _write(path / "__init__.py", "")
    _write(path / "README.md", _readme(facts))
    _write(path / "icon.svg", _icon(facts["slug"]))
    for name, status, family, message in (
        ("unauthorised", 401, "auth", "The token is not valid."),
        ("validation", 422, "validation", "Name is missing."),
        ("rate_limited", 429, "rate_limited", "Too many requests."),
        ("server", 500, "transient", "Something went wrong."),
    ):
        headers = {"Retry-After": "30"} if status == 429 else {}
        expect: dict[str, Any] = {"family": family, "message": message}
        if headers:
            expect["retry_after_seconds"] = 30
        _json(
            path / "fixtures" / f"error__{name}.json",
            {"status": status, "headers": headers, "body": {"message": message}, "expect": expect},
        )


def remaining(path: Path) -> None:
    """What is left to do, by the contract's rules."""
    marks = marks_in(path, TO_COMPLETE)
    shown = path.name if path.parent == CATALOG else str(path)
    print(f"\nWhat remains ({len(marks)} facts to fill in):")
    for finding in all_findings(open_folder(path)):
        if finding.problems:
            tell(finding, len(finding.problems))
    if path.parent != CATALOG:
        print(f"\nThe product finds it when CONNECTOR_PATHS names {path.parent}")
    print(f"\nThen: bin/connector expected {shown}; bin/connector check {shown}; and docs/connectors.md.")


def fill(template: str, facts: dict[str, str]) -> str:
    for name, value in facts.items():
        template = template.replace(f"@{name}@", value)
    return template


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _json(path: Path, value: Any) -> None:
    _write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _readme(facts: dict[str, str]) -> str:
    sections = "\n".join(f"## {heading}\n\n({TO_COMPLETE})\n" for heading in README_HEADINGS)
    return f"# {facts['name']}\n\n{sections}"


def _icon(slug: str) -> str:
    """Two shapes in a colour that follows from the slug: an own drawing that needs no trademark."""
    seed = zlib.crc32(slug.encode())
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(seed % 360 / 360, 0.42, 0.55))
    inner = ('<circle cx="24" cy="24" r="10"/>', '<path d="M24 12 36 34H12z"/>', '<path d="M14 14h20v20H14z"/>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">'
        f'<rect width="48" height="48" rx="10" fill="#{red:02x}{green:02x}{blue:02x}"/>'
        f'<g fill="#fff">{inner[seed % 3]}</g></svg>\n'
    )


def _write_fixtures(folder: Path) -> None:
    """Three invented records on two pages; the second is not full, so the read ends there."""
    pages = [
        [
            {"id": 101, "name": "Alder Architects", "updated_at": "2026-10-01T08:00:00Z"},
            {"id": 102, "name": "Birch & Sons", "updated_at": "2026-10-02T08:00:00Z"},
        ],
        [{"id": 103, "name": "Cedar Legal", "updated_at": "2026-10-03T08:00:00Z"}],
    ]
    for number, records in enumerate(pages, 1):
        _json(folder / f"clients__page_{number}.json", {"clients": records})
