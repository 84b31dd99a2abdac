"""python -m benchmarks [--quick] [--rivals] [NAME …]: measures and prints tables. Names: NAMES; none: all of them.

bin/bench gives it a database."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = (
    "pull", "hooks", "mapping", "manifests", "deliver", "files", "draft", "lists", "growth", "tenants",
    "saturated", "comeback", "quiet", "steps", "capacity",
)  # fmt: skip


def main() -> int:
    options = _options()
    if options.names == ["capacity"]:
        return _capacity()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from benchmarks.processes import CONNECTORS

    os.environ["CONNECTOR_PATHS"] = str(CONNECTORS)
    import django

    django.setup()
    from benchmarks import installation, report

    print(report.machine(), flush=True)
    installation.prepare()
    rows: list[report.Row] = []
    runs: list[Any] = []
    if "pull" in options.names:
        rows = _pull(options)
        runs.append(installation.sizes())
    if "hooks" in options.names:
        runs += [*_hooks(options), installation.sizes()]
    if "mapping" in options.names:
        _mapping(options)
    if "manifests" in options.names:
        _manifests(options)
    if "deliver" in options.names:
        rows += _deliver(options)
        runs.append(installation.sizes())
    if "files" in options.names:
        rows += _files(options)
    if "draft" in options.names:
        rows += _draft(options)
    if "lists" in options.names:
        _lists(options)
    if "growth" in options.names:
        _growth(options)
    if "tenants" in options.names:
        runs += _tenants(options)
    for name, measure in (("saturated", _saturated), ("comeback", _comeback), ("quiet", _quiet), ("steps", _steps)):
        if name in options.names:
            runs += measure(options)
    report.keep(rows, runs)
    installation.empty()
    if "capacity" in options.names:
        _capacity()
    print(report.machine())
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="|".join(NAMES), help="what to measure; default: all")
    parser.add_argument(
        "--quick", action="store_true", help="10,000 records, one repetition, 10 s of webhooks: shows that it runs"
    )
    parser.add_argument(
        "--rivals", action="store_true", help="the neutral server, a plain script and dlt in the same run"
    )
    parser.add_argument("--rows", type=int, help="time entries to read (100,000; 1,000,000 in files)")
    parser.add_argument("--repeat", type=int, help="repetitions (3)")
    parser.add_argument(
        "--tenants", type=int, metavar="COUNT", help="how many partners to make (500); alone: measure only that"
    )
    parser.add_argument("--rate", type=float, default=20.0, help="webhooks a second (20)")
    parser.add_argument("--seconds", type=float, help="how long webhooks are sent (30)")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    options.names = options.names or (["tenants"] if options.tenants else list(NAMES))
    options.tenants = options.tenants or (10 if options.quick else 500)
    options.file_rows = options.rows or (10_000 if options.quick else 1_000_000)
    options.rows = options.rows or (10_000 if options.quick else 100_000)
    options.invoices = 50 if options.quick else 1_000
    options.deliveries = 500 if options.quick else 5_000
    options.returns = 2 if options.quick else 7
    options.repeat = options.repeat or (1 if options.quick else 3)
    options.seconds = options.seconds or (10.0 if options.quick else 30.0)
    return options


def _pull(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    from benchmarks import installation, neutral, pulling, report
    from benchmarks.measuring import postgres_meter

    rows: list[report.Row] = []
    with _source(options) as url:
        rivals = neutral.rivals() if options.rivals else []
        for repetition in range(options.repeat):
            print(f"pull {options.rows:,}, repetition {repetition + 1} of {options.repeat}", flush=True)
            rows += [
                report.Row(report.OURS, one.case, one.rows, one.usage) for one in pulling.read_all(url, options.rows)
            ]
            for rival in rivals:
                meter = postgres_meter(installation.backend())
                for case, fresh in (("first read", True), ("unchanged re-read", False)):
                    usage = neutral.run_rival(rival, url, options.rows, meter, fresh=fresh)
                    rows.append(report.Row(rival.name, case, options.rows, usage))
    if rivals:
        neutral.forget_rivals()
    print(f"\nReading {options.rows:,} time entries in pages of 1,000, medians of {options.repeat}\n")
    print(report.pulls(rows), report.nothing_new(rows), report.memory(rows), sep="\n\n", end="\n\n", flush=True)
    return rows


@contextmanager
def _source(options: argparse.Namespace) -> Iterator[str]:
    """The neutral server when rivals take part or it is there; else the project's own."""
    from benchmarks import neutral, processes

    if options.rivals and not neutral.is_there():
        sys.exit(f"--rivals: there are none in {neutral.FOLDER}; name their folder in THROUGHLINE_BENCH_FOLDER")
    with neutral.server(options.rows) if neutral.is_there() else processes.own_server(options.rows) as url:
        yield url


