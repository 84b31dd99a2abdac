"""What is asked for while everything is killed: deals are won at the CRM, hours are logged and approved at the time system."""

from __future__ import annotations

import json
import random
import string
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from launcher.chaos.audit import HOURS, PREFIX, documents
from launcher.chaos.stack import FIRM, Stack

# A deal becomes ten calls at Harvest, which takes 100 in 15 seconds: what is asked for has to fit beside what is tried again.
_DEAL_SECONDS, _HOURS_SECONDS = 4.0, 5.0


class Load:
    """Asks until it is ended; notes what the vendors acknowledged."""

    def __init__(self, stack: Stack, *, deals: Path, hours: Path) -> None:
        self._stack = stack
        self._ended = threading.Event()
        seeds = [stack.dice.random() for _ in range(2)]
        self._threads = [
            threading.Thread(target=_win_deals, args=(stack, self._ended, deals, seeds[0]), daemon=True),
            threading.Thread(target=_log_hours, args=(stack, self._ended, hours, seeds[1]), daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)


def practice(
    stack: Stack, vendor: str, path: str, body: Mapping[str, object] | None = None, method: str = "POST"
) -> Any:
    """One call of a vendor's control: its answer, or None when the vendor was down or refused."""
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{stack.vendor(vendor)}/_practice/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
            return json.loads(answer.read() or b"{}")
    except (OSError, ValueError, urllib.error.URLError):
        return None


def _win_deals(stack: Stack, ended: threading.Event, log: Path, seed: float) -> None:
    """One whose making was not heard of is left as it is."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    number = 0
    with log.open("a", buffering=1) as notes:
        while not ended.wait(_DEAL_SECONDS):
            number += 1
            name = f"{PREFIX}deal {number}"
            made = practice(
                stack,
                "hubspot",
                "actions/create_deal",
                {
                    "account": FIRM,
                    "name": name,
                    "company": company(dice.randrange(1 + number // 3)),
                    "amount": str(dice.randrange(1000, 90000)),
                },
            )
            won = {"account": FIRM, "id": name}
            if made is not None and practice(stack, "hubspot", "actions/win_deal", won) is not None:
                notes.write(f"{name}\n")


def _log_hours(stack: Stack, ended: threading.Event, log: Path, seed: float) -> None:
    """Quarters of hours, so that every amount is whole cents. What was logged and not approved is not billed."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    choose = _assignments(stack, dice)
    number = 0
    with log.open("a", buffering=1) as notes:
        while not ended.wait(_HOURS_SECONDS):
            number += 1
            order = {
                "account": FIRM,
                **choose(),
                "hours": str(dice.randrange(1, 30) / 4),
                "notes": f"{HOURS}{number}",
            }
            logged = practice(stack, "harvest", "actions/log_time", order)
            if logged is None:
                continue
            approve = {"account": FIRM, "id": str(logged["id"])}
            if practice(stack, "harvest", "actions/approve_entry", approve) is not None:
                notes.write(f"{logged['id']}\n")


def _assignments(stack: Stack, dice: random.Random) -> Callable[[], dict[str, object]]:
    """People on tasks of projects that are billed by the hour, as the time system has them before anything begins."""
    file = stack.vendors / "harvest.sqlite3"
    account = next(account for account, project in documents(file, "projects") if project["code"].startswith("KES"))
    mine = {
        name: [body for owner, body in documents(file, name) if owner == account]
        for name in ("projects", "task_assignments", "user_assignments")
    }
    projects = [one["id"] for one in mine["projects"] if one["is_billable"] and not one["is_fixed_fee"]]

    def choose() -> dict[str, object]:
        project = dice.choice(projects)
        tasks = [one for one in mine["task_assignments"] if one["project_id"] == project and one["billable"]]
        people = [one for one in mine["user_assignments"] if one["project_id"] == project]
        task, person = dice.choice(tasks), dice.choice(people)
        return {"project": str(project), "task": str(task["task_id"]), "person": str(person["user_id"])}

    return choose


def company(number: int) -> str:
    """A name that resembles no other: what is alike waits for a person's decision, which is not what is tried here."""
    dice = random.Random(f"company {number}")  # noqa: S311
    return " ".join("".join(dice.choices(string.ascii_lowercase, k=9)).title() for _ in range(2))
