"""Whether a connector's default mappings are well written: their language, their canonical fields, their objects."""

from apps.canonical.registry import UnknownEntityError, entity
from apps.connectors.manifest import Manifest
from apps.mappings.engine import MappingSpec, MappingSpecError, load_mapping, spec_problems


def default_mapping_problems(manifest: Manifest) -> list[str]:
    """One sentence for each mistake in the manifest's `mappings`."""
    problems: list[str] = []
    for number, data in enumerate(manifest.mappings):
        name = f"mappings.{number} ({data.get('object')} {data.get('direction')})"
        try:
            problems += [f"{name}: {text}" for text in _problems(manifest, load_mapping(data, name=name))]
        except MappingSpecError as error:
            problems += [f"{name}: {text}" for text in error.problems]
    return problems


def _problems(manifest: Manifest, spec: MappingSpec) -> list[str]:
    if spec.object not in manifest.objects:
        return [f"object: no object {spec.object!r}; there are: {', '.join(manifest.objects)}"]
    # What goes out may be an entity with its children, or a document made for the purpose: its fields are not columns.
    if spec.direction == "out":
        return []
    try:
        known = entity(spec.entity).kinds
    except UnknownEntityError as error:
        return [f"entity: {error.message}"]
    return [f"fields.{item.field_index}.{item.key}: {item.message}" for item in spec_problems(spec, known)]
