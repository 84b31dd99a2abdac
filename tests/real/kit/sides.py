"""Records of real systems as the kit handles them: made, changed, removed and counted past the connector.

The system stamps times itself, so `at` is left alone.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conformance.sides import Side
from sandbox.serving import Served
from tests.real.systems.redmine import RunningRedmine
from tests.real.systems.rt import RunningRt
from tests.real.systems.tryton import RunningTryton, TrytonSession

_SINGULAR = {"projects": "project", "issues": "issue", "users": "user", "time_entries": "time_entry"}


@dataclass
class RealSide(Side):
    def resources(self) -> list[str]:
        return []


@dataclass
class RedmineSide(RealSide):
    system: RunningRedmine

    def make(self, resource: str, values: dict[str, Any], *, at: datetime | None = None) -> str:
        if resource == "projects":
            values = {"identifier": f"kit-{secrets.token_hex(5)}", **values}
        made = self.system.api("POST", f"/{resource}.json", json={_SINGULAR[resource]: values})
        return str(made[_SINGULAR[resource]]["id"])

    def touch(self, resource: str, record_id: str, values: dict[str, Any]) -> None:
        self.system.api("PUT", f"/{resource}/{record_id}.json", json={_SINGULAR[resource]: values})

    def remove(self, resource: str, record_id: str) -> None:
        self.system.api("DELETE", f"/{resource}/{record_id}.json")

    def count(self, resource: str) -> int:
        params = {"limit": 1, **({"status_id": "*"} if resource == "issues" else {})}
        return int(self.system.api("GET", f"/{resource}.json", params=params)["total_count"])

    def record(self, resource: str, record_id: str) -> dict[str, Any]:
        return dict(self.system.api("GET", f"/{resource}/{record_id}.json")[_SINGULAR[resource]])


@dataclass
class RtSide(RealSide):
    system: RunningRt

    def make(self, resource: str, values: dict[str, Any], *, at: datetime | None = None) -> str:
        return str(self.system.api("POST", "/ticket", json={"Queue": "Support", **values})["id"])

    def touch(self, resource: str, record_id: str, values: dict[str, Any]) -> None:
        self.system.api("PUT", f"/ticket/{record_id}", json=values)

    def remove(self, resource: str, record_id: str) -> None:
        self.system.api("DELETE", f"/ticket/{record_id}")

    def count(self, resource: str) -> int:
        """Tickets; of comments, the lines of all histories that say something."""
        if resource == "tickets":
            return int(self.system.api("GET", "/tickets", params={"query": "id > 0", "per_page": 1})["total"])
        query = "Type = 'Comment' OR Type = 'Correspond'"
        return int(self.system.api("GET", "/transactions", params={"query": query, "per_page": 1})["total"])

    def record(self, resource: str, record_id: str) -> dict[str, Any]:
        return dict(self.system.api("GET", f"/ticket/{record_id}"))


@dataclass
class TrytonSide(RealSide):
    system: RunningTryton
    session: TrytonSession

    def make(self, resource: str, values: dict[str, Any], *, at: datetime | None = None) -> str:
        return str(self.session.create(resource, **values))

    def touch(self, resource: str, record_id: str, values: dict[str, Any]) -> None:
        self.session.call(f"model.{resource}.write", [int(record_id)], values)

    def remove(self, resource: str, record_id: str) -> None:
        self.session.call(f"model.{resource}.delete", [int(record_id)])

    def count(self, resource: str) -> int:
        return len(self.session.search(resource, []))

    def record(self, resource: str, record_id: str) -> dict[str, Any]:
        return self.session.read(resource, int(record_id))


def redmine_side(system: RunningRedmine) -> Any:
    return lambda served, account: RedmineSide(served, account, system)


def rt_side(system: RunningRt) -> Any:
    return lambda served, account: RtSide(served, account, system)


def tryton_side(system: RunningTryton) -> Any:
    return lambda served, account: TrytonSide(served, account, system, system.session())


__all__ = ["Served", "redmine_side", "rt_side", "tryton_side"]
