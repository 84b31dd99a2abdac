"""The vendor of the benchmarks: time entries in Harvest's shape to read, deals to fetch, projects to create.

One process, one event loop, pages kept as bytes, so that it costs little of the machine. What arrived, when, and how often is
told by GET /arrivals: results are counted at the target, never by what is measured.
"""

import argparse
import asyncio
import itertools
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

_BASE = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_PER_PAGE = 2000


def entry(number: int) -> dict[str, Any]:
    """One time entry of about 1.1 kB; 97 people, 211 projects, 41 clients."""
    person, project, task = number % 97 + 1, number % 211 + 1, number % 13 + 1
    client = project % 41 + 1
    hours = round(((number * 37) % 32 + 1) * 0.25, 2)
    rate = 100.0 + (person % 9) * 12.5
    at = _iso(_BASE + timedelta(seconds=number * 7))
    return {
        "id": 636700000 + number,
        "spent_date": (_BASE + timedelta(days=number % 250)).strftime("%Y-%m-%d"),
        "hours": hours,
        "hours_without_timer": hours,
        "rounded_hours": hours,
        "notes": f"Deliverable {number % 1009}, phase {number % 7}: review, calls and follow-up écrit #{number}",
        "is_locked": True,
        "locked_reason": "Item Approved and Locked for this Time Period",
        "approval_status": "approved",
        "is_closed": True,
        "is_billed": False,
        "timer_started_at": None,
        "started_time": "9:00am",
        "ended_time": "5:00pm",
        "is_running": False,
        "billable": number % 5 != 0,
        "budgeted": True,
        "billable_rate": rate,
        "cost_rate": 50.0 + (person % 9) * 5,
        "created_at": at,
        "updated_at": at,
        "user": {"id": 1782900 + person, "name": f"Consultant {person}", "email": f"consultant{person}@example.com"},
        "client": {"id": 5735700 + client, "name": f"Client {client} GmbH", "currency": "EUR"},
        "project": {"id": 14307900 + project, "name": f"Project {project} – delivery", "code": f"P-{project:04d}"},
        "task": {"id": 8083300 + task, "name": f"Task {task}"},
        "user_assignment": {"id": 125068000 + person * 1000 + project, "is_active": True, "hourly_rate": rate},
        "task_assignment": {"id": 155502000 + project * 100 + task, "billable": True, "hourly_rate": 100.0},
        "invoice": None,
        "external_reference": {"id": f"ext-{number}", "group_id": f"g-{project}", "permalink": None},
    }


def deal(external_id: str, now: datetime) -> dict[str, Any]:
    """A deal that was just won; its name carries its id, so that the project made of it can be told."""
    number = sum(external_id.encode()) % 41 + 1
    return {
        "id": external_id,
        "name": f"Deal {external_id}",
        "stage": "closedwon",
        "amount": "12500.50",
        "currency": "EUR",
        "company": {"id": f"c{number}", "name": f"Client {number} GmbH"},
        "closed_at": _iso(now),
        "updated_at": _iso(now),
    }


class Vendor:
    """Its records and what happened to it."""

    def __init__(self, count: int) -> None:
        rows = [entry(number) for number in range(count)]
        self._updated = [row["updated_at"] for row in rows]
        self._rows = [orjson.dumps(row) for row in rows]
        self._pages: dict[tuple[int, int, str, str], bytes] = {}
        self._delay_s = 0.0
        self._ids = itertools.count(1)
        self.forget()

    def forget(self) -> None:
        self.fetched: dict[str, float] = {}
        self.created: dict[str, float] = {}
        self.copies: Counter[str] = Counter()
        self.keys: dict[str, int] = {}

    async def time_entries(self, request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        size = min(int(request.query.get("per_page", "100")), _MOST_PER_PAGE)
        key = (page, size, request.query.get("updated_since", ""), request.host)
        body = self._pages.get(key)
        if body is None:
            body = self._pages[key] = self._page(*key)
        return web.Response(body=body, content_type="application/json")

    def _page(self, page: int, size: int, since: str, host: str) -> bytes:
        rows = self._rows
        if since:
            rows = [row for row, at in zip(self._rows, self._updated, strict=True) if at >= since[:19] + "Z"]
        pages = max(1, -(-len(rows) // size))
        query = f"&per_page={size}" + (f"&updated_since={since}" if since else "")
        following = page + 1 if page < pages else None
        meta = {
            "per_page": size,
            "total_pages": pages,
            "total_entries": len(rows),
            "next_page": following,
            "page": page,
            "links": {"next": f"http://{host}/v2/time_entries?page={following}{query}" if following else None},
        }
        return b'{"time_entries":[' + b",".join(rows[(page - 1) * size : page * size]) + b"]," + orjson.dumps(meta)[1:]

    async def deal(self, request: web.Request) -> web.Response:
        external_id = request.match_info["id"]
        self.fetched.setdefault(external_id, time.time())
        return _json(deal(external_id, datetime.now(UTC)))

    async def create_project(self, request: web.Request) -> web.Response:
        """Honours the idempotency key: the second copy gets the first's answer, and is counted all the same."""
        body = orjson.loads(await request.read())
        made = self._make(body, request.headers.get("Idempotency-Key"), time.time())
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        return _json(made, status=201)

    async def create_projects(self, request: web.Request) -> web.Response:
        """Many at once; results in the order of the items."""
        items = orjson.loads(await request.read())["items"]
        now = time.time()
        made = [self._make(item, None, now) for item in items]
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        return _json({"results": made}, status=201)

    def _make(self, body: dict[str, Any], key: str | None, arrived: float) -> dict[str, Any]:
        name = str(body["name"]).removeprefix("Deal ")
        self.copies[name] += 1
        self.created.setdefault(name, arrived)
        return {"id": self.keys.setdefault(key or name, next(self._ids)), "name": body["name"]}

    async def delay(self, request: web.Request) -> web.Response:
        """How long the making of a project takes from now on."""
        self._delay_s = float(request.query["ms"]) / 1000
        return _json({"ok": True})

    async def arrivals(self, _: web.Request) -> web.Response:
        return _json(
            {"fetched": self.fetched, "created": self.created, "most_copies": max(self.copies.values(), default=0)}
        )

    async def reset(self, _: web.Request) -> web.Response:
        self.forget()
        return _json({"ok": True})


def application(count: int) -> web.Application:
    vendor = Vendor(count)
    app = web.Application()
    app.add_routes(
        [
            web.get("/ping", _ping),
            web.get("/v2/time_entries", vendor.time_entries),
            web.get("/v2/deals/{id}", vendor.deal),
            web.post("/projects", vendor.create_project),
            web.post("/projects/batch", vendor.create_projects),
            web.post("/delay", vendor.delay),
            web.get("/arrivals", vendor.arrivals),
            web.post("/reset", vendor.reset),
        ]
    )
    return app


async def _ping(_: web.Request) -> web.Response:
    return _json({"ok": "bench"})


def _json(content: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=100_000)
    options = parser.parse_args()
    app = application(options.count)
    asyncio.set_event_loop(asyncio.new_event_loop())
    web.run_app(app, host="127.0.0.1", port=options.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
