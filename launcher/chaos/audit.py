"""The auditor of bin/chaos: what was asked for against what stands at the vendors, read from the vendors' own files.

It shares nothing with the product: no model, no service, no connector. Asked for is what the vendor where it began has (won
deals) and the log of whoever asked (updates); done is what the vendor where it had to arrive has.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

PREFIX, HOURS = "Chaos ", "Chaos hours "


@dataclass(slots=True)
class Findings:
    asked: int = 0
    arrived: int = 0
    updates: int = 0
    entries: int = 0
    invoices: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    wrong_amount: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.wrong_amount)

    def table(self) -> str:
        rows: list[tuple[str, object]] = [
            ("won deals asked for", self.asked),
            ("projects arrived", self.arrived),
            ("updates asked for", self.updates),
            ("entries approved", self.entries),
            ("invoices arrived", self.invoices),
            ("lost", len(self.lost)),
            ("doubled", len(self.doubled)),
            ("out of order", len(self.out_of_order)),
            ("wrong amount", len(self.wrong_amount)),
        ]
        lines = [f"{name:22} {value:>8}" for name, value in rows]
        evidence = [*self.lost, *self.doubled, *self.out_of_order, *self.wrong_amount]
        return "\n".join([*lines, *(f"  {line}" for line in evidence[:20])])


def audit(vendors: Path, *, deals_log: Path, updates_log: Path) -> Findings:
    """Compare. `deals_log` holds the names of deals whose winning the vendor acknowledged."""
    found = Findings()
    # Ids are each account's own.
    standing = {
        (account, str(body["id"])): body for account, body in documents(vendors / "harvest.sqlite3", "projects")
    }
    clients = list(documents(vendors / "harvest.sqlite3", "clients"))
    won = {
        deal["properties"]["dealname"]: deal["properties"]
        for _, deal in documents(vendors / "hubspot.sqlite3", "deals")
        if deal["properties"]["dealname"].startswith(PREFIX) and deal["properties"].get("dealstage") == "closedwon"
    }
    found.lost += [f"{name}: the vendor forgot it" for name in lines(deals_log) if name not in won]
    made: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for project in standing.values():
        if str(project["name"]).startswith(PREFIX):
            made[project["name"]].append(project)
    found.asked, found.arrived = len(won), len(made)
    found.lost += [f"{name}: no project" for name in won if name not in made]
    found.doubled += [f"{name}: {len(copies)} projects" for name, copies in made.items() if len(copies) > 1]
    found.doubled += [f"{name}: a project nobody asked for" for name in made if name not in won]
    copies = Counter((account, client["name"]) for account, client in clients)
    found.doubled += [f"client {name}: {number} of them" for (_, name), number in copies.items() if number > 1]
    tasks = Counter(
        (account, str(task.get("project_id")), str(task.get("task_id")))
        for account, task in documents(vendors / "harvest.sqlite3", "task_assignments")
    )
    found.doubled += [
        f"task {task} on project {project}: {n} times" for (_, project, task), n in tasks.items() if n > 1
    ]
    for name, (project, *_) in made.items():
        wanted, has = won.get(name, {}).get("amount"), project.get("cost_budget")
        if wanted and has is not None and Decimal(str(has)) != Decimal(str(wanted)):
            found.wrong_amount.append(f"{name}: {wanted} asked for, {has} there")
    _check_order(found, standing, updates_log)
    return found


def _check_order(found: Findings, projects: dict[tuple[str, str], dict[str, Any]], log: Path) -> None:
    """Of each project the latest version asked for has to stand there; a doubtful one (its commit was not heard of) may."""
    sure: dict[tuple[str, str], int] = defaultdict(int)
    doubtful: dict[tuple[str, str], set[int]] = defaultdict(set)
    for line in lines(log):
        entry = json.loads(line)
        project = (entry["account"], entry["project"])
        if entry["sure"]:
            sure[project] = max(sure[project], entry["version"])
            found.updates += 1
        else:
            doubtful[project].add(entry["version"])
    for project, version in sure.items():
        notes = str(projects.get(project, {}).get("notes") or "version 0")
        has = int(notes.rpartition(" ")[2])
        if has != version and not (has > version and has in doubtful[project]):
            found.out_of_order.append(f"project {project[1]}: version {version} asked for last, {has} there")


def documents(path: Path, collection: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(account, document) of a vendor's file."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as file:
        rows = file.execute("select account, body from documents where collection = ?", [collection]).fetchall()
    for account, body in rows:
        yield account, json.loads(body)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
