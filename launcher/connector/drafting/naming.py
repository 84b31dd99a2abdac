"""Names as they are compared and written: `TimeEntries`, `time-entries` and `timeEntry` mean the same."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WHOLE = {"status", "address", "business", "process", "series", "news", "analysis", "basis", "bus", "gas"}


def flat(name: str) -> str:
    """For comparing: letters and digits only, small."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def snake(name: str) -> str:
    """`CreditNotes` → `credit_notes`; always a legal slug."""
    text = "_".join(word.lower() for word in _WORDS.findall(name)) or "records"
    return (text if text[0].isalpha() else f"n_{text}")[:60].strip("_")


def title(name: str) -> str:
    return snake(name).replace("_", " ").capitalize()


def singular(name: str) -> str:
    """Of a snake-case name; only the last word changes."""
    head, _, last = name.rpartition("_")
    lead = f"{head}_" if head else ""
    if last in _WHOLE:
        return name
    if last == "people":
        return f"{lead}person"
    if last.endswith("ies") and len(last) > 4:
        return f"{lead}{last[:-3]}y"
    if last.endswith(("sses", "xes", "ches", "shes", "uses")):
        return f"{lead}{last[:-2]}"
    if last.endswith("s") and not last.endswith("ss"):
        return f"{lead}{last[:-1]}"
    return name


def path_key(key: str) -> str:
    """A key as a manifest's path writes it (JMESPath)."""
    return key if _PLAIN.fullmatch(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_plain(key: str) -> bool:
    return bool(_PLAIN.fullmatch(key))
