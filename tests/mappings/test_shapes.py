"""What is learned of records' shape: paths, types, how often filled."""

import pytest
from hypothesis import given, settings

from apps.mappings.shapes import MOST_PATHS, Shape, learn, sample, type_of
from tests.mappings.engine.test_mapping_anything import RECORDS


class TestLearn:
    def test_paths_types_and_how_often_filled(self) -> None:
        shape = learn(
            [{"id": 1, "user": {"name": "Ann"}, "note": None}, {"id": 2, "user": None, "note": "x"}, {"id": 3}]
        )

        assert shape.records == 3
        assert {path: (one.kind, one.present, one.filled) for path, one in shape.paths.items()} == {
            "id": ("integer", 3, 3),
            "user": ("object", 2, 1),
            "user.name": ("text", 1, 1),
            "note": ("text", 2, 1),
        }

    def test_items_of_lists_have_one_path_and_count_once_a_record(self) -> None:
        shape = learn([{"lines": [{"amount": 1}, {"amount": 2.5}], "tags": ["a", "b"]}])

        assert shape.paths["lines[].amount"].kind == "decimal"
        assert shape.paths["lines[].amount"].filled == 1
        assert shape.paths["tags[]"].samples == ["a", "b"]

    def test_a_key_with_a_dot_is_written_as_paths_write_it(self) -> None:
        assert '"@odata.etag"' in learn([{"@odata.etag": "x"}]).paths

    def test_what_may_be_a_secret_leaves_no_sample(self) -> None:
        shape = learn([{"api_token": "value", "login": {"password": "value"}}])

        assert [one.samples for one in shape.paths.values()] == [[], [], []]

    def test_an_object_keyed_by_ids_does_not_grow_without_end(self) -> None:
        assert len(learn([{f"k{number}": number for number in range(5000)}]).paths) == MOST_PATHS

    @settings(max_examples=150, deadline=None)
    @given(RECORDS)
    def test_whatever_comes_is_learned_and_kept(self, record: object) -> None:
        shape = learn([record])
        again = Shape.from_json(shape.to_json())
        again.add(shape)

        assert again.records == 2 * shape.records
        for path, one in shape.paths.items():
            assert 0 <= one.filled <= one.present <= shape.records
            assert again.paths[path].present == 2 * one.present


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("2026-11-02", "date"),
        ("2026-11-02T10:00:00Z", "datetime"),
        ("/Date(1439434356790+0000)/", "datetime"),
        ("2026-11-2", "text"),
        (True, "boolean"),
        (1, "integer"),
        (1.5, "decimal"),
        ({"__class__": "Decimal", "decimal": "1"}, "decimal"),
        ({}, "object"),
        ([], "list"),
    ],
)
def test_types(value: object, kind: str) -> None:
    assert type_of(value) == kind


def test_a_sample_is_spread_over_the_page() -> None:
    assert sample(list(range(100)), 4) == [0, 25, 50, 75]
    assert sample([1, 2], 4) == [1, 2]
