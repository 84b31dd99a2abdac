"""An OpenAPI 3.0, 3.1 or Swagger 2 file, with `$ref` followed inside it and into files beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from launcher.errors import LauncherError

Node = dict[str, Any]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_HOPS = 50
METHODS = ("get", "post", "put", "patch", "delete")


class SpecError(LauncherError):
    """A file from which no draft can be made, and why."""


class Document:
    """The file and those it refers to. References are followed one at a time, when somebody looks: a schema that
    contains itself is no problem."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._files: dict[Path, Any] = {}
        self.dangling: set[str] = set()
        """References that lead nowhere; what they stand for is treated as unknown."""
        root = self._file(self.path)
        if not isinstance(root, dict):
            raise SpecError(f"{path.name}: an OpenAPI file is an object; found {type(root).__name__}.")
        self.root: Node = root
        self.version = str(root.get("openapi") or root.get("swagger") or "")
        if not self.version.startswith(("2.", "3.0", "3.1")):
            raise SpecError(f"{path.name}: {_what_it_may_be(root)}")
        if not self.paths:
            raise SpecError(f"{path.name}: OpenAPI {self.version}, but `paths` is empty: it describes no request.")

    @property
    def is_swagger(self) -> bool:
        return self.version.startswith("2.")

    @property
    def paths(self) -> dict[str, Node]:
        paths = self.root.get("paths")
        return paths if isinstance(paths, dict) else {}

    def operations(self) -> Iterator[tuple[str, str, Node, Node]]:
        """Path, method, operation, path item."""
        for path, item in self.paths.items():
            whole = self.node(item)
            for method in METHODS:
                if isinstance(whole.get(method), dict):
                    yield path, method, whole[method], whole

    def node(self, value: Any) -> Node:
        """The object meant, references followed; an empty one where there is none or they go round in a circle."""
        for _ in range(_MOST_HOPS):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._target(reference)
        return {}

    def _target(self, reference: str) -> Any:
        file, _, pointer = reference.partition("#")
        found = self._file(Path(file))
        for part in pointer.strip("/").split("/") if pointer.strip("/") else []:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
                found = found[int(key)]
            else:
                self.dangling.add(f"{Path(file).name}#{pointer}")
                return {}
        return found

    def _file(self, path: Path) -> Any:
        if path not in self._files:
            data = _read(path)
            _make_absolute(data, path)
            self._files[path] = data
        return self._files[path]


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name} cannot be read: {error}")
    if text.lstrip().startswith("<"):
        raise SpecError(f"{path.name} is XML; a draft needs OpenAPI 3.0, 3.1 or Swagger 2, as JSON or YAML.")
    try:
        return json.loads(text) if text.lstrip().startswith(("{", "[")) else yaml.load(text, Loader=_Loader)  # noqa: S506
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise SpecError(f"{path.name} is neither JSON nor YAML: {' '.join(str(error).split())}")


def _make_absolute(root: Any, path: Path) -> None:
    """Give every reference the file it is meant in, so that it can be followed from anywhere."""
    waiting, seen = [root], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                file, _, pointer = reference.partition("#")
                if file.startswith(("http://", "https://")):
                    raise SpecError(f"{path.name} refers to {file}; nothing is fetched. Save it beside the file.")
                value["$ref"] = f"{(path.parent / file).resolve() if file else path}#{pointer}"
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _what_it_may_be(root: Node) -> str:
    if "request" in root or {"url", "method"} <= set(root) or "item" in root:
        return "this is a Postman request or collection; a draft needs OpenAPI 3.0, 3.1 or Swagger 2."
    if "$schema" in root or "definitions" in root:
        return "this is a JSON Schema without requests; a draft needs OpenAPI 3.0, 3.1 or Swagger 2."
    if root.get("openapi") or root.get("swagger"):
        found = root.get("openapi") or root.get("swagger")
        return f"version {found!r} is not known; allowed: OpenAPI 3.0, 3.1, Swagger 2.0."
    return f"no `openapi` and no `swagger` at the top; found {', '.join(list(root)[:6]) or 'nothing'}."
