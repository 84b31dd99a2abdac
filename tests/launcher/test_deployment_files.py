"""What platforms read: commands that exist, keys that Heroku's schema knows, the same processes everywhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from jsonschema import Draft7Validator

from launcher.environment import PROJECT
from launcher.procfile import commands

# The parts of Heroku's app.json that this file uses; unknown keys are refused there, so they are refused here.
APP_JSON: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "description", "addons", "env", "formation", "scripts"],
    "properties": {
        "name": {"type": "string", "pattern": r"^[a-zA-Z\-_.]+", "maxLength": 300},
        "description": {"type": "string"},
        "keywords": {"type": "array", "items": {"type": "string"}},
        "website": {"type": "string", "format": "uri"},
        "repository": {"type": "string", "format": "uri"},
        "success_url": {"type": "string"},
        "stack": {"type": "string"},
        "buildpacks": {"type": "array", "items": {"type": "object", "required": ["url"]}},
        "addons": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["plan"],
                "additionalProperties": False,
                "properties": {"plan": {"type": "string"}, "as": {"type": "string"}, "options": {"type": "object"}},
            },
        },
        "scripts": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"postdeploy": {"type": "string"}, "pr-predestroy": {"type": "string"}},
        },
        "env": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {
                "^[A-Z][A-Z0-9_]*$": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["description"],
                    "properties": {
                        "description": {"type": "string"},
                        "value": {"type": "string"},
                        "required": {"type": "boolean"},
                        "generator": {"enum": ["secret"]},
                    },
                }
            },
        },
        "formation": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["quantity"],
                "additionalProperties": False,
                "properties": {
                    "quantity": {"type": "integer", "minimum": 0},
                    "size": {"enum": ["eco", "basic", "standard-1x", "standard-2x", "performance-m", "performance-l"]},
                },
            },
        },
    },
}


def app_json() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PROJECT / "app.json").read_text())
    return loaded


def render() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "render.yaml").read_text())
    return loaded


def managed(text: str) -> set[str]:
    """The manage.py commands that a text calls."""
    return set(re.findall(r"python manage\.py (\w+)", text))


class TestProcfile:
    def test_has_the_three_processes(self) -> None:
        assert set(commands()) == {"release", "web", "worker"}

    def test_web_serves_the_application_without_a_control_socket(self) -> None:
        words = shlex.split(commands()["web"])

        assert words[:2] == ["gunicorn", "config.wsgi"]
        assert "--no-control-socket" in words
        assert words[words.index("--worker-class") + 1] == "gthread"

    def test_web_is_loaded_once_by_what_a_platform_gives_it(self) -> None:
        """Platforms name no settings module. Views are there before the first request."""
        given = ("SECRET_KEY", "FIELD_KEYS", "DATABASE_URL")
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        environment |= dict.fromkeys(given, "postgres://nobody:x@127.0.0.1:1/none")
        script = "import config.wsgi, sys; sys.exit(0 if 'apps.syncs.views' in sys.modules else 'no views')"

        answer = subprocess.run(
            [sys.executable, "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
        )

        assert answer.returncode == 0, answer.stderr
        assert "--preload" in shlex.split(commands()["web"])


class TestCommands:
    def test_every_manage_command_exists(self) -> None:
        files = ("Procfile", "app.json", "Dockerfile", "render.yaml", "launcher/demo.py")
        called = set().union(*(managed((PROJECT / name).read_text()) for name in files))

        assert {"migrate_partners", "runworker", "setup_operator", "collectstatic"} <= called
        assert called <= set(get_commands())

    def test_demo_setup_exists(self) -> None:
        assert "demo_setup" in get_commands()


class TestAppJson:
    def test_fits_the_schema(self) -> None:
        assert [error.message for error in Draft7Validator(APP_JSON).iter_errors(app_json())] == []

    def test_generates_secrets_and_asks_for_nothing_that_has_a_value(self) -> None:
        env = app_json()["env"]

        assert {name for name, entry in env.items() if entry.get("generator") == "secret"} == {
            "SECRET_KEY",
            "FIELD_KEYS",
        }
        assert all("value" not in entry for entry in env.values() if entry.get("required") or "generator" in entry)

    def test_starts_what_the_procfile_knows(self) -> None:
        assert set(app_json()["formation"]) == set(commands()) - {"release"}


class TestOtherPlatforms:
    def test_run_the_same_processes_as_the_procfile(self) -> None:
        services = {service["type"]: service for service in render()["services"]}

        assert services["web"]["startCommand"] == commands()["web"]
        assert services["worker"]["startCommand"] == commands()["worker"]
        assert services["web"]["preDeployCommand"] == commands()["release"]
        assert f"exec {commands()['web']} --bind" in (PROJECT / "Dockerfile").read_text()

    def test_render_worker_and_web_share_secrets_and_database(self) -> None:
        for service in render()["services"]:
            entries = service["envVars"]
            assert {"fromGroup": "throughline-secrets"} in entries
            assert any(entry.get("key") == "DATABASE_URL" and "fromDatabase" in entry for entry in entries)

    def test_image_does_not_run_as_root_and_is_built_without_secrets(self) -> None:
        lines = (PROJECT / "Dockerfile").read_text().splitlines()
        users = [line.split()[1] for line in lines if line.startswith("USER ")]

        assert users and users[-1] not in ("root", "0")
        assert not any(line.startswith(("ARG", "ENV")) and "SECRET" in line for line in lines)

    def test_python_version_is_the_same_everywhere(self) -> None:
        version = (PROJECT / ".python-version").read_text().strip()

        assert f"FROM python:{version}-slim" in (PROJECT / "Dockerfile").read_text()
        for service in render()["services"]:
            pinned = next(entry["value"] for entry in service["envVars"] if entry.get("key") == "PYTHON_VERSION")
            assert pinned.startswith(f"{version}.")


class TestContinuousIntegration:
    @pytest.mark.parametrize(("check", "tests"), [(0, 0), (1, 0), (0, 1), (5, 2)])
    def test_runs_both_and_fails_when_either_does(self, tmp_path: Path, check: int, tests: int) -> None:
        for name, text in (
            (".ci/run", (PROJECT / ".ci" / "run").read_text()),
            ("bin/check", f"#!/bin/sh\nexit {check}\n"),
            ("bin/test", f'#!/bin/sh\necho "$@ $THROUGHLINE_TEST_REAL $CI" > ran\nread line && exit 9\nexit {tests}\n'),
        ):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)

        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        command = [tmp_path / ".ci" / "run"]
        answer = subprocess.run(command, input="a line\n", text=True, check=False, env=environment)

        assert (tmp_path / "ran").read_text() == "--real --kit --chaos --scale 1 true\n"
        assert (answer.returncode == 0) == (check == tests == 0)


class TestScripts:
    def test_are_short_executable_and_say_what_they_do(self) -> None:
        scripts = [path for path in (PROJECT / "bin").iterdir() if not path.name.startswith("_")]

        assert {"demo", "test", "check", "bench"} <= {path.name for path in scripts}
        for path in [*scripts, PROJECT / ".ci" / "run"]:
            lines = path.read_text().splitlines()
            assert len(lines) < 60, path
            assert path.stat().st_mode & 0o111, path
            assert lines[1].startswith(("# ", '"""')), path
