"""Which mapping and value maps are in force for a connection, compiled."""

import re
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection as database

from apps.connectors.manifest import manifest_for
from apps.connectors.models import Connection
from apps.core.errors import PermanentError
from apps.core.work.memory import once
from apps.mappings.engine import CompiledMapping, MappingSpec, MappingSpecError, compile_mapping
from apps.mappings.models import Mapping, ValueMap


class BrokenMappingError(PermanentError):
    """A plan that can't be compiled, such as one that names a value map nobody made."""

    code = "bad_mapping"


_MOST_KEPT = 256
_KEPT: dict[tuple[str, bytes], CompiledMapping] = {}
_LOOKUP = re.compile(r'"map":\s*"([a-z_]+)"')


class NoMappingError(PermanentError):
    code = "no_mapping"


def value_maps(connection: Connection) -> dict[str, dict[str, str]]:
    """All value maps of the customer by name; one made for this connection adds to and outranks the general one."""
    return dict(once(("value_maps", connection.pk), lambda: _value_maps(connection)))


def _value_maps(connection: Connection) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    rows = ValueMap.objects.filter(customer_id=connection.customer_id).order_by("connection_id")
    general = [row for row in rows if row.connection_id is None]
    own = [row for row in rows if row.connection_id == connection.pk]
    for row in [*general, *own]:
        found.setdefault(row.name, {}).update(row.entries)
    return found


def specs(connection: Connection, direction: str) -> list[MappingSpec]:
    """The connector's default mappings of a direction, each replaced by the customer's own where there is one."""
    return once(("mapping_specs", connection.pk, direction), lambda: _specs(connection, direction))


def _specs(connection: Connection, direction: str) -> list[MappingSpec]:
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
    return _compiled(spec, _maps_for(spec, connection)) if spec else None


def outbound(connection: Connection, object_name: str, entity: str) -> CompiledMapping:
    """Raises NoMappingError when the connector has no way to write this entity there."""
    for spec in specs(connection, "out"):
        if spec.object == object_name and spec.entity == entity:
            return _compiled(spec, _maps_for(spec, connection))
    raise NoMappingError(
        f"{connection.name} has no mapping that writes {entity} to {object_name}; add one under Mappings or choose another system"
    )


def compiled(connection: Connection, spec: MappingSpec) -> CompiledMapping:
    """A plan with the connection's value maps, whether it is in force or not. Raises BrokenMappingError."""
    return _compiled(spec, _maps_for(spec, connection))


def default_plan(connector: str, object_name: str, entity: str, direction: str) -> dict[str, Any] | None:
    """The connector's own mapping as it is written."""
    for found in manifest_for(connector).mappings:
        if (found["object"], found["entity"], found["direction"]) == (object_name, entity, direction):
            return found
    return None


def records_by_name(connection: Connection, object_name: str) -> dict[str, str]:
    """Name → external id of the vendor records of an object that were read as they are."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            select coalesce(payload->>'name', payload->>'Name', payload->>'title'), external_id
              from syncs_sourcerecord where connection_id = %s and object_name = %s and status <> 'deleted' order by id desc
            """,
            [connection.pk, object_name],
        )
        return {name: external_id for name, external_id in cursor.fetchall() if name}


def _maps_for(spec: MappingSpec, connection: Connection) -> dict[str, dict[str, str]]:
    """The value maps, and for a look-up named like an object of the vendor: its records by name.

    So a task or category is found by its name without anybody filling a table; the customer's own entries win.
    """
    maps = value_maps(connection)
    for name in set(_LOOKUP.findall(spec.text)):
        if name in connection.manifest.objects:
            maps[name] = {**records_by_name(connection, name), **maps.get(name, {})}
        maps.setdefault(name, {})
    return maps


@lru_cache(maxsize=64)
def default_specs(connector: str) -> tuple[MappingSpec, ...]:
    return tuple(MappingSpec.model_validate(found) for found in manifest_for(connector).mappings)


def _compiled(spec: MappingSpec, maps: dict[str, dict[str, str]]) -> CompiledMapping:
    """Compiled once for the same plan and maps, whoever asks; a handful of recent ones is kept."""
    key = (spec.text, orjson.dumps(maps, option=orjson.OPT_SORT_KEYS))
    found = _KEPT.get(key)
    if found is None:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        try:
            found = _KEPT[key] = compile_mapping(spec, value_maps=maps)
        except MappingSpecError as error:
            raise BrokenMappingError(f"{error}. Correct the mapping or add the value map it names.")
    return found
