"""The draft as YAML that a person reads: guesses carry their reason, gaps say what is wanted, proposals are comments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import yaml

from apps.connectors.contract import GUESSED, TO_COMPLETE
from launcher.connector.drafting.drafts import Draft, ObjectDraft, request_path
from launcher.connector.drafting.entities import Line
from launcher.connector.drafting.guesses import Guess
from launcher.connector.drafting.naming import title


def render(draft: Draft, facts: dict[str, str], *, file_name: str, today: date) -> str:
    usual = _usual_paginator(draft)
    parts = [
        _head(file_name),
        _connector(draft, facts, file_name, today),
        _auth(draft),
        _fields(draft),
        _client(draft),
        _defaults(usual),
        "objects:\n" + "\n".join(_object(name, item, usual) for name, item in draft.objects.items()),
        _mappings(draft),
        _left_out(draft),
    ]
    return "\n".join(part for part in parts if part)


def _head(file_name: str) -> str:
    return (
        f"# A draft from {file_name}. Behind a guess stands its reason: look it up, correct it, take the comment away.\n"
        "# What the file does not say is marked as well; `bin/connector check` lists what is left.\n"
    )


def _connector(draft: Draft, facts: dict[str, str], file_name: str, today: date) -> str:
    incremental = any(item.cursor.value["kind"] != "full" for item in draft.objects.values())
    version = str(draft.info.get("version") or "unknown")
    docs = draft.docs_url or "https://docs.vendor.example/"
    return "\n".join(
        [
            "connector:",
            f"  slug: {facts['slug']}",
            f"  name: {_flow(facts['name'])}",
            f"  vendor: {_flow(facts['vendor'])}",
            f"  category: {facts['category']}{facts.get('category_mark', '')}",
            f"  roles: [{facts['role']}]",
            f"  summary: {_flow(_summary(draft))}",
            f"  docs_url: {_flow(docs)}{'' if draft.docs_url else _gap('where the API is documented')}",
            "  owner: integrations",
            f"  quality: {'silver' if incremental else 'bronze'}",
            "  api:",
            f"    version: {_flow(version)}",
            "  evidence:",
            f"    grade: third_party_spec{_gap('vendor_spec, if the vendor itself publishes the file')}",
            f"    date: {today.isoformat()}",
            "    sources:",
            f"      - {_flow(file_name)}{_gap('the address the file was taken from')}",
            "    unverified: []",
            "",
        ]
    )


def _auth(draft: Draft) -> str:
    lines = ["auth:"]
    for method in draft.login.methods:
        value = dict(method.value)
        lines.append(f"  - name: {value.pop('name')}")
        lines.append(f"    title: {_flow(value.pop('title'))}")
        lines.append(f"    kind: {value.pop('kind')}{_because(method.reason) or _unsaid(draft)}")
        for key, item in value.items():
            if item is None or item == "":
                lines.append(f"    {key}: https://login.vendor.example/{_gap('the address at the vendor')}")
            elif item != []:
                lines.append(f"    {key}: {_flow(item)}")
    return "\n".join([*lines, ""])


def _unsaid(draft: Draft) -> str:
    return (
        ""
        if draft.login.is_described
        else _gap("the file does not say how to log in; docs/connectors.md lists the kinds")
    )


def _fields(draft: Draft) -> str:
    lines = ["fields:"] if draft.login.fields else []
    for name, guess in draft.login.fields.items():
        value = guess.value
        lines.append(f"  - name: {name}{_because(guess.reason)}")
        lines.append(f"    title: {_flow(value['title'])}")
        lines.append(f"    help: {_flow(value['title'])} of the account.")
        lines.append(f"    where: In the product.{_gap('where the customer finds it, step by step')}")
        lines += [f"    {key}: {_flow(value[key])}" for key in ("secret", "methods", "level") if key in value]
    return "\n".join([*lines, ""]) if lines else ""


def _client(draft: Draft) -> str:
    base = draft.base_url.value or "https://api.vendor.example"
    lines = [
        "client:",
        f"  base_url: {_flow(base)}{_because(draft.base_url.reason) if draft.base_url.value else _gap()}",
    ]
    if draft.login.headers:
        lines.append("  headers:")
        lines += [f"    {name}: {item.value}{_because(item.reason)}" for name, item in draft.login.headers.items()]
    lines += [
        "  rate:",
        "    windows:",
        f"      - {{name: general, limit: 60, per_seconds: 60}}{_gap('the limits the vendor documents')}",
        "    source: assumed",
        "  errors:",
    ]
    if draft.error_code.value:
        lines.append(f"    code: {_flow(draft.error_code.value)}{_because(draft.error_code.reason)}")
    message = draft.error_message
    if message.value:
        lines.append(f"    message: {_flow(message.value)}{_because(message.reason)}")
    else:
        lines.append(f"    message: [message]{_gap('where the text stands in an error')}")
    verification = draft.verification
    mark = _because(verification.reason) or _gap(
        "a request that tells whose account it is, and where name and id stand"
    )
    lines.append(f"  verification:{mark}")
    lines += [f"    {key}: {_flow(value)}" for key, value in verification.value.items()]
    return "\n".join([*lines, ""])


def _usual_paginator(draft: Draft) -> Guess | None:
    """What at least two objects have in common is said once."""
    kinds = [str(item.paginator.value) for item in draft.objects.values()]
    usual = max(draft.objects.values(), key=lambda item: kinds.count(str(item.paginator.value))).paginator
    return usual if kinds.count(str(usual.value)) > 1 else None


def _defaults(usual: Guess | None) -> str:
    return f"defaults:\n  paginator: {_flow(usual.value)}{_because(usual.reason)}\n" if usual else ""


def _object(name: str, item: ObjectDraft, usual: Guess | None) -> str:
    resource = item.resource
    lines = [f"  {name}:", f"    title: {title(name)}"]
    if item.entity.value:
        lines.append(f"    entity: {item.entity.value}{_because(item.entity.reason)}")
    key_mark = _because(resource.key_reason) if resource.key else _gap("the field with the record's id")
    lines.append(f"    primary_key: {_flow(resource.key or 'id')}{key_mark}")
    if item.fields:
        lines.append("    fields:")
        lines += [f"      - {_flow(value)}" for value in item.fields]
    lines += _read(item, usual)
    if item.create or item.update:
        lines.append("    write:")
        lines += _write("create", item.create) + _write("update", item.update)
    return "\n".join([*lines, ""])


def _read(item: ObjectDraft, usual: Guess | None) -> list[str]:
    resource = item.resource
    leaf = resource.parent_key
    request: dict[str, Any] = {"path": request_path(resource, resource.path, leaf=leaf)}
    mark = ""
    if resource.listing.method != "GET":
        request = {"method": resource.listing.method, **request, "body": {}}
        mark = _because("its name says that it lists; what the body has to hold is for the documentation to say")
    elif resource.listing.needs_more:
        query = resource.listing.query()
        request["params"] = {
            name: _first_value(query[name].schema) for name in resource.listing.needs_more if name in query
        }
        mark = _gap(f"what {', '.join(resource.listing.needs_more)} has to be; the vendor insists on it")
    lines = ["    read:", f"      request: {_flow(request)}{mark}"]
    if resource.records.path:
        lines.append(f"      records: {_flow(resource.records.path)}{_because(resource.records.reason)}")
    if usual is None or item.paginator.value != usual.value:
        lines.append(f"      paginator: {_flow(item.paginator.value)}{_because(item.paginator.reason)}")
    lines.append(f"      cursor: {_flow(item.cursor.value)}{_because(item.cursor.reason)}")
    if resource.parent:
        value = {"object": resource.parent, "field": leaf, "into": f"parent_{leaf}"}
        lines.append(f"      for_each: {_flow(value)}{_because('its address lies below the parent’s')}")
    if item.fetch:
        lines.append(f"      fetch: {_flow(item.fetch.value)}{_because(item.fetch.reason)}")
    if item.find:
        lines.append("      find:")
        reason = _because("the list has a parameter of this name, and the record a field")
        for name, value in item.find.items():
            kept = {key: part for key, part in value.items() if part != ""}
            lines.append(f"        {name}: {_flow(kept)}{reason}")
    return lines


def _write(operation: str, guess: Guess | None) -> list[str]:
    if guess is None:
        return []
    lines = [f"      {operation}:"]
    for key, value in guess.value.items():
        mark = _because(guess.reason) if key in ("probe", "repeatable") else ""
        lines.append(f"        {key}: {_flow(value)}{mark}")
    if "probe" not in guess.value and "repeatable" not in guess.value:
        lines.append(f"        probe: []{_gap('how to find out, after a broken connection, whether it happened')}")
    return lines


def _mappings(draft: Draft) -> str:
    """Proposals only: every line is a comment until a person takes the sign away."""
    lines: list[str] = []
    for name, item in draft.objects.items():
        for direction, proposed in (("in", item.mapping_in), ("out", item.mapping_out)):
            if proposed:
                lines += _mapping(name, item.entity.value, direction, proposed)
    if not lines:
        return ""
    head = (
        "# Proposed mappings. Take the comment sign away from the lines that are right, and from the line `mappings:`."
    )
    return "\n".join([head, "# mappings:", *lines, ""])


def _mapping(name: str, entity_name: str, direction: str, proposed: Iterable[Line]) -> list[str]:
    lines = [f"#  - object: {name}", f"#    entity: {entity_name}", f"#    direction: {direction}", "#    fields:"]
    return lines + [
        f"#      - {_flow(line.value)}{_because(line.reason)}{_gap(line.gap) if line.gap else ''}" for line in proposed
    ]


def _left_out(draft: Draft) -> str:
    if not draft.left_out:
        return ""
    shown = draft.left_out[:200]
    lines = ["# Not drafted, since no entity of ours comes to mind; `--only <name>` drafts them:"]
    line = "#"
    for name in shown:
        if len(line) + len(name) > 115:
            lines.append(line)
            line = "#"
        line += f" {name}"
    return "\n".join([*lines, line, ""])


def _summary(draft: Draft) -> str:
    read = ", ".join(title(name).lower() for name in list(draft.objects)[:8])
    made = [title(name).lower() for name, item in draft.objects.items() if item.create][:4]
    return f"Reads {read}{'; creates ' + ', '.join(made) if made else ''}."[:300]


def _first_value(schema: dict[str, Any]) -> str:
    for value in (schema.get("default"), schema.get("example"), *(schema.get("enum") or [])[:1]):
        if isinstance(value, str | int):
            return str(value)
    return "?"


def _because(reason: str) -> str:
    return f"  # {GUESSED} because {_one_line(reason)}" if reason else ""


def _gap(what: str = "") -> str:
    return f"  # {TO_COMPLETE}{': ' + what if what else ''}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _flow(value: Any) -> str:
    """One line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1_000_000, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
