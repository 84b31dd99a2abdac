"""Finding, and as root on Debian installing, the Chromium that browser tests drive."""

from __future__ import annotations

import os
from pathlib import Path

from launcher import debian

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def ensure_chromium() -> tuple[str | None, str]:
    """The path of the browser that CHROMIUM names, else of a usual one; or None and why there is none."""
    if named := os.environ.get("CHROMIUM"):
        return (named, "") if Path(named).exists() else (None, f"CHROMIUM names {named}, which does not exist")
    return debian.ensure(NAMES, ["chromium", "fonts-dejavu-core"], what="Chromium", hint=" (or name one in CHROMIUM)")
