"""Tests of one folder that need the same servers: marked alike, and taken by one process of a parallel run."""

from pathlib import Path

import pytest


def belong_together(items: list[pytest.Item], folder: Path, name: str) -> None:
    """Call it from a `pytest_collection_modifyitems` that is tried first: xdist reads the group in the same hook."""
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker(getattr(pytest.mark, name))
            item.add_marker(pytest.mark.xdist_group(name))
