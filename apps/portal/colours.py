"""From the partner's one colour to shades that stay readable: in OKLCH, checked by WCAG contrast.

Hue is kept; lightness is moved only as far as contrast needs, so that a readable brand colour is used as it is.
"""

import re
from dataclasses import dataclass

from apps.partners.colours import FALLBACK, contrast, to_hex, to_oklch

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
AA = 4.5
_MARGIN = 4.6  # above AA, so that rounding to 8 bits never falls below it
_WHITE = "#ffffff"


@dataclass(frozen=True, slots=True)
class Palette:
    """What the portal takes from the brand, as #rrggbb. `primary` carries white text, `text` is read on `tint`."""

    primary: str
    hover: str
    text: str
    tint: str
    line: str
    glow: str
    deep: str


def palette(colour: str) -> Palette:
    """The shades of a brand colour; anything but #rrggbb falls back, since the values go into a style sheet."""
    base = colour if _HEX.fullmatch(colour) else FALLBACK
    lightness, chroma, hue = to_oklch(base)
    tint = to_hex(0.965, min(chroma, 0.02), hue)
    primary = _darkened(lightness, chroma, hue, against=_WHITE)
    shade = to_oklch(primary)[0]
    return Palette(
        primary=primary,
        hover=to_hex(max(shade - 0.06, 0.1), chroma, hue),
        text=_darkened(min(lightness, shade), chroma, hue, against=tint),
        tint=tint,
        line=to_hex(0.9, min(chroma, 0.05), hue),
        glow=to_hex(0.985, min(chroma, 0.012), hue),
        deep=to_hex(0.27, min(chroma, 0.07), hue),
    )


def _darkened(lightness: float, chroma: float, hue: float, *, against: str) -> str:
    colour = to_hex(lightness, chroma, hue)
    while contrast(colour, against) < _MARGIN and lightness > 0:
        lightness -= 0.005
        colour = to_hex(lightness, chroma, hue)
    return colour
