"""Changing a mapping line by line. Pure: a plan goes in as plain data, and a new one comes out.

`stamp` names the state a page was drawn from, so that nobody changes a line somebody else has moved meanwhile.
"""

import hashlib
from typing import Any

import orjson

Plan = dict[str, Any]


def stamp(plan: Plan) -> str:
    return hashlib.sha256(orjson.dumps(plan, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def with_line(plan: Plan, index: int | None, line: dict[str, Any]) -> Plan:
    """The line put in place of another, or at the end."""
    lines = list(plan.get("fields", []))
    if index is None:
        lines.append(line)
    else:
        lines[index] = line
    return {**plan, "fields": lines}


def without_line(plan: Plan, index: int) -> Plan:
    lines = list(plan.get("fields", []))
    del lines[index]
    return {**plan, "fields": lines}


def with_line_moved(plan: Plan, index: int, steps: int) -> Plan:
    """Up or down. The order matters where two lines fill the same target: the later one whose condition is met wins."""
    lines = list(plan.get("fields", []))
    line = lines.pop(index)
    lines.insert(max(0, min(len(lines), index + steps)), line)
    return {**plan, "fields": lines}


def reads_of(line: dict[str, Any]) -> str:
    """What a line reads, in one phrase."""
    if "from" in line:
        return str(line["from"])
    if "first_of" in line:
        return " or ".join(str(path) for path in line["first_of"])
    if "template" in line:
        return f"template {line['template']}"
    if "each" in line:
        return f"each item of {line['each']}"
    return f"always {_shown(line.get('value'))}"


def chain_of(line: dict[str, Any]) -> str:
    """The transforms of a line as people read them: `text → truncate (length: 40)`."""
    written = line.get("transform", [])
    steps = written if isinstance(written, list) else [written]
    return " → ".join(_step(step) for step in steps)


def condition_of(line: dict[str, Any]) -> str:
    when = line.get("when")
    if not isinstance(when, dict):
        return ""
    test = next((key for key in when if key != "path"), "")
    said = test.replace("_", " ")
    return f"{when.get('path')} {said}" + (
        "" if when.get(test) is True and "empty" in test else f" {_shown(when.get(test))}"
    )


def _step(step: Any) -> str:
    if not isinstance(step, dict) or len(step) != 1:
        return str(step)
    name, params = next(iter(step.items()))
    told = ", ".join(f"{key}: {_shown(value)}" for key, value in params.items()) if isinstance(params, dict) else params
    return f"{name} ({told})"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None else str(value)
