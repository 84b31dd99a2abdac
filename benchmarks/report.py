"""Turns measurements into the tables people read, and judges them by the goals."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks import growth, lists, manifests
from benchmarks.delivering import Delivering
from benchmarks.files import FileStep
from benchmarks.hooks import Hooking, percentile
from benchmarks.invoicing import Drafting
from benchmarks.mapping import GOAL_MS, MappedPage
from benchmarks.measuring import Usage
from benchmarks.processes import HOME
from benchmarks.tables import table, verdict
from benchmarks.tenants import Beside, Tenants

OURS = "Throughline"
GOALS = {"first read": 8_000.0, "unchanged re-read": 12_000.0}
NOTHING_SECONDS = 0.3
WORKER_MB = 200.0
PARTNER_SECONDS = 3.0
DRAFT_SECONDS = 20.0
RELEASE_SECONDS = 15.0
ARRIVE_MS = {0.50: 50.0, 0.95: 150.0}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured run of one product."""

    product: str
    case: str
    rows: int
    usage: Usage

    @property
    def per_second(self) -> float:
        return self.rows / self.usage.wall_s

    @property
    def per_cpu_second(self) -> float:
        return self.rows / max(self.usage.cpu_s + self.usage.postgres_cpu_s, 1e-9)


def mapped(pages: list[MappedPage]) -> str:
    """Medians with the smallest and largest page, judged by the goal."""
    lines = []
    for name, values in (
        ("read with paging", [page.read_ms for page in pages]),
        ("map only", [page.map_ms for page in pages]),
        ("read and map", [page.total_ms for page in pages]),
    ):
        middle = statistics.median(values)
        met = "" if name != "read and map" else "met" if middle < GOAL_MS else "not met"
        lines.append((name, f"{middle:.1f}", f"{min(values):.1f}", f"{max(values):.1f}", met))
    return table(("step", "ms CPU, median", "smallest", "largest", f"goal {GOAL_MS:g} ms"), lines)


def loaded(milliseconds: list[float]) -> str:
    middle = statistics.median(milliseconds)
    met = "met" if middle < manifests.GOAL_MS else "not met"
    figures = tuple(f"{value:.0f}" for value in (middle, min(milliseconds), max(milliseconds)))
    return table(("ms CPU, median", "smallest", "largest", f"goal {manifests.GOAL_MS:g} ms"), [(*figures, met)])


def filed(steps: list[FileStep]) -> str:
    """Each step of a file's way: speed, CPU and memory."""
    lines = []
    for step in steps:
        usage = step.usage
        cpu = usage.cpu_s + usage.postgres_cpu_s
        lines.append(
            (
                step.case,
                f"{usage.wall_s:.1f}",
                f"{step.rows / usage.wall_s:,.0f}",
                f"{step.rows / max(cpu, 1e-9):,.0f}",
                f"{usage.cpu_s:.1f} + {usage.postgres_cpu_s:.1f}",
                f"{usage.peak_rss_mb:.0f} MB",
            )
        )
    return table(("step", "s", "rows/s", "rows/CPU-s", "CPU s own + Postgres", "largest process"), lines)


def delivered(runs: list[Delivering]) -> str:
    lines = []
    for case in dict.fromkeys(run.case for run in runs):
        mine = [run for run in runs if run.case == case]
        speeds = [run.count / run.usage.wall_s for run in mine]
        cpu = statistics.median((run.usage.cpu_s + run.usage.postgres_cpu_s) / run.count for run in mine)
        lines.append(
            [
                case.name,
                f"{statistics.median(speeds):,.0f}",
                f"{min(speeds):,.0f}–{max(speeds):,.0f}",
                f"{1000 * cpu:.2f} ms",
                f"{statistics.median(run.last_start_s for run in mine):.1f} s",
                f"{max(run.usage.peak_rss_mb for run in mine):.0f} MB",
                verdict(statistics.median(speeds) >= case.goal, f"≥ {case.goal:,.0f}"),
            ]
        )
    head = ("case", "deliveries/s", "range", "CPU each, own + Postgres", "last call after", "largest process", "goal")
    return table(head, lines)


def drafted(runs: list[Drafting]) -> str:
    """Medians of what the flow does with approved work, and of looking once more when nothing is left to do."""
    lines = []
    for case, usages in (
        ("drafted, with lines, billings and intents", [run.drafted for run in runs]),
        ("the flow looks again", [run.look for run in runs]),
        ("control totals worked out", [run.control for run in runs]),
    ):
        seconds = statistics.median(usage.wall_s for usage in usages)
        is_work = usages[0] is runs[0].drafted
        lines.append(
            (
                case,
                f"{seconds:.2f}",
                f"{runs[0].entries / seconds:,.0f}" if is_work else "",
                f"{runs[0].invoices / seconds:,.0f}" if is_work else "",
                f"{statistics.median(usage.cpu_s for usage in usages):.1f} + "
                f"{statistics.median(usage.postgres_cpu_s for usage in usages):.1f}",
                f"{max(usage.peak_rss_mb for usage in usages):.0f} MB",
                verdict(seconds <= DRAFT_SECONDS, f"≤ {DRAFT_SECONDS:g} s") if is_work else "",
            )
        )
    head = ("step", "s", "entries/s", "invoices/s", "CPU s own + Postgres", "largest process", "goal")
    return table(head, lines)


