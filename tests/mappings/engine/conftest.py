"""Two short ways to a compiled mapping, so that a test shows only the field it is about."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.mappings.engine import CompiledMapping, compile_mapping, load_mapping

VALUE_MAPS = {"tax_types": {"20 %": "OUTPUT2", "7": "REDUCED", "true": "YES"}}


def build(*fields: dict[str, Any], direction: str = "in", **rest: Any) -> CompiledMapping:
    data = {"object": "thing", "entity": "thing", "direction": direction, "fields": list(fields), **rest}
    return compile_mapping(load_mapping(data, name="test"), value_maps=VALUE_MAPS)


@pytest.fixture
def inbound() -> Callable[..., CompiledMapping]:
    return build


@pytest.fixture
def outbound() -> Callable[..., CompiledMapping]:
    def make(*fields: dict[str, Any], **rest: Any) -> CompiledMapping:
        return build(*fields, direction="out", **rest)

    return make
