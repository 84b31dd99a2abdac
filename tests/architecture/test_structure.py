"""What holds the code together: layers, one signal pair, migrations that match the models."""

import ast
import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.dispatch import Signal

from apps.core import problems

ROOT = Path(__file__).resolve().parents[2]
LAYERS = [
    "config",
    "backoffice|portal",
    "notices",
    "exceptions",
    "flows",
    "tabular",
    "syncs",
    "mappings",
    "canonical",
    "connectors",
    "accounts",
    "partners",
    "core",
]


def _modules() -> list[Path]:
    return [path for path in sorted((ROOT / "apps").rglob("*.py")) if "migrations" not in path.parts]


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


class TestLayers:
    def test_a_module_imports_only_from_below(self) -> None:
        height = {name: number for number, layer in enumerate(reversed(LAYERS)) for name in layer.split("|")}
        upwards = [
            f"{path.relative_to(ROOT)} imports {module}"
            for path in _modules()
            for own in [path.relative_to(ROOT / "apps").parts[0]]
            if own in height
            for module in _imports(path)
            if module.startswith(("tests.", "sandbox.", "benchmarks."))
            or (
                module.startswith("apps.")
                and (app := module.split(".")[1]) != own
                and height.get(app, 99) >= height[own]
            )
        ]

        assert upwards == []

    def test_every_app_is_in_a_layer(self) -> None:
        known = {name for layer in LAYERS for name in layer.split("|")}
        ours = {
            config.name.removeprefix("apps.") for config in apps.get_app_configs() if config.name.startswith("apps.")
        }

        assert ours <= known

    def test_the_import_contracts_hold(self) -> None:
        """import-linter sees what an import inside a function or a package's own `__init__` reaches."""
        assert (ROOT / ".importlinter").exists()
        done = subprocess.run(
            [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize("part", ["apps/mappings/engine", "apps/flows/rules"])
    def test_pure_parts_know_no_database(self, part: str) -> None:
        for path in (ROOT / part).rglob("*.py"):
            assert not any(module.split(".")[0] == "django" for module in _imports(path)), path


class TestSignals:
    def test_there_is_one_pair_and_it_says_that_something_failed_or_works_again(self) -> None:
        found = set()
        for path in _modules():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Signal":
                    found.add(path.relative_to(ROOT).as_posix())

        assert found == {"apps/core/problems.py"}
        assert isinstance(problems.problem_found, Signal) and isinstance(problems.problem_cleared, Signal)

    def test_no_model_signal_of_ours_hides_behind_a_save(self) -> None:
        hidden = [
            path.relative_to(ROOT).as_posix()
            for path in _modules()
            if any(
                isinstance(node, ast.ImportFrom) and node.module == "django.db.models.signals"
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            )
        ]
        assert hidden == []


class TestQueue:
    def test_only_the_bell_uses_the_queue(self) -> None:
        """Work is woken in Postgres; a task of its own would carry no partner."""
        users = {
            path.relative_to(ROOT).as_posix()
            for path in _modules()
            if any(module.startswith("django_q.tasks") for module in _imports(path))
        }
        assert users == {"apps/core/work/bell.py"}

    def test_outbound_calls_go_through_one_place(self) -> None:
        users = {
            path.relative_to(ROOT).as_posix()
            for path in _modules()
            if {"requests", "urllib3", "httpx", "urllib.request"} & _imports(path)
        }
        assert all(user.startswith("apps/core/http/") or user == "apps/backoffice/demo.py" for user in users), users


class TestModels:
    def test_no_migration_is_missing(self, db: None) -> None:
        told = io.StringIO()
        try:
            call_command("makemigrations", check=True, dry_run=True, stdout=told, verbosity=1)
        except SystemExit:
            pytest.fail(told.getvalue())

    def test_every_row_of_a_customers_business_names_its_customer(self) -> None:
        ours = ("canonical", "connectors", "exceptions", "flows", "mappings", "syncs")
        without = {
            model.__name__
            for label in ours
            for model in apps.get_app_config(label).get_models(include_auto_created=False)
            if not any(field.name == "customer" for field in model._meta.concrete_fields)
        }
        # Shared by all customers of a partner: registered applications, the ledger of calls to a vendor account, and what cases have in
        # common.
        assert without - {"HistoricalVendorApp"} == {"VendorApp", "BudgetWindow", "Cause"}

    def test_system_checks_are_quiet(self, db: None) -> None:
        call_command("check", fail_level="WARNING", stdout=io.StringIO())
