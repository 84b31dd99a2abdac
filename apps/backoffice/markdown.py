"""The few marks our own READMEs use, as blocks a template escapes and prints. No HTML passes through."""

import re
from dataclasses import dataclass, field

_MARKS = re.compile(r"`|\*\*|(?<!^)\*(?=\S)|(?<=\S)\*")
_NUMBERED = re.compile(r"^\d+\. ")


@dataclass(slots=True)
class Block:
    """`kind` is heading, text, list or code."""

    kind: str
    text: str = ""
    items: list[str] = field(default_factory=list)


def to_blocks(text: str) -> list[Block]:
    blocks: list[Block] = []
    code: list[str] | None = None
    for line in text.splitlines():
        if line.startswith("```"):
            if code is not None:
                blocks.append(Block("code", "\n".join(code)))
            code = None if code is not None else []
        elif code is not None:
            code.append(line)
        else:
            _add(blocks, line.rstrip())
    return [block for block in blocks if block.text or block.items]


def _add(blocks: list[Block], line: str) -> None:
    plain = _MARKS.sub("", line)
    if line.startswith("#"):
        blocks.append(Block("heading", plain.lstrip("# ")))
    elif line.startswith(("- ", "* ")) or _NUMBERED.match(line):
        if not blocks or blocks[-1].kind != "list":
            blocks.append(Block("list"))
        blocks[-1].items.append(plain if _NUMBERED.match(line) else f"· {plain[2:]}")
    elif not line:
        blocks.append(Block("text"))
    elif blocks and blocks[-1].kind == "list" and line.startswith("  "):
        blocks[-1].items[-1] += f" {plain.strip()}"
    elif blocks and blocks[-1].kind == "text":
        blocks[-1].text = f"{blocks[-1].text} {plain}".strip()
    else:
        blocks.append(Block("text", plain))
