"""Reading paths: what is missing, what is nothing, what is a changed shape."""

import pytest

from apps.mappings.engine.paths import PathError, compile_path, split_path
from apps.mappings.engine.problems import ValueProblem
from apps.mappings.engine.values import MISSING

RECORD = {
    "name": "Acme",
    "null": None,
    "user": {"id": 7, "null": None, "0": "zero"},
    "items": [{"name": "a"}, {"name": "b"}],
    "@odata.etag": "W/1",
    "party.": {"name": "P"},
    "empty": "",
    "false": False,
    "none": [],
    "zero": 0,
    "": "blank key",
}


class TestReading:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("name", "Acme"),
            ("null", None),
            ("nope", MISSING),
            ("user.id", 7),
            ("user.null", None),
            ("user.nope", MISSING),
            ("user.0", "zero"),
            ("nope.id", MISSING),
            ("nope.deep.er", MISSING),
            ("null.id", None),
            ("empty.id", None),
            ("false.id", None),
            ("none.id", None),
            ("none.0", None),
            ("items.0.name", "a"),
            ("items.-1.name", "b"),
            ("items.9.name", MISSING),
            ('"@odata.etag"', "W/1"),
            ('"party.".name', "P"),
            ("$.user.id", 7),
            ("jmespath:items[?name=='b'] | [0].name", "b"),
            ("jmespath:nope.nope", None),
        ],
    )
    def test_gives(self, path, expected):
        assert compile_path(path)(RECORD) is expected or compile_path(path)(RECORD) == expected

    @pytest.mark.parametrize(
        "path", ["name.id", "items.name", "items.name.x", "zero.id", "user.id.x", "jmespath:abs(name)"]
    )
    def test_a_parent_of_another_shape_is_a_problem(self, path):
        with pytest.raises(ValueProblem) as caught:
            compile_path(path)(RECORD)

        assert caught.value.code == "wrong_shape"


class TestWriting:
    @pytest.mark.parametrize(
        "path", ["", ".", "a.", ".a", "a..b", 'a."b', 'a"b"', "$", " a", "jmespath:[", "jmespath:"]
    )
    def test_badly_written_paths_are_refused(self, path):
        with pytest.raises(PathError):
            compile_path(path)

    @pytest.mark.parametrize(
        ("path", "segments"),
        [("a", ("a",)), ("a.b c.0", ("a", "b c", "0")), ('"a.b".c', ("a.b", "c")), ("über.名", ("über", "名"))],
    )
    def test_segments(self, path, segments):
        assert split_path(path) == segments
