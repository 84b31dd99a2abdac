"""How cost grows with records and with partners: measured at a few sizes, fitted, and drawn.

What was measured stands in .local/bench/growth.json, so that reading and partners can be measured apart.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import invoicing, pulling
from benchmarks.processes import HOME, own_server
from benchmarks.tenants import Beside
from launcher.environment import PROJECT

IMAGE = PROJECT / "docs" / "images" / "growth.png"
LARGEST_EXPONENT = 1.05
_KEPT = HOME / "growth.json"
_STYLES = {"first read": "o-", "unchanged re-read": "s-", "invoices drafted": "^-"}


@dataclass(frozen=True, slots=True)
class Point:
    """What so many cost. CPU of the worker and of Postgres together, in seconds."""

    what: str
    size: int
    cpu_s: float
    wall_s: float
    peak_rss_mb: float

    @property
    def per_thousand(self) -> float:
        return 1000 * self.cpu_s / self.size


def by_records(sizes: Sequence[int]) -> list[Point]:
    """Reading, reading again and invoicing so many time entries."""
    found = []
    for size in sizes:
        with own_server(size) as url:
            for one in pulling.read_all(url, size):
                if one.rows:
                    found.append(_point(one.case, size, one.usage))
                    print(f"  {found[-1]}", flush=True)
        if invoicing.PER_PROJECT <= size <= 100_000:
            run = invoicing.draft(size // invoicing.PER_PROJECT)
            found.append(_point("invoices drafted", size, run.drafted))
            print(f"  {found[-1]}", flush=True)
    return found


def _point(what: str, size: int, usage: Any) -> Point:
    return Point(what, size, usage.cpu_s + usage.postgres_cpu_s, usage.wall_s, usage.peak_rss_mb)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Of cost by size, as the slope of a straight line through their logarithms: 1 is linear, 0 is constant."""
    xs, ys = ([math.log(value) for value in values] for values in zip(*points, strict=True))
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def keep(*, records: Sequence[Point] | None = None, partners: Sequence[Beside] | None = None) -> None:
    """Put what was measured in place of what was measured before."""
    known = _known()
    if records is not None:
        known["records"] = [asdict(point) for point in records]
    if partners is not None:
        known["partners"] = [asdict(beside) for beside in partners]
    HOME.mkdir(parents=True, exist_ok=True)
    _KEPT.write_text(json.dumps(known, indent=1))


def kept() -> tuple[list[Point], list[Beside]]:
    known = _known()
    return [Point(**one) for one in known["records"]], [Beside(**one) for one in known["partners"]]


def _known() -> dict[str, Any]:
    empty: dict[str, Any] = {"records": [], "partners": []}
    return {**empty, **json.loads(_KEPT.read_text())} if _KEPT.exists() else empty


def draw(points: Sequence[Point], partners: Sequence[Beside], image: Path = IMAGE) -> Path:
    """The curves there are, on axes where twice as much is always the same step: what is linear lies level on the left."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, 2 if partners else 1, figsize=(11 if partners else 6, 4.2), dpi=110, squeeze=False
    )
    left, right = panels[0][0], panels[0][-1]
    for what, style in _STYLES.items():
        mine = [point for point in points if point.what == what]
        if mine:
            left.plot([p.size for p in mine], [p.per_thousand for p in mine], style, label=what)
    _label(left, "time entries", "CPU s per 1,000, own + Postgres", "Cost of a record")
    left.set_ylim(bottom=0)
    if partners:
        _draw_partners(right, partners)
    figure.tight_layout()
    image.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(image, metadata={"Software": None})
    pyplot.close(figure)
    return image


def _draw_partners(axes: Any, partners: Sequence[Beside]) -> None:
    for what, style, values in (
        ("migrate_partners, nothing to do, s", "o-", [beside.nothing_s for beside in partners]),
        ("a read of nothing by the running worker, s", "s-", [beside.read_nothing_s for beside in partners]),
        ("1,000 records read, CPU s", "D-", [beside.read_cpu_s for beside in partners]),
        ("a claim and its end, ms", "^-", [beside.claim_ms for beside in partners]),
    ):
        axes.plot([beside.count for beside in partners], values, style, label=what)
    _label(axes, "partners in the installation", "s, or ms where it says so", "Cost beside other partners")
    axes.set_yscale("log")


def _label(axes: Any, x: str, y: str, title: str) -> None:
    axes.set_xscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title)
    axes.grid(True, which="major", alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
