"""Programs that tests drive are found, installed as root on Debian, or missed with words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher import debian


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH: what is not put there is not installed. `apt-get` is a script that notes its calls."""
    monkeypatch.setattr(debian, "SYSTEM_FOLDERS", str(tmp_path / "sbin"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian, "DEBIAN", tmp_path / "debian_version")
    (tmp_path / "debian_version").write_text("12\n")
    (tmp_path / "sbin").mkdir()
    return tmp_path


def put(path: Path, script: str = "#!/bin/sh\n") -> None:
    path.write_text(script)
    path.chmod(0o755)


def ensure() -> tuple[str | None, str]:
    return debian.ensure(["acme-server"], ["acme", "acme-fonts"], what="Acme", hint=" (or name one in ACME)")


def test_what_is_there_is_taken_also_where_servers_lie(machine: Path) -> None:
    put(machine / "sbin" / "acme-server")

    assert ensure() == (str(machine / "sbin" / "acme-server"), "")


def test_what_is_missing_is_installed(machine: Path) -> None:
    put(
        machine / "apt-get",
        f'#!/bin/sh\necho "$@" >> {machine}/calls\n'
        f'if [ "$1" = install ]; then touch {machine}/acme-server; chmod +x {machine}/acme-server; fi\n',
    )

    assert ensure() == (str(machine / "acme-server"), "")
    assert (machine / "calls").read_text().splitlines() == [
        "update -q",
        "install -y -q --no-install-recommends acme acme-fonts",
    ]


def test_what_cannot_be_installed_is_said_in_apts_own_words(machine: Path) -> None:
    put(machine / "apt-get", "#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")

    assert ensure() == (None, "'apt-get update -q' failed: E: no network")


def test_others_than_root_are_told_the_command(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(machine / "apt-get")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)

    assert ensure() == (None, "no Acme on PATH; as root: apt-get install acme (or name one in ACME)")


def test_on_other_systems_people_install_it_themselves(machine: Path) -> None:
    (machine / "debian_version").unlink()

    assert ensure() == (None, "no Acme on PATH; install one (or name one in ACME)")
