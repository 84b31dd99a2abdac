"""Finds a connector's hook functions, which are named in its manifest and live beside it."""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

from apps.connectors.manifest import Manifest, folder
from apps.core.errors import PermanentError

Hook = Callable[[Any, Any], Any]


class HookError(PermanentError):
    code = "hook_missing"


def hooks_for(manifest: Manifest) -> dict[str, Hook]:
    """Hook point → function; every name in the manifest has to exist."""
    if not manifest.hooks:
        return {}
    return _hooks(manifest.slug, tuple(sorted((str(point), name) for point, name in manifest.hooks.items())))


@cache
def _hooks(slug: str, names: tuple[tuple[str, str], ...]) -> dict[str, Hook]:
    if not (folder(slug) / "hooks.py").is_file():
        raise HookError(f"Connector {slug}: the manifest names hooks, but there is no {folder(slug) / 'hooks.py'}.")
    module = importlib.import_module(f"apps.connectors.catalog.{slug}.hooks")
    found: dict[str, Hook] = {}
    for point, name in names:
        function = getattr(module, name, None)
        if not callable(function):
            raise HookError(f"Connector {slug}: hooks.{point}: hooks.py has no function {name!r}.")
        found[point] = function
    return found
