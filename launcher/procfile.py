"""The Procfile's commands, so that the demo runs the very processes a deployment runs."""

from __future__ import annotations

import shlex
from pathlib import Path

from launcher.environment import PROJECT, PYTHON

_OURS = {"python": [str(PYTHON)], "gunicorn": [str(PYTHON), "-m", "gunicorn"]}


def commands(path: Path = PROJECT / "Procfile") -> dict[str, str]:
    """Process type to command line."""
    pairs = (line.split(":", 1) for line in path.read_text().splitlines() if line.strip() and not line.startswith("#"))
    return {name.strip(): command.strip() for name, command in pairs}


def local_command(name: str) -> list[str]:
    """The command with the programs of this clone's environment."""
    program, *arguments = shlex.split(commands()[name])
    return [*_OURS.get(program, [program]), *arguments]
