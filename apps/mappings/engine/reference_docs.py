"""The table of transforms in docs/mappings.md, made from their docstrings and parameters. A test keeps it current.

Renew: python -m apps.mappings.engine.reference_docs docs/mappings.md
"""

import re
import sys
from pathlib import Path

from pydantic_core import PydanticUndefined

from .transforms import TRANSFORMS, Transform

BEGIN = "<!-- transforms: made from the code, do not edit by hand -->"
END = "<!-- end of transforms -->"

_SECTIONS = re.compile(r"In: (?P<takes>.*?)\. Out: (?P<gives>.*?)\. Errors: (?P<errors>.*)\.\Z", re.DOTALL)


def transform_table() -> str:
    return "\n".join(_described(TRANSFORMS[name]) for name in sorted(TRANSFORMS))


def with_transform_table(page: str) -> str:
    """The page with the part between the marks made anew."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{transform_table()}\n{END}{rest.split(END)[1]}"


def sections(item: Transform) -> dict[str, str]:
    """summary, takes, gives, errors of a transform's docstring."""
    summary, _, rest = item.doc.partition("\n\n")
    match = _SECTIONS.match(" ".join(rest.split()))
    if match is None:
        raise ValueError(f'the docstring of transform "{item.name}" needs the line: In: … Out: … Errors: …')
    return {"summary": " ".join(summary.split()), **match.groupdict()}


def _described(item: Transform) -> str:
    said = sections(item)
    lines = [f"#### `{item.name}`", "", said["summary"], ""]
    lines += [f"- In: {said['takes']}", f"- Out: {said['gives']}", f"- Errors: {said['errors']}"]
    for name, field in item.params.model_fields.items():
        required = field.default is PydanticUndefined
        default = "required" if required else f"default `{_written(field.default)}`"
        bare = "; may be written bare" if name == item.main else ""
        lines.append(f"- Parameter `{field.alias or name}` ({default}{bare}): {field.description}")
    return "\n".join([*lines, ""])


def _written(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else (repr(value) if isinstance(value, str) else str(value))


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_transform_table(path.read_text()))
