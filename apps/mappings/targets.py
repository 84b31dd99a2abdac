"""The fields of a canonical entity as targets of a mapping."""

from apps.canonical.registry import entity
from apps.mappings.suggesting import TargetField, aliases_of


def targets_of(entity_name: str) -> list[TargetField]:
    """What a mapping may fill, for suggestions and for the editor. `custom.<name>` comes on top."""
    known = entity(entity_name)
    return [
        TargetField(
            name,
            kind,
            owner=entity_name,
            choices=known.choices.get(name, frozenset()),
            aliases=aliases_of(known.references.get(name, "")),
        )
        for name, kind in known.kinds.items()
        if name != "custom"
    ]
