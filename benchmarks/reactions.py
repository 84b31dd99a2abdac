"""How quickly the product reacts, as tables: judged by the goals."""

import statistics
from collections.abc import Sequence

from benchmarks.hooks import percentile
from benchmarks.neighbours import IDLE, Beside
from benchmarks.returning import Return
from benchmarks.saturating import SENDERS, Saturation
from benchmarks.steps import Stepping
from benchmarks.tables import table, verdict

SATURATED_PER_SECOND = 300.0
RETURN_SECONDS = 3.0
BESIDE_RATIO = 2.0


def saturated(runs: Sequence[Saturation]) -> str:
    """The rate is judged where nothing was killed; that nothing is lost or doubled everywhere."""
    lines = []
    for run in runs:
        events = len(run.acknowledged)
        has_cpu = run.usage.cpu_s > 0
        is_whole = events > 0 and not run.lost and not run.doubled and run.most_copies <= 1
        wanted = f"≥ {SATURATED_PER_SECOND:,.0f}/s, none lost" if has_cpu else "none lost"
        lines.append(
            [
                run.case,
                f"{run.per_second:,.0f}/s",
                f"{percentile(run.acknowledge_ms, 0.50):.0f} / {percentile(run.acknowledge_ms, 0.95):.0f} ms",
                f"{_each(run.usage.cpu_s, events)} + {_each(run.usage.postgres_cpu_s, events)} ms" if has_cpu else "",
                f"{run.longest_silence_s:.1f} s",
                f"{events:,}",
                f"{run.unanswered:,}",
                str(run.lost),
                str(run.doubled),
                verdict(is_whole and (not has_cpu or run.per_second >= SATURATED_PER_SECOND), wanted),
            ]
        )
    head = (
        f"{SENDERS} senders", "acknowledged", "p50 / p95", "CPU an event: web + Postgres", "longest without an answer",
        "acknowledged", "sent again", "lost", "doubled", "goal",
    )  # fmt: skip
    return table(head, lines)


def _each(seconds: float, events: int) -> str:
    return f"{1000 * seconds / max(events, 1):.1f}"


def returned(runs: Sequence[Return]) -> str:
    lines = []
    for name, values in (
        ("Postgres recovered and lets in", [run.postgres_s for run in runs]),
        ("web answers its health probe", [run.web_s for run in runs]),
        ("first webhook acknowledged", [run.acknowledged_s for run in runs]),
        ("its project's call arrives at the vendor", [run.arrived_s for run in runs]),
    ):
        is_judged = name == "first webhook acknowledged"
        goal = verdict(max(values) <= RETURN_SECONDS, f"≤ {RETURN_SECONDS:g} s") if is_judged else ""
        lines.append([name, f"{statistics.median(values):.2f} s", f"{max(values):.2f} s", goal])
    return table(("after the order to start", "median", f"largest of {len(runs)}", "goal"), lines)


def beside(runs: Sequence[Beside]) -> str:
    """Events of all repetitions of a case together."""
    idle = _arrivals(runs, IDLE.name)
    lines = []
    for name in dict.fromkeys(run.case.name for run in runs):
        mine = [run for run in runs if run.case.name == name]
        found = _arrivals(runs, name)
        p50, p95 = (percentile(found, share) for share in (0.50, 0.95))
        ratio = p95 / percentile(idle, 0.95)
        is_whole = all(run.hooking.arrived == run.hooking.acknowledged == run.hooking.sent for run in mine)
        is_judged = name != IDLE.name
        lines.append(
            [
                name,
                str(len(found)),
                f"{p50:.0f} / {p95:.0f} / {max(found, default=float('nan')):.0f} ms",
                f"{ratio:.2f} ×" if is_judged else "",
                f"{statistics.median(run.records_per_second for run in mine):,.0f}/s" if is_judged else "",
                verdict(is_whole and ratio <= BESIDE_RATIO, f"≤ {BESIDE_RATIO:g} ×") if is_judged else "",
            ]
        )
    head = (
        "the quiet partner's events", "events", "project call arrived, p50 / p95 / largest", "p95 to alone",
        "read meanwhile", "goal",
    )  # fmt: skip
    return table(head, lines)


def _arrivals(runs: Sequence[Beside], name: str) -> list[float]:
    return [milliseconds for run in runs if run.case.name == name for milliseconds in run.hooking.arrive_ms]


def stepped(run: Stepping) -> str:
    lines = [
        (
            step.name,
            *(f"{value:.1f}" for value in (step.wall_ms, step.postgres_ms, step.vendor_ms, step.own_ms)),
            str(step.trips),
        )
        for step in run.steps
    ]
    total = [
        sum(column)
        for column in zip(*((s.wall_ms, s.postgres_ms, s.vendor_ms, s.own_ms) for s in run.steps), strict=True)
    ]
    lines.append(("all", *(f"{value:.1f}" for value in total), str(sum(step.trips for step in run.steps))))
    head = ("step", "ms", "of it waiting for Postgres", "for the vendor", "Python", "trips to Postgres")
    return table(head, lines)
