"""Which mapping and value maps are in force for a connection, compiled."""

from functools import lru_cache
from typing import Any

import orjson

from apps.connectors.manifest import manifest_for
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.mappings.engine import CompiledMapping, MappingSpec, compile_mapping
from apps.mappings.models import Mapping, ValueMap


class NoMappingError(PermanentError):
    code = "no_mapping"


def value_maps(connection: Connection) -> dict[str, dict[str, str]]:
    """All value maps of the customer by name; one made for this connection adds to and outranks the general one."""
    found: dict[str, dict[str, str]] = {}
    rows = ValueMap.objects.filter(customer_id=connection.customer_id).order_by("connection_id")
    general = [row for row in rows if row.connection_id is None]
    own = [row for row in rows if row.connection_id == connection.pk]
    for row in [*general, *own]:
        found.setdefault(row.name, {}).update(row.entries)
    return found


def specs(connection: Connection, direction: str) -> list[MappingSpec]:
    """The connector's default mappings of a direction, each replaced by the customer's own where there is one."""
    chosen: dict[tuple[str, str], MappingSpec] = {}
    for spec in default_specs(connection.connector):
        if spec.direction == direction:
            chosen[(spec.object, spec.entity)] = spec
    for row in Mapping.objects.filter(connection=connection, direction=direction, is_active=True):
        chosen[(row.object_name, row.entity)] = MappingSpec.model_validate(row.spec)
    return list(chosen.values())


def inbound(connection: Connection, object_name: str) -> CompiledMapping | None:
    """The mapping that makes canonical records of this object; None when nobody maps it."""
    spec = next((spec for spec in specs(connection, "in") if spec.object == object_name), None)
    return _compiled(spec, value_maps(connection)) if spec else None


def outbound(connection: Connection, object_name: str, entity: str) -> CompiledMapping:
    """Raises NoMappingError when the connector has no way to write this entity there."""
    for spec in specs(connection, "out"):
        if spec.object == object_name and spec.entity == entity:
            return _compiled(spec, value_maps(connection))
    raise NoMappingError(
        f"{connection.name} has no mapping that writes {entity} to {object_name}; add one under Mappings or choose another system"
    )


def object_for(connection: Connection, entity: str, direction: str = "out") -> str | None:
    """The vendor object that stands for an entity there."""
    return next((spec.object for spec in specs(connection, direction) if spec.entity == entity), None)


@lru_cache(maxsize=64)
def default_specs(connector: str) -> tuple[MappingSpec, ...]:
    return tuple(MappingSpec.model_validate(found) for found in manifest_for(connector).mappings)


def _compiled(spec: MappingSpec, maps: dict[str, dict[str, str]]) -> CompiledMapping:
    return _compile_cached(spec.model_dump_json(by_alias=True, exclude_unset=True), orjson.dumps(maps, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=256)
def _compile_cached(spec_json: str, maps_json: bytes) -> CompiledMapping:
    maps: dict[str, Any] = orjson.loads(maps_json)
    return compile_mapping(MappingSpec.model_validate_json(spec_json), value_maps=maps)
