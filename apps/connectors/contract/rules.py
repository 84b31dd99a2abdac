"""Promises about the folder and its manifest. Each rule returns what is wrong, and what to do, one sentence each."""

import re
from collections.abc import Callable

from apps.connectors.contract.folders import ConnectorFolder
from apps.connectors.contract.grades import missing_for
from apps.connectors.contract.marks import TO_COMPLETE, marks_in
from apps.connectors.hooks import HookError, hooks_for

Rule = Callable[[ConnectorFolder], list[str]]
README_HEADINGS = ["What it does", "What it reads", "What it writes", "How to connect", "Limits", "Known gaps"]
ERROR_FIXTURES = ["error__unauthorised", "error__server", "error__validation"]
LONGEST_HOOKS = 150
_SECRET_LOOKING = re.compile(
    r"pat-[a-z0-9]+-|[A-Za-z0-9+/_-]{40,}={0,2}|Bearer [A-Za-z0-9]|\"(?:access|refresh)_token\""
)
_ACTIVE_DRAWING = re.compile(r"<script|href|onload|<image|<foreignObject")
_FOREIGN_IMPORT = re.compile(r"(?:from|import) (apps\.(?!connectors\.sdk)\S+|django\S*|requests\S*)")


def nothing_left_to_complete(folder: ConnectorFolder) -> list[str]:
    return [f"{mark.file}, line {mark.line}: {mark.text}" for mark in marks_in(folder.path, TO_COMPLETE)]


def slug_is_the_folder_name(folder: ConnectorFolder) -> list[str]:
    slug = folder.manifest.slug
    return [] if slug == folder.slug else [f"connector.slug is {slug!r}, the folder {folder.slug!r}; make them equal"]


def readme_has_the_headings(folder: ConnectorFolder) -> list[str]:
    found = re.findall(r"^## (.+)$", folder.text("README.md"), re.MULTILINE)
    return [f"README.md has no heading “## {heading}”" for heading in README_HEADINGS if heading not in found]


def icon_is_a_small_drawing_without_script(folder: ConnectorFolder) -> list[str]:
    text = folder.text("icon.svg")
    problems = []
    if not text.startswith("<svg"):
        problems.append("icon.svg is missing or does not begin with <svg")
    if len(text) >= 4000:
        problems.append(f"icon.svg has {len(text)} characters; a drawing for a list has less than 4000")
    if found := _ACTIVE_DRAWING.search(text):
        problems.append(f"icon.svg holds {found.group()!r}; a drawing needs neither scripts, links nor other pictures")
    return problems


def fixtures_hold_nothing_that_looks_like_a_secret(folder: ConnectorFolder) -> list[str]:
    # Only where it stands, never what: it may be a real one.
    return [
        f"fixtures/{path.name}, line {number}: looks like a secret; write an invented short value there"
        for path in sorted(folder.fixtures.glob("*.json"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _SECRET_LOOKING.search(re.sub(r"https?://[^\"]+", "", line))
    ]


def an_error_fixture_for_each_thing_that_always_happens(folder: ConnectorFolder) -> list[str]:
    if (
        folder.manifest.client.kind != "http"
    ):  # files and databases do not answer; their errors are tested where they are read
        return []
    names = {path.stem for path in folder.error_fixtures}
    return [f"fixtures/{name}.json is missing" for name in ERROR_FIXTURES if name not in names]


def hooks_stay_small_and_import_only_the_sdk(folder: ConnectorFolder) -> list[str]:
    text = folder.text("hooks.py")
    lines = len(text.splitlines())
    problems = [f"hooks.py imports {name}; it may import apps.connectors.sdk" for name in _FOREIGN_IMPORT.findall(text)]
    if lines > LONGEST_HOOKS:
        problems.append(f"hooks.py has {lines} lines, at most {LONGEST_HOOKS} are allowed")
    return problems


def every_hook_named_exists(folder: ConnectorFolder) -> list[str]:
    try:
        hooks_for(folder.manifest)
    except HookError as error:
        return [error.message]
    return []


def declared_quality_is_reached(folder: ConnectorFolder) -> list[str]:
    declared = folder.manifest.connector.quality
    return [
        f"declared {declared}, but {rule} is missing; add it, exempt it with a reason, or declare less"
        for rule in missing_for(folder.manifest, declared)
    ]


def every_creation_can_be_found_again(folder: ConnectorFolder) -> list[str]:
    return [
        f"objects.{name}.write.{operation}: after a broken connection nobody could tell whether it happened; "
        "name a `probe`, or `repeatable: true` where doing it again changes nothing"
        for name, spec in folder.manifest.objects.items()
        for operation, write in spec.write.items()
        if not write.probe and not write.repeatable
    ]


FOLDER_RULES: tuple[Rule, ...] = (
    nothing_left_to_complete,
    slug_is_the_folder_name,
    readme_has_the_headings,
    icon_is_a_small_drawing_without_script,
    fixtures_hold_nothing_that_looks_like_a_secret,
    an_error_fixture_for_each_thing_that_always_happens,
    hooks_stay_small_and_import_only_the_sdk,
    every_hook_named_exists,
    declared_quality_is_reached,
    every_creation_can_be_found_again,
)
