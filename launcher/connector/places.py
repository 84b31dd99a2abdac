"""Where a connector's folder is: a slug of the catalog, or a folder anywhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

from launcher.errors import LauncherError

SLUG = re.compile(r"[a-z][a-z0-9_]{0,59}")


def called_from() -> Path:
    """The folder the person stands in; relative paths are meant from there, not from the project."""
    return Path(os.environ.get("CALLED_FROM") or Path.cwd())


def connector_folder(given: str, here: Path) -> Path:
    """The folder that a slug or a path names."""
    from apps.connectors.manifest import folder, slugs

    path = here / given
    if (path / "manifest.yaml").is_file():
        return path.resolve()
    if given in slugs() or (folder(given) / "manifest.yaml").is_file():
        return folder(given)
    raise LauncherError(
        f"No connector {given!r}: neither a folder with a manifest.yaml nor one of {', '.join(slugs())}. "
        f"`bin/connector new {Path(given).name}` makes one."
    )


def new_folder(slug: str, into: str | None, here: Path) -> Path:
    """Where a new connector goes; refused when something is there already or the slug cannot be one."""
    from apps.connectors.manifest.loader import CATALOG

    if not SLUG.fullmatch(slug):
        raise LauncherError(f"The slug {slug!r} is the folder's name: small letters, digits and _, a letter first.")
    home = (here / into).resolve() if into else CATALOG
    if (home / slug).exists():
        raise LauncherError(f"{home / slug} is there already; choose another slug or remove it first.")
    if home != CATALOG and (CATALOG / slug / "manifest.yaml").is_file():
        raise LauncherError(f"The catalog has a connector {slug!r}, and its own wins; choose another slug.")
    return home / slug
