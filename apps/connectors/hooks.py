"""Finds a connector's hook functions, which are named in its manifest and live beside it."""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from apps.connectors.manifest import Manifest, folder
from apps.connectors.manifest.loader import CATALOG
from apps.core.errors import PermanentError

Hook = Callable[[Any, Any], Any]


class HookError(PermanentError):
    code = "hook_missing"


def hooks_for(manifest: Manifest) -> dict[str, Hook]:
    """Hook point → function; every name in the manifest has to exist."""
    if not manifest.hooks:
        return {}
    names = tuple(sorted((str(point), name) for point, name in manifest.hooks.items()))
    return _hooks(manifest.slug, manifest.home or folder(manifest.slug), names)


@cache
def _hooks(slug: str, home: Path, names: tuple[tuple[str, str], ...]) -> dict[str, Hook]:
    if not (home / "hooks.py").is_file():
        raise HookError(f"Connector {slug}: the manifest names hooks, but there is no {home / 'hooks.py'}.")
    module = _module(slug, home)
    found: dict[str, Hook] = {}
    for point, name in names:
        function = getattr(module, name, None)
        if not callable(function):
            raise HookError(f"Connector {slug}: hooks.{point}: hooks.py has no function {name!r}.")
        found[point] = function
    return found


def _module(slug: str, home: Path) -> ModuleType:
    """The catalog's hooks by their name; those of a folder elsewhere by their file, since no package leads there."""
    if home.parent == CATALOG:
        return importlib.import_module(f"apps.connectors.catalog.{slug}.hooks")
    spec = importlib.util.spec_from_file_location(f"connector_hooks_{slug}", home / "hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