def _hooks(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    from benchmarks import hooks, processes, report

    runs = []
    with processes.own_server(0) as url:
        for repetition in range(options.repeat):
            print(f"webhooks, repetition {repetition + 1} of {options.repeat}", flush=True)
            runs.append(hooks.won_deals(url, options.rate, options.seconds))
    print(f"\nWon deal by webhook → project call at the vendor, {options.seconds:g} s a run\n")
    print(report.hooked(runs), end="\n\n", flush=True)
    return runs


def _mapping(options: argparse.Namespace) -> None:
    from benchmarks import mapping, processes, report

    found = []
    with processes.own_server(options.rows) as url:
        for repetition in range(options.repeat):
            print(f"mapping {options.rows:,}, repetition {repetition + 1} of {options.repeat}", flush=True)
            found += mapping.pages(url, options.rows)
    print(f"\nA page of {mapping.PAGE:,} time entries, CPU of the process, {len(found)} pages\n")
    print(report.mapped(found), end="\n\n", flush=True)


def _manifests(options: argparse.Namespace) -> None:
    from benchmarks import manifests, report

    found = manifests.loads(options.repeat)
    print(f"\n{manifests.COUNT} manifests loaded, CPU of the process, {len(found)} times\n")
    print(report.loaded(found), end="\n\n", flush=True)


def _deliver(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    from benchmarks import delivering, processes, report

    runs = []
    with processes.own_server(0) as url:
        for repetition in range(options.repeat):
            print(f"deliveries, repetition {repetition + 1} of {options.repeat}", flush=True)
            runs += [delivering.deliver(url, case, options.deliveries) for case in delivering.CASES]
    print(f"\n{options.deliveries:,} projects made at the vendor by the running worker, medians of {options.repeat}\n")
    print(report.delivered(runs), end="\n\n", flush=True)
    return [report.Row(report.OURS, f"deliveries, {run.case.name}", run.count, run.usage) for run in runs]


def _draft(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    from benchmarks import invoicing, report

    runs = []
    for repetition in range(options.repeat):
        print(f"drafting {options.invoices:,} invoices, repetition {repetition + 1} of {options.repeat}", flush=True)
        runs.append(invoicing.draft(options.invoices))
    print(
        f"\n{runs[0].invoices:,} invoices drafted from {runs[0].entries:,} approved time entries by the running worker\n"
    )
    print(report.drafted(runs), end="\n\n", flush=True)
    return [report.Row(report.OURS, "drafting", run.entries, run.drafted) for run in runs]


def _lists(options: argparse.Namespace) -> None:
    from benchmarks import lists, report

    print(f"lists {options.file_rows:,}", flush=True)
    found = lists.measure(options.file_rows)
    print(f"\nThe staff's lists with {options.file_rows:,} source records: the slowest of {len(found)} pages\n")
    print(report.listed(found), end="\n\n", flush=True)


def _growth(options: argparse.Namespace) -> None:
    """Draws with it what `tenants` measured last."""
    from benchmarks import growth, report

    sizes = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= options.file_rows]
    print(f"growth {', '.join(f'{size:,}' for size in sizes)}", flush=True)
    growth.keep(records=growth.by_records(sizes))
    points, partners = growth.kept()
    print("\nGrowth of cost with records and partners\n")
    print(report.grown(points, partners), end="\n\n")
    print(f"drawn in {growth.draw(points, partners)}", flush=True)


def _tenants(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    """Once: the growth from the first partner to the last is part of the figure."""
    from benchmarks import growth, report, tenants

    print(f"tenants {options.tenants}", flush=True)
    run = tenants.measure(options.tenants)
    growth.keep(partners=run.beside)
    print(f"\n{options.tenants} partners in one installation\n")
    print(report.tenanted(run), end="\n\n", flush=True)
    return [run]


def _files(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    """Once, however many repetitions: a million rows take minutes, and the figure is about memory and the way back."""
    from benchmarks import files, report

    print(f"files {options.file_rows:,}", flush=True)
    steps = files.read_files(options.file_rows, tell=lambda step: print(f"  {step.case}: {step.usage}", flush=True))
    print(f"\nA file of {options.file_rows:,} rows by the running worker\n")
    print(report.filed(steps), end="\n\n", flush=True)
    return [report.Row(report.OURS, step.case, step.rows, step.usage) for step in steps]


def _capacity() -> int:
    """Worked out, not measured: from what was measured before. Other loads: python -m benchmarks.capacity --help."""
    from benchmarks import capacity

    return capacity.main([])


def _saturated(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    """Once undisturbed a repetition; killed once, since there it is about what is left."""
    from benchmarks import processes, reactions, saturating, stack

    cases = [saturating.CASES[0]] * options.repeat + list(saturating.CASES[1:])
    if not stack.may_kill_postgres():
        print("saturated: the Postgres that DATABASE_URL names is not killed", flush=True)
        cases = [case for case in cases if not case.kills_postgres]
    runs = []
    with processes.own_server(0) as url:
        for case in cases:
            print(f"webhooks, as many as are taken: {case.name}", flush=True)
            runs.append(saturating.saturate(url, case, options.seconds))
    print(f"\nWebhooks as fast as they are acknowledged, {options.seconds:g} s a run, workers at work\n")
    print(reactions.saturated(runs), end="\n\n", flush=True)
    return runs


def _comeback(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    from benchmarks import processes, reactions, returning, stack

    if not stack.may_kill_postgres():
        print("comeback: left out, the Postgres that DATABASE_URL names is not killed", flush=True)
        return []
    print(f"everything killed and started again, {options.returns} times", flush=True)
    with processes.own_server(0) as url:
        runs = returning.come_back(url, options.returns)
    print("\nPostgres, web and worker killed with SIGKILL at once and ordered to start again\n")
    print(reactions.returned(runs), end="\n\n", flush=True)
    return runs


def _quiet(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    from benchmarks import neighbours, processes, reactions

    runs = []
    with processes.own_server(0) as quiet, processes.own_server(options.rows) as reading:
        for repetition in range(options.repeat):
            for case in neighbours.CASES:
                print(f"{case.name}, repetition {repetition + 1} of {options.repeat}", flush=True)
                runs.append(neighbours.live_beside(quiet, reading, case, records=options.rows, seconds=options.seconds))
    print(f"\nWon deals of one partner at {neighbours.RATE:g}/s while others read {options.rows:,} time entries each\n")
    print(reactions.beside(runs), end="\n\n", flush=True)
    return runs


def _steps(options: argparse.Namespace) -> list:  # type: ignore[type-arg]
    from benchmarks import processes, reactions, steps

    with processes.own_server(0) as url:
        run = steps.follow(url, 30 if options.quick else 200)
    print(f"\nOne won deal after the other in one process, medians of {run.events}; statements in {steps.LOG}\n")
    print(reactions.stepped(run), end="\n\n", flush=True)
    return [run]


if __name__ == "__main__":
    sys.exit(main())
