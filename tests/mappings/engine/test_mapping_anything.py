"""Whatever a vendor sends, a run answers and never raises; and explaining agrees with running."""

import json
from copy import deepcopy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.mappings.engine import Mapped, Rejected, RenderedBody
from apps.mappings.engine.transforms import TRANSFORMS

from .conftest import build

NAMES = ["a", "b", "c", "id", "items", "0", "deleted"]
PARAMS = {
    "truncate": {"length": 3},
    "prefix": "x",
    "suffix": "x",
    "replace": {"find": "a"},
    "lookup": "tax_types",
    "money_minor": {"currency_from": "c"},
    "percent_of": 12,
    "money": {"currency_from": "c"},
    "multiply": "0.5",
    "divide": 3,
    "name_part": "last",
    "pad": 5,
    "keep": "digits",
    "add_days": {"days_from": "c"},
    "less": "c",
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["2024-02-30", "/Date(9)/", "12:30", "1e999999", "EUR", "https://[x", "<p", "a@b.c", "\ud800"])
)
KEYS = st.sampled_from(NAMES)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
TAGGED = st.fixed_dictionaries(
    {"__class__": st.sampled_from(["Decimal", "date", "datetime", "timedelta"]) | SCALARS},
    optional=dict.fromkeys(("decimal", "seconds", "year", "month", "day", "hour"), SCALARS),
)
ANYTHING = ANYTHING | TAGGED
RECORDS = st.dictionaries(KEYS, ANYTHING, max_size=7) | ANYTHING


def fields(**extra):
    made = [
        {"to": name, "from": path, "transform": {name: PARAMS[name]} if name in PARAMS else name, **extra}
        for name, path in zip(sorted(TRANSFORMS), ["a", "b", "a.b", "items.0", "items.0.a"] * 99, strict=False)
    ]
    made += [
        {"to": "plain", "from": "a"},
        {"to": "deep", "from": "a.b.0.c"},
        {"to": "jm", "from": "jmespath:items[].a | [0]"},
        {"to": "template", "template": "{a} {b.c}"},
        {"to": "first", "first_of": ["a.b", "c", "items.-1"], "default": "d"},
        {"to": "when", "from": "c", "when": {"path": "a.b", "in": [1, "x", None]}},
        {"to": "above", "from": "c", "when": {"path": "a", "greater_than": 2}},
        {"to": "below", "from": "c", "when": {"path": "a", "less_than": "2024-01-01"}},
        {"to": "holds", "from": "c", "when": {"path": "b", "contains": "x"}},
        {"to": "begins", "from": "c", "when": {"path": "b", "starts_with": "x"}},
        {"to": "required", "from": "b", "required": True},
        {"to": "lines", "each": "items", "fields": [{"to": "x", "from": "$.c"}, {"to": "y", "from": "a"}]},
        {"to": "tags", "each": "b", "fields": [{"to": "x", "from": "@.a"}, {"to": "y", "from": "@"}]},
    ]
    return made


INBOUND = build(
    *fields(),
    {"to": "ref", "from": "a.id", "reference": {"object": "user", "stub": {"name": "a.b"}}},
    deleted_when={"path": "deleted.a", "equals": True},
    skip_when={"path": "deleted", "not_empty": True},
)
LENIENT = build({"to": "plain", "from": "a"}, {"to": "all", "from": "jmespath:@"})
OUTBOUND = build(*fields(), {"to": "ref.id", "from": "a.id", "reference": {"entity": "client"}}, direction="out")

some = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TestAnything:
    @some
    @given(RECORDS)
    def test_run_answers_and_leaves_the_record_alone(self, record):
        before = deepcopy(record)

        outcome = INBOUND.run(record)

        assert repr(record) == repr(before)
        for problem in getattr(outcome, "problems", ()):
            assert problem.code != "unexpected", problem
            assert len(problem.message) < 900 and problem.message.isprintable(), problem.message

    @some
    @given(RECORDS)
    def test_explain_agrees_with_run(self, record):
        explanation = INBOUND.explain(record)

        assert repr(explanation.outcome) == repr(INBOUND.run(record))
        if isinstance(explanation.outcome, Mapped):
            assert not [field for field in explanation.fields if field.problem]

    @some
    @given(RECORDS)
    def test_what_is_mapped_can_be_stored(self, record):
        outcome = LENIENT.run(record)

        if isinstance(outcome, Mapped):
            text = json.dumps(outcome.values, ensure_ascii=False, allow_nan=False)
            assert "\\u0000" not in text
            assert text.encode()

    @some
    @given(RECORDS)
    def test_render_answers(self, record):
        assert isinstance(OUTBOUND.render(record, lambda entity, key: key), RenderedBody | Rejected)
        assert OUTBOUND.explain(record, lambda entity, key: key).outcome is not None
