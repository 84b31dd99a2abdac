"""The plain look of the practice pages: one layout, tables, small forms. No script at all."""

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.framework.vendor import Vendor

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#5a6474;--line:#d7dce3;--paper:#fff;--back:#f4f6f8;--accent:#1f4fa3;--warn:#8a3b00}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf0;--soft:#aab3c0;--line:#39424f;--paper:#1b2028;--back:#12161c;--accent:#8db4ff;--warn:#ffb787}}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back)}
header,main,footer{max-width:72rem;margin:0 auto;padding:1rem}header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline}
header strong{font-size:1.1rem}nav a{margin-right:1rem}a{color:var(--accent)}h1{font-size:1.5rem;margin:.2rem 0 1rem}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}
section,.card{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:0 0 1rem}section>h2:first-child{margin-top:0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}pre{overflow-x:auto;background:var(--back);padding:.8rem;border-radius:.4rem;font-size:.85rem}
button{font:inherit;padding:.35rem .8rem;border:1px solid var(--accent);border-radius:.35rem;background:var(--accent);color:var(--paper);cursor:pointer}
button.quiet{background:transparent;color:var(--accent)}input,select{font:inherit;padding:.3rem .5rem;border:1px solid var(--soft);border-radius:.35rem;background:var(--paper);color:var(--ink);max-width:100%}
form.row{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end;margin:.4rem 0}form.row label{display:grid;gap:.1rem;font-size:.9rem;color:var(--soft)}
[role=status],[role=alert]{border-left:.3rem solid var(--accent);padding:.5rem .8rem;background:var(--paper)}[role=alert]{border-color:var(--warn)}
small,.soft{color:var(--soft)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
"""


def escape(value: object) -> str:
    return html.escape(str(value), quote=True)


def page(vendor: "Vendor", title: str, body: str, *, message: str = "") -> str:
    notice = f'<p role="status">{escape(message)}</p>' if message else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
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
