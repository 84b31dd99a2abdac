"""Which paths a mapping reads: for drift detection, and to know what a list's items need."""

from .paths import ITEM, JMESPATH, ROOT
from .spec import FieldSpec, MappingSpec


def source_paths(spec: MappingSpec) -> set[str]:
    """Every path read from the record; paths inside a list are written `lines[].amount`."""
    found = {condition.path for condition in spec.skip_when}
    if spec.deleted_when:
        found.add(spec.deleted_when.path)
    for field in spec.fields:
        found |= _all_paths(field, "")
    return found


def own_paths(field: FieldSpec) -> list[str]:
    """The paths of this field itself, as written, without those of its nested fields."""
    found = [path for path in (field.from_, field.each) if path]
    found += field.first_of or []
    found += field.placeholders() if field.template is not None else []
    found += [field.when.path] if field.when else []
    found += field.reference.stub.values() if field.reference else []
    return found + [path for step in field.transform for path in step.params.paths()]


def reads(fields: list[FieldSpec], start: str) -> bool:
    """Whether a path of these fields begins with `$` or `@`."""
    return any(path == start or path.startswith(f"{start}.") for field in fields for path in own_paths(field))


def _all_paths(field: FieldSpec, base: str) -> set[str]:
    found = {_placed(path, base) for path in own_paths(field)}
    if field.each:
        inside = _placed(field.each, base) + "[]"
        for nested in field.fields:
            found |= _all_paths(nested, inside)
    return found


def _placed(path: str, base: str) -> str:
    if path.startswith(f"{ROOT}."):
        return path[2:]
    if not base:
        return path
    if path.startswith(JMESPATH):
        return f"{base}|{path}"
    return base + path[1:] if path == ITEM or path.startswith(f"{ITEM}.") else f"{base}.{path}"
