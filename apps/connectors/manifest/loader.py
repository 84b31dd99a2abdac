"""Finds the manifests by looking at the folders, reads each once, and says precisely what is wrong with a bad one."""

import gc
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from pydantic import ValidationError

from apps.connectors.manifest.spec import Manifest
from apps.core.errors import PermanentError

CATALOG = Path(__file__).resolve().parent.parent / "catalog"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
_lock = threading.Lock()


class ManifestError(PermanentError):
    """A manifest that cannot be used: which file, line and key, what was found, what is allowed."""

    code = "manifest_invalid"


class UnknownConnectorError(PermanentError):
    code = "unknown_connector"


def homes() -> list[Path]:
    """The catalog, and the folders of connectors that a deployment adds to it (`CONNECTOR_PATHS`)."""
    return [CATALOG, *(Path(path) for path in settings.CONNECTOR_PATHS)]


def slugs() -> list[str]:
    """Every connector in the catalog, in alphabetical order."""
    return sorted({path.parent.name for home in homes() for path in home.glob("*/manifest.yaml")})


def manifest_for(slug: str) -> Manifest:
    """The connector's manifest (read once a process)."""
    with _lock:
        return _cached(slug)


def all_manifests() -> Iterator[Manifest]:
    for slug in slugs():
        yield manifest_for(slug)


def folder(slug: str) -> Path:
    """The connector's folder (README, icon, fixtures); the catalog's own wins over an added one of the same name."""
    return next((home / slug for home in homes() if (home / slug / "manifest.yaml").is_file()), CATALOG / slug)


def load_file(path: Path) -> Manifest:
    """Read and check one manifest file."""
    with _uncollected():
        return _load(path)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Half of the time of loading went into the garbage collector, which looked through the whole program again and
    again while the file's many small nodes were made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load(path: Path) -> Manifest:
    loader = _Loader(path.read_text(encoding="utf-8"))
    try:
        node = loader.get_single_node()
        data = _value(node, loader) if node is not None else None
    except yaml.YAMLError as error:
        raise ManifestError(f"{path}: not valid YAML: {error}")
    except _DuplicateKeyError as error:
        raise ManifestError(f"{path}: line {error.line}: the key {error.key!r} stands there twice")
    finally:
        loader.dispose()
    if node is None or not isinstance(data, dict):
        raise ManifestError(f"{path}: line 1: a manifest is a mapping of sections; found {type(data).__name__}")
    _take_over(path, node, data)
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        raise ManifestError(_explain(path, node, error))
    if manifest.slug != path.parent.name:
        line = _line(node, ("connector", "slug"))
        raise ManifestError(
            f"{path}: line {line}: connector.slug: found {manifest.slug!r}; "
            f"allowed: the folder's name {path.parent.name!r}"
        )
    return manifest.found_in(path.parent.resolve())


def _take_over(path: Path, node: yaml.Node, data: dict[str, Any]) -> None:
    """`same_objects_as: <slug>`: objects and mappings stand in another connector's manifest, and are the same."""
    slug = data.pop("same_objects_as", None)
    if slug is None:
        return
    other = folder(str(slug)) / "manifest.yaml"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(slug)) or not other.is_file():
        line = _line(node, ("same_objects_as",))
        raise ManifestError(f"{path}: line {line}: same_objects_as: found {slug!r}; allowed: {', '.join(slugs())}")
    source = yaml.load(other.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    for section in ("objects", "mappings"):
        data.setdefault(section, source.get(section))


@cache
def _cached(slug: str) -> Manifest:
    if "/" in slug or ".." in slug or not (folder(slug) / "manifest.yaml").is_file():
        raise UnknownConnectorError(f"No connector {slug!r} in the catalog; it has: {', '.join(slugs())}.")
    return load_file(folder(slug) / "manifest.yaml")


def _explain(path: Path, node: yaml.Node, error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        where = tuple(part for part in item["loc"] if not _is_union_tag(part, item["loc"], node))
        found = "" if item["type"] == "missing" else f"; found {_short(item['input'])}"
        key = ".".join(str(part) for part in where) or "(whole file)"
        lines.append(f"{path}: line {_line(node, where)}: {key}: {_allowed(item)}{found}")
    return "\n".join(lines)


def _allowed(item: Any) -> str:
    context = item.get("ctx") or {}
    if item["type"] == "missing":
        return "this key is required and missing"
    if item["type"] == "extra_forbidden":
        return "no such key here; remove it or see docs/connectors.md for the allowed keys"
    if "expected_tags" in context:
        return f"allowed for `{str(context['discriminator']).strip(chr(39))}`: {context['expected_tags']}"
    if "expected" in context:
        return f"allowed: {context['expected']}"
    return str(item["msg"]).removeprefix("Value error, ")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _is_union_tag(part: Any, loc: tuple[Any, ...], node: yaml.Node) -> bool:
    """pydantic puts the chosen variant's name into the path of a discriminated union; it is not in the file."""
    position = loc.index(part)
    parent = _descend(node, tuple(p for p in loc[:position]))
    return isinstance(part, str) and part not in _keys(parent) and position != len(loc) - 1


def _keys(node: yaml.Node | None) -> set[str]:
    return {str(key.value) for key, _ in node.value} if isinstance(node, yaml.MappingNode) else set()


def _descend(node: yaml.Node | None, where: tuple[Any, ...]) -> yaml.Node | None:
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == str(part)), None)
            node = found if found is not None else node
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
    return node


def _line(node: yaml.Node, where: tuple[Any, ...]) -> int:
    for part in where:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    node = value if where[-1] != part else key
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
    return int(node.start_mark.line) + 1


class _DuplicateKeyError(Exception):
    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key, self.line = key, line


def _value(node: yaml.Node, loader: Any) -> Any:
    """What the node says. YAML's own constructor takes four times as long and keeps silent about a key given twice."""
    if isinstance(node, yaml.MappingNode):
        if any(key.tag == _MERGE for key, _ in node.value):
            return loader.construct_document(node)
        found: dict[Any, Any] = {}
        for key, value in node.value:
            name = _value(key, loader)
            if name in found:
                raise _DuplicateKeyError(str(key.value), key.start_mark.line + 1)
            found[name] = _value(value, loader)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, loader) for item in node.value]
    return node.value if node.tag == _TEXT else loader.construct_object(node)
