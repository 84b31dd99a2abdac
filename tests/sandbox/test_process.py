"""The real process: ready line, private sandbox.json, and state and credentials that survive kill -9."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.control import Control
from tests.sandbox.clients import Api

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*extra: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path), "--anchor", "2026-09-15", *extra]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Practice vendors ready")
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def test_what_was_acknowledged_survives_kill_9(launch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = launch()
    control = Control.from_folder(tmp_path)
    api = Api.xero(control, "kestrel-studio")
    answer = api.call(
        "PUT", "/Contacts", {"Contacts": [{"Name": "Survivor"}]}, headers={"Idempotency-Key": "k1"}
    ).json()
    control.approve_week("kestrel-studio")
    control.set_fault("harvest", "500", path="/v2/tasks")
    os.kill(first.pid, signal.SIGKILL)
    first.wait(10)

    launch()
    after = Control.from_folder(tmp_path)
    again = Api.xero(after, "kestrel-studio")
    assert after.summary["firms"] == control.summary["firms"]
    assert [item["Name"] for item in again.get("/Contacts", where='Name=="Survivor"')["Contacts"]] == ["Survivor"]
    replay = again.call("PUT", "/Contacts", {"Contacts": [{"Name": "Survivor"}]}, headers={"Idempotency-Key": "k1"})
    assert replay.json() == answer
    assert Api.harvest(after, "kestrel-studio").call("GET", "/tasks").status_code == 500


def test_stopping_and_the_private_file(launch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    process = launch("--scenario", "empty")
    summary = tmp_path / "sandbox.json"
    assert stat.S_IMODE(summary.stat().st_mode) == 0o600
    assert Control.from_folder(tmp_path).documents("harvest", "kestrel-studio", "time_entries") == []

    process.terminate()
    assert process.wait(15) == 0


def test_fixed_ports_are_kept(launch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launch("--scenario", "empty", "--xero-port", str(port))
    assert Control.from_folder(tmp_path).base_url("xero") == f"http://127.0.0.1:{port}"


def test_a_second_one_on_the_same_folder_is_refused(launch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    launch("--scenario", "empty")
    command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert second.returncode != 0
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr
