"""What cases have in common: the same thing going wrong at many records, of many customers. Pure.

The key leaves out what differs from record to record (ids, names, amounts), and keeps what a person would repair once: the value
without a counterpart, the field, the vendor's words.
"""

import re
from typing import Any

MOST = 300
_VARYING = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "@"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,27}\b", re.IGNORECASE), "#"),
    (re.compile(r"https?://\S+"), "/"),
    (re.compile(r"“[^”]*”|\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|«[^»]*»"), "“…”"),
    (re.compile(r"\b[\w-]*\d[\w.,:-]*"), "#"),
    (re.compile(r"\s+"), " "),
)
_INDEX = re.compile(r"\[\d+\]")


def key_of(title: str, detail: dict[str, Any]) -> str:
    """The same for cases that one repair ends, at one kind of system. At most MOST characters."""
    problems = [problem for problem in detail.get("problems") or [] if isinstance(problem, dict)]
    if problems:
        found = "; ".join(dict.fromkeys(_problem(problem) for problem in problems))
    else:
        # What the vendor or we said went wrong; the title often begins with the record's name.
        said = str(detail.get("message") or detail.get("error") or title)
        code = " ".join(str(detail[name]) for name in ("status", "code") if detail.get(name))
        found = f"{code} {steady(said)}".strip()
    return found[:MOST]


def steady(text: str) -> str:
    """A sentence without what differs from record to record."""
    for pattern, stand_in in _VARYING:
        text = pattern.sub(stand_in, text)
    return text.strip()


def _problem(problem: dict[str, Any]) -> str:
    if value_map := problem.get("value_map"):
        return f"{value_map}: “{problem.get('map_key') or problem.get('value') or ''}”"
    field = _INDEX.sub("[]", str(problem.get("field") or ""))
    return " ".join(filter(None, (field, steady(str(problem.get("code") or problem.get("message") or "")))))
