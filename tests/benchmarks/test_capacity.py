"""What a load needs is worked out as said: by hand for a small one, in proportion for a large one, from what was measured."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import capacity
from benchmarks.capacity import Load, Machines, connections_of, needs
from benchmarks.unit_costs import NEW_RECORD, Cost, UnitCosts, unit_costs

ONE_OF_EACH = UnitCosts(
    new_record=Cost(0.010, 0.020),
    unchanged_record=Cost(0.001, 0.002),
    delivery=Cost(0.5, 0.25),
    webhook_web=Cost(0.1, 0.0),
    webhook_work=Cost(0.2, 0.3),
    empty_read=Cost(0.04, 0.06),
    new_record_bytes=1_000,
    change_bytes=500,
    event_bytes=100,
    delivery_bytes=2_000,
    partner_bytes=1e9,
    worker_mb=100,
)
SMALL = Load(
    partners=2,
    customers=3,
    records=86_400,  # one a second each, so six in all
    new_share=0.5,
    changed_share=0.25,
    delivery_share=0.1,
    webhook_share=0.2,
    syncs=2,
    sync_minutes=1,
    page_views=0,
    vendor_s=0.5,
    page_size=10,
    peak_factor=2.0,
    busy_share=0.5,
)


class TestNeeds:
    def test_a_small_load_is_what_one_works_out_by_hand(self) -> None:
        found = needs(SMALL, ONE_OF_EACH)

        assert found.records_per_second == 12
        # 9 written, 3 unchanged, 1.2 deliveries, 2.4 webhooks, 0.2 empty reads a second
        assert found.worker_cores == pytest.approx(9 * 0.010 + 3 * 0.001 + 1.2 * 0.5 + 2.4 * 0.2 + 0.2 * 0.04)
        postgres = 9 * 0.020 + 3 * 0.002 + 1.2 * 0.25 + 2.4 * 0.3 + 0.2 * 0.06
        assert found.database_cores == pytest.approx(postgres)
        # pages, deliveries, fetches and empty reads wait for half a second each
        waiting = (1.2 + 1.2 + 2.4 + 0.2) * 0.5
        assert found.worker_processes == math.ceil((found.worker_cores + postgres + waiting) / 0.5)
        assert found.web_cores == pytest.approx(2.4 * 0.1) and found.web_processes == 1
        assert found.start_gb == 2
        a_record = 0.5 * 1_000 + 0.25 * 500 + 0.2 * 100 + 0.1 * 2_000
        assert found.growth_gb_month == pytest.approx(6 * 86_400 * a_record * 30.4 / 1e9)
        assert found.year_gb == pytest.approx(2 + 12 * found.growth_gb_month)

    def test_ten_times_the_partners_are_ten_times_the_work(self) -> None:
        one, ten = (needs(replace(Load(), partners=count), UnitCosts()) for count in (100, 1_000))

        for name in ("records_per_second", "worker_cores", "database_cores", "growth_gb_month", "year_gb"):
            assert getattr(ten, name) == pytest.approx(10 * getattr(one, name))

    @pytest.mark.parametrize(
        ("tight", "name"),
        [
            (Machines(database_cores=1), "CPU"),
            (Machines(database_tb=0.01), "disk after a year"),
            (Machines(database_connections=1), "connections"),
            (Machines(database_partners=1), "schemas in one catalog"),
        ],
    )
    def test_the_tightest_limit_says_how_many_servers(self, tight: Machines, name: str) -> None:
        few, many = needs(Load(partners=50), UnitCosts()), needs(Load(partners=50), UnitCosts(), tight)

        assert many.bound_by == name and many.database_servers > few.database_servers

    def test_hosts_are_enough_for_memory_too(self) -> None:
        usual = needs(Load(), UnitCosts())
        heavy = needs(Load(), replace(UnitCosts(), worker_mb=10_000))

        assert heavy.worker_hosts > usual.worker_hosts
        assert heavy.worker_hosts * 32_000 >= heavy.worker_processes * 10_000

    def test_more_than_all_records_is_refused(self) -> None:
        with pytest.raises(ValueError, match="together they are more than 1"):
            needs(Load(new_share=0.8, changed_share=0.3), UnitCosts())


class TestUnitCosts:
    def test_without_runs_the_published_ones_are_taken(self, tmp_path: Path) -> None:
        assert unit_costs(tmp_path / "none.jsonl") == UnitCosts()

    def test_this_machines_runs_take_their_place(self, tmp_path: Path) -> None:
        usage = {"cpu_s": 2.0, "postgres_cpu_s": 1.0, "peak_rss_mb": 170.0}
        row = {"product": "Throughline", "case": "first read", "rows": 1_000, "usage": usage}
        lines = [
            row,
            {**row, "usage": {**usage, "cpu_s": 4.0}},
            {**row, "usage": {**usage, "cpu_s": 90.0}},
            {**row, "product": "a rival", "usage": {**usage, "cpu_s": 0.0}},
            {"acknowledged": 10, "sent": 100, "usage": {**usage, "cpu_s": 3.3}},
            {"bytes_per_row": dict.fromkeys(NEW_RECORD, 600.0)},
            {"bytes_per_row": {"syncs_delivery": 9.0}},
            {"created_s": [1.0] * 100, "database_mb": 500.0},
            {"created_s": [1.0], "database_mb": 500.0},
        ]
        results = tmp_path / "results.jsonl"
        results.write_text("".join(json.dumps(line) + "\n" for line in lines))

        found = unit_costs(results)

        assert found.new_record == Cost(0.004, 0.001), "the median"
        assert (found.webhook_web.own_s, found.webhook_work.own_s) == (pytest.approx(0.005), pytest.approx(0.028))
        assert (found.new_record_bytes, found.change_bytes) == (3_000, 1_200)
        assert found.delivery_bytes == UnitCosts().delivery_bytes, "not all of its tables had rows"
        assert (found.partner_bytes, found.worker_mb) == (5e6, 170)
        assert "new_record" in found.found and "delivery" not in found.found


class TestTable:
    def test_it_says_what_it_assumes_and_what_was_measured(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert capacity.main(["--partners", "3", "--peak", "2.5"]) == 0

        said = capsys.readouterr().out
        assert "3 partners × 50 customers × 10,000 records a day" in said
        assert "| peak_factor " in said and "| 2.5 " in said
        assert said.count("assumed") >= len(Load.__slots__)

    def test_each_connection_is_counted(self) -> None:
        assert connections_of(worker_processes=4, worker_hosts=2, web_threads=8) == 8 + 10 + 8
