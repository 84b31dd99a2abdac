"""What one of each thing costs: taken from .local/bench/results.jsonl where a run of bin/bench left it there, else the published
figures below. Never guessed: what is assumed stands in `capacity.Load`."""

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

# Of the CPU of web and workers together that a webhook costs (docs/performance.md, where the time goes).
_WEB_SHARE = 5 / 33


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one: of our own process, and of Postgres."""

    own_s: float
    postgres_s: float


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Seconds of CPU and bytes on disk, indexes included, of one of each: as measured on 2026-11-27 on two cores of an AMD EPYC
    (100,000 records, 5,000 deliveries, 600 webhooks), an empty partner the day before (500 of them)."""

    new_record: Cost = Cost(47e-6, 65e-6)
    unchanged_record: Cost = Cost(23e-6, 3e-6)
    delivery: Cost = Cost(0.60e-3, 0.31e-3)
    webhook_web: Cost = Cost(3.7e-3, 0.0)
    webhook_work: Cost = Cost(20.9e-3, 16.1e-3)
    empty_read: Cost = Cost(10e-3, 10e-3)
    """A read that finds nothing new."""
    new_record_bytes: float = 2_833.0
    change_bytes: float = 515.0
    """History and change of one record; the record itself is written over."""
    event_bytes: float = 525.0
    delivery_bytes: float = 2_342.0
    partner_bytes: float = 9.8e6
    """An empty schema."""
    worker_mb: float = 159.0
    """The largest worker process."""
    found: tuple[str, ...] = field(default=())
    """Names of the costs that come from this machine's own runs."""


def unit_costs(results: Path) -> UnitCosts:
    """The published costs, each replaced by the median of this machine's runs where there are any."""
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    found = {name: value for name, value in _measured(lines).items() if value is not None}
    assert set(found) <= {one.name for one in fields(UnitCosts)}
    return replace(UnitCosts(), **found, found=tuple(sorted(found)))


def _measured(lines: list[dict[str, Any]]) -> Mapping[str, Any]:
    ours = [line for line in lines if line.get("product") == "Throughline"]
    hooks = [line for line in lines if line.get("sent")]
    sizes = [line["bytes_per_row"] for line in lines if "bytes_per_row" in line]
    event = _cost((line["usage"], line["sent"]) for line in hooks)
    tenants = [line for line in lines if "database_mb" in line and len(line["created_s"]) >= 100]
    return {
        "new_record": _of_case(ours, "first read"),
        "unchanged_record": _of_case(ours, "unchanged re-read"),
        "delivery": _of_case(ours, "deliveries, one by one"),
        "empty_read": _cost((line["usage"], 1) for line in ours if line["case"] == "nothing new"),
        "webhook_web": event and Cost(event.own_s * _WEB_SHARE, 0.0),
        "webhook_work": event and Cost(event.own_s * (1 - _WEB_SHARE), event.postgres_s),
        "new_record_bytes": _bytes(sizes, NEW_RECORD),
        "change_bytes": _bytes(sizes, CHANGE),
        "event_bytes": _bytes(sizes, EVENT),
        "delivery_bytes": _bytes(sizes, DELIVERY),
        "partner_bytes": _median(1e6 * line["database_mb"] / len(line["created_s"]) for line in tenants),
        "worker_mb": max((line["usage"]["peak_rss_mb"] for line in ours), default=None),
    }


# Tables in which one of each leaves a row. A record's are those of a time entry, the most frequent kind.
NEW_RECORD = (
    "syncs_sourcerecord",
    "canonical_timeentry",
    "canonical_historicaltimeentry",
    "canonical_externalref",
    "canonical_change",
)
CHANGE = ("canonical_historicaltimeentry", "canonical_change")
EVENT = ("syncs_inboxevent",)
DELIVERY = ("syncs_delivery", "syncs_deliveryattempt", "canonical_externalref", "canonical_change")


def _bytes(sizes: list[dict[str, float]], tables: tuple[str, ...]) -> float | None:
    """Of the run in which all the tables had rows, the latest."""
    complete = [size for size in sizes if all(table in size for table in tables)]
    return sum(complete[-1][table] for table in tables) if complete else None


def _of_case(lines: list[dict[str, Any]], case: str) -> Cost | None:
    return _cost((line["usage"], line["rows"]) for line in lines if line["case"] == case)


def _cost(runs: Iterable[tuple[dict[str, float], int]]) -> Cost | None:
    each = [(usage["cpu_s"] / count, usage["postgres_cpu_s"] / count) for usage, count in runs]
    own, postgres = (_median(pair[place] for pair in each) for place in (0, 1))
    return None if own is None or postgres is None else Cost(own, postgres)


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None
