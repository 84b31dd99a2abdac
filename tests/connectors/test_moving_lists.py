"""Lists whose pages are counted, and whose records move or go while they are read."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from apps.connectors import passes
from apps.connectors.manifest.paging import Offset
from apps.connectors.types import Page
from tests.connectors.small_vendor import Asked, Told, connect, manifest, served
from tests.connectors.test_language_reading import NOW

NAMES = ["ada", "ben", "cay", "dee", "eli"]
PAGING = {"kind": "page_number", "size": 2}


class Moving:
    """People ordered by name, two a page; something happens to them after the given requests."""

    def __init__(self, happenings: dict[int, Callable[[dict[str, str]], Any]]) -> None:
        self.people = {name[0]: name for name in NAMES}
        self.happenings, self.answered = happenings, 0

    def __call__(self, asked: Asked) -> Told:
        held = sorted(self.people.items(), key=lambda pair: pair[1])
        first = int(asked.query.get("offset") or 2 * (int(asked.query.get("page", 1)) - 1))
        answer = {"items": [{"id": key, "name": name} for key, name in held[first : first + 2]]}
        self.answered += 1
        self.happenings.get(self.answered, lambda _people: None)(self.people)
        return Told(answer)


def read(vendor: Moving, **paging: Any) -> tuple[set[str], int]:
    """The ids read, and how many requests that took."""
    with served(vendor) as running:
        found = manifest(read={"paginator": {**PAGING, **paging}})
        pages = list(connect(found, running.url).pages("items", cursor=None, now=NOW))
        return {row["id"] for page in pages for row in page.records}, len(running.asked)


def away(people: dict[str, str]) -> None:
    people["a"] = "zoe"


def forward(people: dict[str, str]) -> None:
    people["e"] = "aaa"


@pytest.mark.parametrize("paging", [PAGING, {"kind": "offset", "size": 2, "param": "offset"}])
@pytest.mark.parametrize("happening", [away, forward, lambda people: people.pop("a")])
def test_nothing_is_lost_when_a_record_moves_or_goes(happening: Any, paging: dict[str, Any]) -> None:
    assert set("bcde") <= read(Moving({1: happening}), **paging)[0]


@pytest.mark.parametrize("happening", [away, lambda people: people.pop("a")])
def test_a_list_called_steady_is_read_once_and_would_lose_it(happening: Any) -> None:
    found, asked = read(Moving({1: happening}), steady=True)

    assert "c" not in found and asked == 3


def test_a_list_that_holds_still_is_read_twice() -> None:
    assert read(Moving({})) == (set("abcde"), 6)


def test_what_comes_at_the_end_takes_no_third_pass() -> None:
    found, asked = read(Moving({4: lambda people: people.update(f="fay")}))

    assert (found, asked) == (set("abcdef"), 7)  # its six records fill the third page, so the fourth is asked for


def test_a_page_that_is_just_the_same_again_is_passed_over() -> None:
    with served(Moving({})) as running:
        client = connect(manifest(read={"paginator": PAGING}), running.url)
        pages = list(client.pages("items", cursor=None, now=NOW))

    assert [len(page.records) for page in pages] == [2, 2, 1, 0, 0, 0]


def test_one_page_is_read_once() -> None:
    vendor = Moving({})
    vendor.people = {"a": "ada"}

    assert read(vendor) == ({"a"}, 1)


def test_a_list_that_moves_all_the_time_comes_to_an_end() -> None:
    def swap(people: dict[str, str]) -> None:
        people["a"] = "zoe" if people["a"] == "ada" else "ada"

    _found, asked = read(Moving(dict.fromkeys(range(1, 100), swap)))

    assert asked <= passes.MOST * 3


def test_a_pass_goes_on_where_it_was_stopped() -> None:
    """Each page read by another worker, which knows what stands in the database."""
    with served(Moving({1: away})) as running:
        client = connect(manifest(read={"paginator": PAGING}), running.url)
        resume, found = None, set()
        while True:
            page: Page = next(client.pages("items", cursor=None, resume=resume, now=NOW))
            found |= {row["id"] for row in page.records}
            if page.next_resume is None:
                break
            resume = json.loads(json.dumps(page.next_resume))

    assert found == set("abcde")
    assert [asked.query["page"] for asked in running.asked] == ["1", "2", "3"] * 3


def test_parents_seen_in_two_passes_are_asked_once_each() -> None:
    def vendor(asked: Asked) -> Told:
        if asked.path == "/items":
            return Moving({})(asked)
        return Told({"items": [{"id": f"{asked.path[-1]}1"}]})

    found = manifest(read={"paginator": PAGING})
    data = found.model_dump()
    request = {"path": "/lines/${parent.id}"}
    data["objects"]["lines"] = {
        "title": "Lines",
        "primary_key": "id",
        "fields": [{"path": "id", "type": "id"}],
        "read": {
            "request": request, "records": "items", "cursor": {"kind": "full"}, "paginator": {"kind": "none"},
            "for_each": {"object": "items", "field": "id", "into": "item"},
        },
    }  # fmt: skip
    with served(vendor) as running:
        pages = list(connect(type(found).model_validate(data), running.url).pages("lines", cursor=None, now=NOW))

    assert [row["id"] for page in pages for row in page.records] == ["a1", "b1", "c1", "d1", "e1"]


def test_records_without_an_id_are_told_apart_by_what_they_hold() -> None:
    assert passes.key_of({"name": "a"}, "id") != passes.key_of({"name": "b"}, "id")


def test_keyset_and_steady_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="keyset and steady"):
        Offset(kind="offset", keyset=True, steady=True)