def listed(pages: list[lists.Page], most: int = 20) -> str:
    """The slowest pages, then how many there were in all."""
    slow = sum(page.ms > lists.GOAL_MS for page in pages)
    by_time = sorted(pages, key=lambda page: -page.ms)
    lines = [
        (page.model, page.what, f"{page.ms:.0f}", str(page.queries), str(page.rows), page.query)
        for page in by_time[:most]
    ]
    middle = statistics.median(page.ms for page in pages)
    judged = verdict(not slow, f"≤ {lists.GOAL_MS:g} ms")
    return "\n\n".join(
        [
            table(("list", "page", "ms", "queries", "rows", "query"), lines),
            f"{len(pages)} pages, median {middle:.0f} ms, most queries {max(page.queries for page in pages)}, "
            f"{slow} over the goal {judged}",
        ]
    )


def grown(points: list[growth.Point], partners: list[Beside]) -> str:
    """Cost at each size, and the exponent of its growth: over all sizes, and from the last but one to the last."""
    lines = []
    for what in dict.fromkeys(point.what for point in points):
        mine = [point for point in points if point.what == what]
        lines += [
            (what, f"{point.size:,}", f"{point.cpu_s:.1f}", f"{point.per_thousand:.3f}", f"{point.peak_rss_mb:.0f} MB")
            for point in mine
        ]
    sizes = table(("what", "records", "CPU s", "CPU s per 1,000", "largest process"), lines)
    curves = {
        what: [(float(point.size), point.cpu_s) for point in points if point.what == what]
        for what in dict.fromkeys(point.what for point in points)
    }
    for name in ("claim_ms", "nothing_s", "read_cpu_s", "read_nothing_s"):
        curves[f"{name} by partners"] = [(float(beside.count), float(getattr(beside, name))) for beside in partners]
    fits = [
        (what, f"{whole:.2f}", f"{last:.2f}", verdict(max(whole, last) <= growth.LARGEST_EXPONENT, "≤ 1.05"))
        for what, curve in curves.items()
        if len(curve) > 1
        for whole, last in [(growth.exponent(curve), growth.exponent(curve[-2:]))]
    ]
    beside = table(
        ("partners", "claim ms", "migrate nothing s", "1,000 records read, CPU s", "read of nothing s"),
        [
            (
                f"{one.count}",
                f"{one.claim_ms:.2f}",
                f"{one.nothing_s:.2f}",
                f"{one.read_cpu_s:.2f}",
                f"{one.read_nothing_s:.3f}",
            )
            for one in partners
        ],
    )
    return "\n\n".join([sizes, beside, table(("growth of", "exponent", "last step", "goal"), fits)])


