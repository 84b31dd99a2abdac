"""How many of everything a load needs: workers, web processes, connections, Postgres servers, disk and its growth.

python -m benchmarks.capacity [--partners N] [--customers N] [--records N] prints it from measured unit costs, with what it
assumes. `needs` is pure: a load and unit costs in, counts out. Nothing here is a measurement of a thousand partners.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields

from benchmarks.unit_costs import Cost, UnitCosts

DAY_S = 86_400.0
MONTH_DAYS = 30.4
YEAR_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Load:
    """What is assumed. A `_share` is of the records a customer's systems give out a day."""

    partners: int = 1_000
    customers: int = 50
    """Of each partner."""
    records: int = 10_000
    """Read a day for each customer."""
    new_share: float = 0.25
    changed_share: float = 0.15
    """The rest is read again unchanged: overlap of cursors, full re-reads."""
    delivery_share: float = 0.02
    webhook_share: float = 0.05
    syncs: int = 6
    """Of each customer."""
    sync_minutes: int = 15
    page_views: int = 200
    """Of each customer's people and those of the partner who serve them, a day."""
    page_view_s: float = 0.05
    """CPU of the web process for one; assumed, not measured."""
    page_view_postgres_s: float = 0.02
    """Assumed, not measured."""
    vendor_s: float = 0.3
    """A vendor's answer; a worker waits that long for each page, write or empty read."""
    page_size: int = 100
    """Records a vendor gives out at a time."""
    peak_factor: float = 4.0
    """The busiest quarter of an hour against the mean of the day. Empty reads are spread evenly."""
    busy_share: float = 0.6
    """Of a core or a process that may be used at the peak, so that queues stay short and a host may fail."""


@dataclass(frozen=True, slots=True)
class Machines:
    """What one of each is taken to be, all assumed."""

    worker_host_cores: int = 8
    worker_host_gb: int = 32
    web_threads: int = 4
    database_cores: int = 32
    database_tb: float = 16.0
    database_connections: int = 1_000
    database_partners: int = 500
    """As many schemas as were measured in one database."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Counts, at the peak. `growth_gb_month` and the sizes are over all servers."""

    records_per_second: float
    worker_cores: float
    worker_processes: int
    worker_hosts: int
    web_cores: float
    web_processes: int
    database_cores: float
    connections: int
    start_gb: float
    growth_gb_month: float
    year_gb: float
    database_servers: int
    bound_by: str
    """Which of a server's limits asks for so many."""


def needs(load: Load, costs: UnitCosts, machines: Machines | None = None) -> Needs:
    """Raises ValueError when the shares of records are more than all of them."""
    machines = machines or Machines()
    if load.new_share + load.changed_share > 1:
        raise ValueError("new_share and changed_share are shares of the same records; together they are more than 1")
    customers = load.partners * load.customers
    peak = customers * load.records * load.peak_factor / DAY_S
    polls = customers * load.syncs / (60 * load.sync_minutes)
    work = _work(load, costs, peak, polls)
    views = customers * load.page_views * load.peak_factor / DAY_S
    web_cores = peak * load.webhook_share * costs.webhook_web.own_s + views * load.page_view_s
    database_cores = work.postgres_s + views * load.page_view_postgres_s
    worker_processes = math.ceil((work.own_s + work.postgres_s + _waiting(load, peak, polls)) / load.busy_share)
    worker_hosts = math.ceil(
        max(
            work.own_s / load.busy_share / machines.worker_host_cores,
            worker_processes * costs.worker_mb / (1_000 * machines.worker_host_gb),
        )
    )
    # A request holds its process's interpreter for its CPU only: threads are there for the waiting.
    web_processes = math.ceil(web_cores / load.busy_share)
    connections = connections_of(worker_processes, worker_hosts, web_processes * machines.web_threads)
    start_gb = load.partners * costs.partner_bytes / 1e9
    growth = customers * load.records * _bytes(load, costs) * MONTH_DAYS / 1e9
    year = start_gb + YEAR_MONTHS * growth
    limits = {
        "CPU": database_cores / load.busy_share / machines.database_cores,
        "disk after a year": year / (1_000 * machines.database_tb),
        "connections": connections / machines.database_connections,
        "schemas in one catalog": load.partners / machines.database_partners,
    }
    bound_by = max(limits, key=lambda name: limits[name])
    return Needs(
        peak,
        work.own_s,
        worker_processes,
        worker_hosts,
        web_cores,
        web_processes,
        database_cores,
        connections,
        start_gb,
        growth,
        year,
        math.ceil(limits[bound_by]),
        bound_by,
    )


