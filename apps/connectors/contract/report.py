"""All rules at once, for people at a terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.connectors.contract.folders import ConnectorFolder
from apps.connectors.contract.reading import READING_RULES, error_problems, guarded
from apps.connectors.contract.rules import FOLDER_RULES


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule and what is wrong with it; nothing wrong: it is kept."""

    rule: str
    subject: str
    problems: list[str]


def findings(folder: ConnectorFolder) -> Iterator[Finding]:
    """Every rule of the contract, applied to the folder, each object that is read, and each error fixture."""
    for rule in FOLDER_RULES:
        yield Finding(_words(rule), "", rule(folder))
    for name in folder.reads:
        for reading_rule in READING_RULES:
            yield Finding(_words(reading_rule), name, guarded(reading_rule, folder, name))
    for path in folder.error_fixtures:
        yield Finding("error maps to its family", path.stem, error_problems(folder, path))


def _words(rule: Any) -> str:
    return str(rule.__name__).replace("_", " ")