def tenanted(run: Tenants) -> str:
    fifth = max(len(run.created_s) // 5, 1)
    first, last = (statistics.median(part) for part in (run.created_s[:fifth], run.created_s[-fifth:]))
    middle, p95 = (percentile(run.created_s, share) for share in (0.50, 0.95))
    one, every = (
        " / ".join(f"{percentile(ms, share):.2f}" for share in (0.50, 0.95))
        for ms in (run.claim_one_ms, run.claim_all_ms)
    )
    slowest = max(run.nothing_s)
    lines = [
        (
            "making a partner, median / p95 / largest",
            f"{middle:.2f} / {p95:.2f} / {max(run.created_s):.2f} s",
            verdict(p95 <= PARTNER_SECONDS, f"≤ {PARTNER_SECONDS:g} s"),
        ),
        ("the same, first fifth → last fifth", f"{first:.2f} → {last:.2f} s", ""),
        (
            f"migrate_partners with nothing to do, median / largest of {len(run.nothing_s)}",
            f"{statistics.median(run.nothing_s):.2f} / {slowest:.2f} s",
            verdict(slowest <= RELEASE_SECONDS, f"≤ {RELEASE_SECONDS:g} s"),
        ),
        ("migrate_partners with one partner behind", f"{run.one_behind_s:.2f} s", ""),
        ("a claim and its end beside one partner, p50 / p95", f"{one} ms", ""),
        (f"the same beside {len(run.created_s)}", f"{every} ms", ""),
        ("the database", f"{run.database_mb:,.0f} MB", ""),
    ]
    return table(("what", "measured", "goal"), lines)


def pulls(rows: list[Row]) -> str:
    """Medians by product and case, with the range; ratios are medians of the ratios taken repetition by repetition."""
    lines = []
    for case in ("first read", "unchanged re-read"):
        for product in dict.fromkeys(row.product for row in rows):
            mine = _of(rows, product, case)
            if mine:
                lines.append(_line(rows, mine, product, case))
    head = (
        "case",
        "product",
        "rows/s",
        "range",
        "rows/CPU-s",
        "CPU s own + Postgres",
        "largest process",
        "all",
        *_others(rows),
        "goal",
    )
    return table(head, lines)


def _line(rows: list[Row], mine: list[Row], product: str, case: str) -> list[str]:
    speeds = [row.per_second for row in mine]
    goal = GOALS[case] if product == OURS else 0
    return [
        case,
        product,
        f"{statistics.median(speeds):,.0f}",
        f"{min(speeds):,.0f}–{max(speeds):,.0f}",
        f"{statistics.median(row.per_cpu_second for row in mine):,.0f}",
        f"{statistics.median(row.usage.cpu_s for row in mine):.1f} + "
        f"{statistics.median(row.usage.postgres_cpu_s for row in mine):.1f}",
        f"{max(row.usage.peak_rss_mb for row in mine):.0f} MB",
        f"{max(row.usage.tree_rss_mb for row in mine):.0f} MB",
        *[_ratio(mine, _of(rows, other, case)) for other in _others(rows)],
        verdict(statistics.median(speeds) >= goal, f"≥ {goal:,.0f}") if goal else "",
    ]


def _others(rows: list[Row]) -> list[str]:
    return [f"{product}" for product in dict.fromkeys(row.product for row in rows) if product != OURS]


def _ratio(mine: list[Row], theirs: list[Row]) -> str:
    pairs = [
        (a.per_second / b.per_second, a.per_cpu_second / b.per_cpu_second) for a, b in zip(mine, theirs, strict=False)
    ]
    if not pairs or mine is theirs or mine[0].product == theirs[0].product:
        return ""
    wall, cpu = (statistics.median(pair[index] for pair in pairs) for index in (0, 1))
    return f"{wall:.2f}× ({cpu:.2f}× by CPU)"


def _of(rows: list[Row], product: str, case: str) -> list[Row]:
    return [row for row in rows if row.product == product and row.case == case]


def nothing_new(rows: list[Row]) -> str:
    seconds = [row.usage.wall_s for row in rows if row.case == "nothing new"]
    median = statistics.median(seconds)
    said = verdict(median <= NOTHING_SECONDS, f"≤ {NOTHING_SECONDS} s")
    return (
        f"Incremental read of nothing, running worker: {median:.3f} s (max {max(seconds):.3f}, n={len(seconds)}) {said}"
    )


def memory(rows: list[Row]) -> str:
    largest = max(row.usage.peak_rss_mb for row in rows if row.product == OURS)
    return f"Largest worker process: {largest:.0f} MB {verdict(largest < WORKER_MB, f'< {WORKER_MB:.0f} MB')}"


def hooked(runs: list[Hooking]) -> str:
    lines = []
    for run in runs:
        p50, p95, p99 = (percentile(run.arrive_ms, share) for share in (0.50, 0.95, 0.99))
        is_good = p50 <= ARRIVE_MS[0.50] and p95 <= ARRIVE_MS[0.95] and run.arrived == run.acknowledged
        lines.append(
            [
                f"{run.rate:g}/s",
                f"{run.sent} / {run.acknowledged} / {run.arrived}",
                str(run.most_copies),
                *[_three(values) for values in (run.acknowledge_ms, run.fetch_ms)],
                f"{p50:.0f} / {p95:.0f} / {p99:.0f}",
                f"{1000 * (run.usage.cpu_s + run.usage.postgres_cpu_s) / max(run.sent, 1):.0f} ms",
                f"{run.usage.tree_rss_mb:.0f} MB",
                verdict(is_good, "50 / 150"),
            ]
        )
    head = (
        "rate", "sent / acknowledged / arrived", "most copies", "acknowledged ms p50 / p95 / p99",
        "deal fetched ms", "project call arrived ms", "CPU per event", "web + worker", "goal",
    )  # fmt: skip
    return table(head, lines)


def _three(values: list[float]) -> str:
    return " / ".join(f"{percentile(values, share):.0f}" for share in (0.50, 0.95, 0.99))


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:  # noqa: PTH123
            model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), model)
    except OSError:
        pass
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} × {model}, Python {platform.python_version()}, load {load}"


def keep(rows: list[Row], runs: Sequence[Any]) -> None:
    """Append the single measurements, of whatever dataclass, to .local/bench/results.jsonl."""
    HOME.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with (HOME / "results.jsonl").open("a") as out:
        for row in rows:
            out.write(json.dumps({"at": at, **asdict(row)}) + "\n")
        for run in runs:
            out.write(json.dumps({"at": at, **asdict(run)}) + "\n")
