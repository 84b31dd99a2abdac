"""The page of promises names places and tests that exist, and every promise has a test that attacks it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^\| (\d+) \|(.*)\|(.*)\|(.*)\|$", PAGE, re.MULTILINE)


def _paths(text: str) -> list[str]:
    return re.findall(r"`([\w/]+(?:/|\.py))`", text)


def test_every_promise_is_attacked_by_a_test() -> None:
    assert [int(number) for number, *_ in PROMISES] == list(range(1, 17))
    for number, _, _, attacked in PROMISES:
        assert any(path.startswith("tests/") for path in _paths(attacked)), f"nothing attacks promise {number}"


def test_what_the_page_names_is_there() -> None:
    named = {
        path: path if path.startswith(("tests/", "apps/", "launcher/")) else f"apps/{path}" for path in _paths(PAGE)
    }
    missing = [path for path, place in named.items() if not (ROOT / place).exists()]
    assert named and not missing
