"""`bin/connector score`: `manage.py conformance` for a connector anywhere, without a database."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from launcher.connector.places import connector_folder
from launcher.errors import LauncherError


def score(options: argparse.Namespace, here: Path) -> int:
    """Say what each check found; 1 when one fails. `--write` keeps the report beside the manifest."""
    from django.conf import settings
    from django.core.management import CommandError, call_command
    from django.test.utils import override_settings

    from apps.connectors.manifest.loader import CATALOG

    path = connector_folder(options.connector, here)
    outside = [] if path.parent == CATALOG else [str(path.parent)]
    if options.practice:
        os.environ["PRACTICE_PATHS"] = str((here / options.practice).resolve())
    with override_settings(CONNECTOR_PATHS=[*settings.CONNECTOR_PATHS, *outside]):
        try:
            call_command("conformance", path.name, check=options.check, write=options.write)
        except CommandError as error:
            if "not all checks" in str(error):
                return 1
            raise LauncherError(str(error)) from error
    return 0