def connections_of(worker_processes: int, worker_hosts: int, web_threads: int) -> int:
    """A worker process keeps one for its work and one for listening; each host's queue five more (guard, pusher, its listener,
    monitor, clock); a web thread one."""
    return 2 * worker_processes + 5 * worker_hosts + web_threads


def _work(load: Load, costs: UnitCosts, peak: float, polls: float) -> Cost:
    """CPU seconds a second in the background. A changed record is taken to cost what a new one does."""
    written = load.new_share + load.changed_share
    parts = (
        (peak * written, costs.new_record),
        (peak * (1 - written), costs.unchanged_record),
        (peak * load.delivery_share, costs.delivery),
        (peak * load.webhook_share, costs.webhook_work),
        (polls, costs.empty_read),
    )
    return Cost(sum(rate * cost.own_s for rate, cost in parts), sum(rate * cost.postgres_s for rate, cost in parts))


def _waiting(load: Load, peak: float, polls: float) -> float:
    """Processes that wait for a vendor at any moment: for a page, for a write, or to hear that there is nothing."""
    calls = peak * (1 / load.page_size + load.delivery_share + load.webhook_share) + polls
    return calls * load.vendor_s


def _bytes(load: Load, costs: UnitCosts) -> float:
    """What stays of one record read, with the share of everything that follows from it. Nothing is ever deleted."""
    return (
        load.new_share * costs.new_record_bytes
        + load.changed_share * costs.change_bytes
        + load.webhook_share * costs.event_bytes
        + load.delivery_share * costs.delivery_bytes
    )


def as_table(found: Needs) -> list[tuple[str, str]]:
    """What people read."""
    return [
        ("records read at the peak", f"{found.records_per_second:,.0f}/s"),
        ("cores busy in workers", f"{found.worker_cores:,.1f}"),
        ("worker processes (most of them waiting for vendors)", f"{found.worker_processes:,}"),
        ("worker hosts", f"{found.worker_hosts:,}"),
        ("cores busy in web", f"{found.web_cores:,.1f}"),
        ("web processes", f"{found.web_processes:,}"),
        ("cores busy in Postgres, all servers", f"{found.database_cores:,.1f}"),
        ("connections, all servers", f"{found.connections:,}"),
        ("database when empty", f"{found.start_gb:,.1f} GB"),
        ("growth a month, all servers", f"{found.growth_gb_month:,.0f} GB"),
        ("database after a year, all servers", f"{found.year_gb:,.0f} GB"),
        ("Postgres servers", f"{found.database_servers:,} (bound by {found.bound_by})"),
    ]


def assumptions(load: Load, costs: UnitCosts, machines: Machines) -> list[tuple[str, str, str]]:
    """(what, value, where it comes from)."""
    given = [
        (one.name, f"{getattr(source, one.name):,}", "assumed")
        for source in (load, machines)
        for one in fields(type(source))
    ]
    measured = [
        (one.name, _shown(getattr(costs, one.name)), "this machine" if one.name in costs.found else "published")
        for one in fields(UnitCosts)
        if one.name != "found"
    ]
    return given + measured


def _shown(value: Cost | float) -> str:
    if isinstance(value, Cost):
        return f"{1e6 * value.own_s:,.0f} + {1e6 * value.postgres_s:,.0f} µs CPU, own + Postgres"
    return f"{value:,.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    from benchmarks.processes import HOME
    from benchmarks.tables import table
    from benchmarks.unit_costs import unit_costs

    usual = Load()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--partners", type=int, default=usual.partners)
    parser.add_argument("--customers", type=int, default=usual.customers, help="of each partner")
    parser.add_argument("--records", type=int, default=usual.records, help="read a day for each customer")
    parser.add_argument("--new", type=float, default=usual.new_share, help="share of them that is new (0 to 1)")
    parser.add_argument("--changed", type=float, default=usual.changed_share, help="share of them that changed")
    parser.add_argument("--peak", type=float, default=usual.peak_factor, help="busiest quarter of an hour / mean")
    given = parser.parse_args(arguments)
    load = Load(
        partners=given.partners,
        customers=given.customers,
        records=given.records,
        new_share=given.new,
        changed_share=given.changed,
        peak_factor=given.peak,
    )
    costs, machines = unit_costs(HOME / "results.jsonl"), Machines()
    print(
        f"{load.partners:,} partners × {load.customers:,} customers × {load.records:,} records a day\n",
        table(("needed at the peak", ""), as_table(needs(load, costs, machines))),
        "",
        table(("from", "value", "source"), assumptions(load, costs, machines)),
        sep="\n",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
