"""What a notice says, as data: paragraphs, facts, lists and one thing to do. Pure; drawing is `apps.notices.drawing`.

A part never holds HTML nor an address that gives access: links name their purpose and are signed when the notice is sent.
"""

from collections.abc import Iterable
from typing import Any

Part = dict[str, Any]


def paragraph(text: str) -> Part:
    return {"kind": "paragraph", "text": text}


def facts(rows: Iterable[tuple[str, str]]) -> Part:
    """Names and values, one line each; those without a value are left out."""
    return {"kind": "facts", "rows": [[name, value] for name, value in rows if value]}


def items(lines: Iterable[str]) -> Part:
    return {"kind": "items", "lines": list(lines)}


def page_link(label: str, path: str) -> Part:
    """A button to a page of the partner's host, which asks for a log-in by itself."""
    return {"kind": "link", "label": label, "path": path}


def signed_link(label: str, *, purpose: str, subject: int, version: int = 0) -> Part:
    """A button for the recipient alone, straight to the thing; `apps.notices.links` signs it when the notice is sent."""
    return {"kind": "link", "label": label, "purpose": purpose, "subject": subject, "version": version}


def cases_data(rows: Iterable[dict[str, Any]]) -> Part:
    """The cases an alert is about, for machines: not drawn."""
    return {"kind": "data", "cases": list(rows)}


def text_of(parts: Iterable[Part], base: str) -> str:
    """Plain text for a chat; links to pages of the host `base`."""
    lines: list[str] = []
    for part in parts:
        match part["kind"]:
            case "paragraph":
                lines.append(part["text"])
            case "facts":
                lines += [f"{name}: {value}" for name, value in part["rows"]]
            case "items":
                lines += [f"• {line}" for line in part["lines"]]
            case "link" if part.get("path"):
                lines.append(f"{base}{part['path']}")
    return "\n".join(lines)
