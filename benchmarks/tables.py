"""Tables as people read them; knows nothing of what was measured."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Markdown, columns aligned."""
    rows = [list(head), *[list(line) for line in lines]]
    widths = [max(len(row[index]) for row in rows) for index in range(len(head))]
    text = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join([f"| {text[0]} |", f"|{rule}|", *[f"| {line} |" for line in text[1:]]])


def verdict(is_met: bool, goal: str) -> str:
    """The goal, with whether it is met."""
    return f"{'✓' if is_met else '✗'} {goal}"
