"""The sources of a field, compiled: a path, a constant, a template, the first of several paths."""

from typing import Any

from .paths import Reader, compile_path
from .problems import ProblemCode, ValueProblem
from .spec import PLACEHOLDER, FieldSpec
from .values import MISSING, as_text, is_empty


def compile_source(field: FieldSpec, *, nested: bool) -> Reader:
    if field.from_ is not None:
        return compile_path(field.from_, nested=nested)
    if field.each is not None:
        return compile_path(field.each, nested=nested)
    if field.first_of is not None:
        return _first_of([compile_path(path, nested=nested) for path in field.first_of])
    if field.template is not None:
        return _template(field.template, required=field.required, nested=nested)
    constant = field.value
    return lambda record: constant


def _first_of(readers: list[Reader]) -> Reader:
    def read(record: Any) -> Any:
        found: Any = MISSING
        for reader in readers:
            value = reader(record)
            if not is_empty(value):
                return value
            if found is MISSING:
                found = value
        return found

    return read


def _template(template: str, *, required: bool, nested: bool) -> Reader:
    parts = _template_parts(template, nested)

    def read(record: Any) -> Any:
        texts: list[str] = []
        filled = False
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            path, reader = part
            value = reader(record)
            if not is_empty(value):
                filled = True
                texts.append(as_text(value))
            elif required:
                raise ValueProblem(
                    ProblemCode.REQUIRED_MISSING,
                    f"a value at {path}: this template is required",
                    "Fill it in at the source, or remove it from the template.",
                    found=f"nothing at {path}",
                )
        return "".join(texts) if filled or not any(isinstance(part, tuple) for part in parts) else None

    return read


def _template_parts(template: str, nested: bool) -> list[str | tuple[str, Reader]]:
    parts: list[str | tuple[str, Reader]] = []
    position = 0
    for match in PLACEHOLDER.finditer(template):
        parts.append(template[position : match.start()])
        position = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(match[0][0])
        else:
            path = match[1].strip()
            parts.append((path, compile_path(path, nested=nested)))
    parts.append(template[position:])
    return [part for part in parts if part]
