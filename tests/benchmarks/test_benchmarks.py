"""The benchmarks count right and read what they claim to; how fast anything is, no test asserts."""

import asyncio
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from apps.connectors.manifest.loader import load_file
from apps.connectors.webhooks import signature_of
from apps.mappings.engine import Mapped, MappingSpec, compile_mapping
from apps.tabular.reading.opening import open_table
from benchmarks import billable_work, files, growth, neighbours, reactions, report, server
from benchmarks.billable_work import Worked, nearest
from benchmarks.hooks import Hooking, percentile
from benchmarks.invoicing import Drafting
from benchmarks.lists import Page
from benchmarks.mapping import MappedPage
from benchmarks.measuring import Usage, measured
from benchmarks.processes import CONNECTORS
from benchmarks.returning import Return
from benchmarks.saturating import Saturation
from benchmarks.senders import Address, send_as_answered, send_when_due
from benchmarks.tenants import Beside, Tenants
from benchmarks.unit_costs import unit_costs

T = TypeVar("T")


def mapping(object_name: str):
    manifest = load_file(CONNECTORS / "bench" / "manifest.yaml")
    spec = next(one for one in manifest.mappings if one["object"] == object_name and one["direction"] == "in")
    return compile_mapping(MappingSpec.model_validate(spec), value_maps={})


def finished(work: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: a browser test before this one may have left its event loop running in ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class TestVendor:
    def test_every_entry_is_read_once_page_by_page(self) -> None:
        async def read() -> list[int]:
            found: list[int] = []
            async with TestClient(TestServer(server.application(25))) as client:
                url: str | None = "/v2/time_entries?per_page=10"
                while url:
                    page = orjson.loads(await (await client.get(url)).read())
                    found += [row["id"] for row in page["time_entries"]]
                    url = page["links"]["next"] and "/" + page["links"]["next"].split("/", 3)[3]
            return found

        found = finished(read())
        assert len(found) == len(set(found)) == 25

    def test_a_second_copy_is_counted_though_the_key_is_honoured(self) -> None:
        async def create() -> tuple[list[int], dict[str, object]]:
            async with TestClient(TestServer(server.application(0))) as client:
                ids = []
                for _ in range(2):
                    answer = await client.post("/projects", json={"name": "Deal a"}, headers={"Idempotency-Key": "k"})
                    ids.append(orjson.loads(await answer.read())["id"])
                return ids, orjson.loads(await (await client.get("/arrivals")).read())

        ids, arrivals = finished(create())
        assert ids[0] == ids[1]
        assert (list(arrivals["created"]), arrivals["most_copies"]) == (["a"], 2)


class TestConnector:
    def test_entries_and_deals_map_without_loss(self) -> None:
        entry = mapping("time_entries").run(server.entry(7))
        deal = mapping("deals").run(server.deal("x-1", datetime(2026, 11, 23, tzinfo=UTC)))
        assert isinstance(entry, Mapped)
        assert set(entry.references) == {"client", "project", "resource"}
        assert isinstance(deal, Mapped)
        assert (deal.values["status"], deal.values["name"]) == ("won", "Deal x-1")


class TestMeasuring:
    def test_the_work_of_a_child_is_counted(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", "x = sum(i * i for i in range(3_000_000)); input()"], stdin=subprocess.PIPE
        )
        with measured(process.pid, lambda: 0.0) as usage:
            process.communicate(b"\n")
        assert usage.cpu_s > 0
        assert usage.peak_rss_mb > 1


class TestReport:
    def test_ratios_compare_the_same_repetition(self) -> None:
        rows = [
            report.Row(product, "first read", 1000, Usage(wall_s=wall, cpu_s=wall / 2, postgres_cpu_s=0))
            for wall, product in ((1.0, report.OURS), (2.0, "dlt"), (2.0, report.OURS), (8.0, "dlt"))
        ]
        line = next(line for line in report.pulls(rows).splitlines() if report.OURS in line)
        assert "3.00× (3.00× by CPU)" in line
        assert "✗ ≥ 8,000" in line

    def test_a_lost_event_fails_the_goal_however_fast_the_others_were(self) -> None:
        run = Hooking(20, sent=2, acknowledged=2, arrived=1, arrive_ms=[5.0], acknowledge_ms=[1.0], fetch_ms=[2.0])
        assert "✗ 50 / 150" in report.hooked([run])

    @pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 3), (0.95, 4)])
    def test_percentiles_are_values_that_occurred(self, share: float, expected: int) -> None:
        assert percentile([4, 2, 3, 1], share) == expected


class TestMappedPages:
    def test_the_middle_page_is_judged_by_the_goal(self) -> None:
        pages = [MappedPage(10, 20), MappedPage(12, 25), MappedPage(90, 80)]

        told = report.mapped(pages)

        assert "| read and map     | 37.0 " in told
        assert "| met " in told
        assert "not met" in report.mapped([MappedPage(40, 40)])


