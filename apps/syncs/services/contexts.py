"""Preparing what loading needs for one object of a connection."""

from apps.canonical.registry import entity
from apps.connectors.manifest.objects import ObjectSpec
from apps.connectors.models import Connection
from apps.connectors.paths import getter
from apps.mappings import selectors, stewardship
from apps.mappings.engine import CompiledMapping
from apps.syncs.loading import LoadContext


def load_context(
    connection: Connection,
    object_name: str,
    *,
    reason: str,
    run_id: int | None = None,
    mapping: CompiledMapping | None = None,
) -> LoadContext:
    """Raises what a broken mapping of the customer raises (NoMappingError is no error here: the object stays raw).
    `mapping`: another one than that in force, for trying it.
    """
    spec: ObjectSpec = connection.manifest.object(object_name)
    mapping = mapping or selectors.inbound(connection, object_name)
    entity_name = mapping.spec.entity if mapping else ""
    foreign: frozenset[str] = frozenset()
    owns = True
    if mapping is not None:
        known = entity(entity_name)
        named, owns = stewardship.foreign_fields(connection, entity_name, list(known.kinds))
        foreign = frozenset(known.column_of[name] for name in named)
    return LoadContext(
        customer_id=connection.customer_id,
        connection_id=connection.pk,
        object_name=object_name,
        entity=entity_name,
        key=getter(spec.primary_key),
        mapping=mapping,
        foreign_fields=foreign,
        owns_entity=owns,
        origin=f"connection:{connection.pk}",
        run_id=run_id,
        reason=reason,
        url_template=_url(connection, spec),
        same=connection.manifest.same(object_name) - {object_name},
    )


def _url(connection: Connection, spec: ObjectSpec) -> str:
    """The record's address for people; only when it needs nothing but the id and plain settings."""
    url = str(spec.url or "")
    for name, value in (connection.config or {}).items():
        url = url.replace(f"${{config.{name}}}", str(value))
    rest = url.replace("${external_id}", "")
    return "" if "${" in rest else url
