"""The plain look of the practice pages: one layout, tables, small forms. No script at all."""

import html
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.framework.vendor import Vendor

_STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def escape(value: object) -> str:
    return html.escape(str(value), quote=True)


def page(vendor: "Vendor", title: str, body: str, *, message: str = "") -> str:
    notice = f'<p role="status">{escape(message)}</p>' if message else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)} – practice {escape(vendor.label)}</title><style>{_STYLE}</style></head><body>"
        '<a class="skip" href="#main">Skip to content</a>'
        f'<header><strong>Practice {escape(vendor.label)}</strong><nav aria-label="Main">'
        '<a href="/_practice/">Accounts</a> <a href="/_practice/log">Requests</a> '
        '<a href="/_practice/faults">Faults</a> <a href="/_practice/webhooks">Webhooks</a></nav></header>'
        f'<main id="main">{notice}<h1>{escape(title)}</h1>{body}</main>'
        "<footer><small>A practice system. Nothing here is real, and nothing leaves this machine.</small></footer>"
        "</body></html>"
    )


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], *, caption: str) -> str:
    """Cells are HTML already; escape values before."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    if not lines:
        return f"<p class='soft'>{escape(caption)}: nothing yet.</p>"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def link(target: str, text: object) -> str:
    return f'<a href="{escape(target)}">{escape(text)}</a>'


def form(action: str, fields: str, button: str, *, hidden: dict[str, str] | None = None, quiet: bool = False) -> str:
    carried = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in (hidden or {}).items()
    )
    look = ' class="quiet"' if quiet else ""
    return (
        f'<form class="row" method="post" action="{escape(action)}">{carried}{fields}'
        f"<button{look}>{escape(button)}</button></form>"
    )


def field(name: str, label: str, value: object = "", *, required: bool = False) -> str:
    need = " required" if required else ""
    return f'<label>{escape(label)}<input name="{escape(name)}" value="{escape(value)}"{need}></label>'


def select(name: str, label: str, choices: Iterable[tuple[str, str]], *, required: bool = False) -> str:
    """Where nothing needs to be chosen, nothing is chosen at first."""
    options = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in choices)
    empty = "" if required else '<option value=""></option>'
    return f'<label>{escape(label)}<select name="{escape(name)}">{empty}{options}</select></label>'