class TestFiles:
    def test_csv_and_workbook_hold_the_same_rows(self) -> None:
        book = io.BytesIO()
        files.write_workbook(book, 30)
        text = b"".join(files.csv_lines(30))

        tables = [open_table(lambda content=content: io.BytesIO(content)) for content in (text, book.getvalue())]  # type: ignore[misc]

        first, second = ([[str(cell) for cell in row.cells] for row in one.rows()] for one in tables)
        assert len(first) == 30 and [row[0] for row in first] == [row[0] for row in second]
        assert tables[0].detected.headers == tables[1].detected.headers == list(files.HEADINGS)


class Receiver:
    """Answers webhooks with what it is told to, and keeps them."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[dict[str, Any]] = []
        self.signatures: list[str | None] = []

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(orjson.loads(await request.read()))
        self.signatures.append(request.headers.get("X-Bench-Signature"))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def during(self, work: Callable[[Address], T]) -> T:
        """In a server of its own; the work runs in another thread, as it brings its own event loop."""

        async def serve() -> T:
            app = web.Application()
            app.router.add_post("/hooks/x/", self.take)
            async with TestServer(app) as running:
                address = Address(str(running.make_url("/hooks/x/")), "key", "benchmarks.localhost")
                return await asyncio.to_thread(work, address)

        return finished(serve())


class TestSenders:
    def test_who_gets_no_yes_sends_the_same_again(self) -> None:
        receiver, run = Receiver(500, 503), Saturation("x")

        receiver.during(lambda at: send_as_answered(at, 1, 0.05, run.note, patience=10, pause=0.0))

        deals = [body["deal_id"] for body in receiver.bodies]
        assert deals[0] == deals[1] == deals[2] and len(set(deals)) == len(deals) - 2
        assert run.unanswered == 2
        assert run.acknowledged == list(dict.fromkeys(deals))

    def test_events_are_signed_as_the_manifest_says_and_due_at_their_rate(self) -> None:
        receiver, run = Receiver(200, 500), Hooking(100)

        due = receiver.during(lambda at: send_when_due(at, 100, run.note, count=3))
        run.judge(due, {"fetched": {}, "created": dict.fromkeys(due, max(due.values())), "most_copies": 1})

        assert (run.sent, run.acknowledged, run.arrived) == (3, 2, 3)
        assert sorted(round(ms) for ms in run.arrive_ms) == [0, 10, 20]
        manifest = load_file(CONNECTORS / "bench" / "manifest.yaml")
        assert manifest.webhooks is not None
        body = orjson.dumps(receiver.bodies[0])
        wanted = signature_of(manifest.webhooks.signature, "key", method="POST", url="", body=body)
        assert receiver.signatures[0] == wanted


class TestReactions:
    def saturation(self, *, seconds: float = 1.0, cpu: float = 1.0) -> Saturation:
        run = Saturation("undisturbed", seconds=seconds, usage=Usage(cpu_s=cpu, postgres_cpu_s=cpu))
        for number in range(400):
            run.note(str(number), 10.0, True)
        return run

    def test_an_acknowledged_event_that_is_not_kept_fails_the_goal(self) -> None:
        run = self.saturation()
        run.compare(Counter({str(number): 1 for number in range(400)}))
        assert "✓ ≥ 300/s, none lost" in reactions.saturated([run])

        run.compare(Counter({str(number): 1 for number in range(1, 500)}))
        assert run.lost == 1 and "✗ ≥ 300/s, none lost" in reactions.saturated([run])

    def test_one_that_is_kept_twice_does_too_and_so_does_a_slow_run(self) -> None:
        run = self.saturation()
        run.compare(Counter({str(number): 1 for number in range(400)}) + Counter({"7": 1}))
        assert run.doubled == 1 and "✗" in reactions.saturated([run])

        assert "✗ ≥ 300/s" in reactions.saturated([self.saturation(seconds=2.0)])
        killed = self.saturation(seconds=2.0, cpu=0.0)
        assert "✓ none lost" in reactions.saturated([killed]), "while it is down nobody asks how fast it is"

    def test_a_saturated_run_says_nothing_of_what_an_event_costs(self, tmp_path: Path) -> None:
        """Its workers did not come to the end of the events."""
        results = tmp_path / "results.jsonl"
        results.write_bytes(orjson.dumps(asdict(self.saturation())) + b"\n")

        assert unit_costs(results).found == ()

    def test_the_slowest_return_is_judged(self) -> None:
        good, bad = Return(0.5, 1.0, 1.5, 2.0), Return(0.5, 1.0, 3.5, 4.0)

        assert "✓ ≤ 3 s" in reactions.returned([good, good])
        told = reactions.returned([good, good, bad])
        assert "✗ ≤ 3 s" in told and "| 1.50 s | 3.50 s" in told

    def test_a_quiet_partner_is_compared_with_itself_alone(self) -> None:
        def run(case: neighbours.Case, ms: float, arrived: int = 1) -> neighbours.Beside:
            hooking = Hooking(5, sent=1, acknowledged=1, arrived=arrived, arrive_ms=[ms])
            return neighbours.Beside(case, hooking, 9_000.0)

        alone, busy = run(neighbours.IDLE, 50), neighbours.CASES[1]

        assert "1.80 ×" in reactions.beside([alone, run(busy, 90)])
        assert "✓ ≤ 2 ×" in reactions.beside([alone, run(busy, 90)])
        assert "✗ ≤ 2 ×" in reactions.beside([alone, run(busy, 110)])
        assert "✗ ≤ 2 ×" in reactions.beside([alone, run(busy, 50, arrived=0)])


def test_partners_are_judged_by_their_slow_ones_and_growth_is_shown() -> None:
    run = Tenants(
        created_s=[0.5] * 8 + [1.0] * 2,
        nothing_s=[2.0, 16.0],
        one_behind_s=3.0,
        claim_one_ms=[1.0],
        claim_all_ms=[2.0],
        database_mb=10.0,
    )

    said = report.tenanted(run)

    assert "0.50 / 1.00 / 1.00 s" in said and "0.50 → 1.00 s" in said
    assert "✓ ≤ 3 s" in said and "✗ ≤ 15 s" in said
    assert "1.00 / 1.00 ms" in said and "2.00 / 2.00 ms" in said


class TestInvoicing:
    """The calculation the drafted invoices are compared with, by hand."""

    def test_the_rate_is_the_persons_else_the_roles_of_the_day_else_the_default(self) -> None:
        def rate(person: int, day: date, project: int = 0) -> Fraction:
            return billable_work.rate(Worked(project, person, "Build", day, Fraction(1)))

        before, after = date(2026, 9, 15), date(2026, 9, 16)
        assert rate(0, before) == Fraction("101.115")  # on card 0 by name
        assert (rate(8, before), rate(8, after)) == (Fraction("83.33"), Fraction("87.775"))  # a consultant, amended
        assert rate(7, before) == Fraction("147.05")  # a partner: none of the above
        assert rate(5, before, project=4) == nearest(Fraction("102.115") * Fraction("0.925"), Fraction(1, 10_000))
        assert rate(0, before, project=16) == Fraction(
            "88.885"
        )  # no contract, no rate of the project: the time system's
        assert rate(0, before, project=17) == Fraction("92.125")

    def test_half_a_cent_goes_up(self) -> None:
        assert [nearest(Fraction(value), Fraction(1, 100)) for value in ("1.005", "1.0049", "2")] == [
            Fraction("1.01"),
            Fraction(1),
            Fraction(2),
        ]

    def test_every_project_is_judged_by_itself_or_with_its_capped_contract(self) -> None:
        found = billable_work.expected(40, 20)

        capped = {number for number in range(10) if number % 5 != 4 and number % 7 == 3}
        assert set(found.capped) == capped == {3}
        assert set(found.untaxed) == set(range(40)) - {12, 13, 14, 15}
        assert all(0 < cap < worth for cap, worth in found.capped.values())
        assert all(amount > 0 for amount in found.untaxed.values())

    def test_drafting_is_judged_by_its_median(self) -> None:
        runs = [Drafting(100, 2, 5, Usage(wall_s=wall), Usage(wall_s=1), Usage(wall_s=1)) for wall in (4.0, 5.0, 70.0)]

        said = report.drafted(runs)

        assert "| 5.00 | 20 " in said and "✓ ≤ 20 s" in said
        assert "✗ ≤ 20 s" in report.drafted(runs[2:])


class TestGrowth:
    def test_the_exponent_tells_constant_linear_and_square(self) -> None:
        sizes = (1_000.0, 10_000.0, 100_000.0)

        found = [growth.exponent([(size, 3 * size**power) for size in sizes]) for power in (0, 1, 2)]

        assert [round(value, 6) for value in found] == [0, 1, 2]

    def test_a_curve_that_bends_up_at_its_end_fails_the_goal(self) -> None:
        costs = {1_000: 1.0, 10_000: 4.0, 100_000: 80.0}
        points = [growth.Point("first read", size, cost, cost, 100.0) for size, cost in costs.items()]

        said = report.grown(points, [])

        assert "| first read | 0.95 " in said and "✗ ≤ 1.05" in said

    def test_both_curves_are_drawn(self, tmp_path: Path) -> None:
        points = [growth.Point("first read", size, size / 1000, 1.0, 100.0) for size in (1_000, 10_000)]
        partners = [Beside(count, 1.0, 2.0, 0.3, 0.03) for count in (1, 10)]

        image = growth.draw(points, partners, tmp_path / "growth.png")

        assert image.read_bytes().startswith(b"\x89PNG")


def test_one_slow_page_fails_the_lists() -> None:
    pages = [Page("syncs.SourceRecord", "first page", "", ms, 12, 50) for ms in (80.0, 301.0)]

    said = report.listed(pages)

    assert said.index("301") < said.index("80") and "1 over the goal ✗ ≤ 300 ms" in said
    assert "✓ ≤ 300 ms" in report.listed(pages[:1])
