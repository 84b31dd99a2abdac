"""From a partner's one colour to eleven shades for the staff admin: pure arithmetic in OKLCH.

Hue is kept and lightness imposed, so that white on shade 600 is readable whatever colour the partner chose.
"""

import re
from math import atan2, cos, degrees, hypot, radians, sin

FALLBACK = "#2f5d8a"
_HEX = re.compile(r"^#[0-9a-fA-F]{6}$")
# Weight → (lightness, share of the colour's own chroma).
_STEPS = {
    "50": (0.977, 0.10),
    "100": (0.950, 0.20),
    "200": (0.905, 0.38),
    "300": (0.830, 0.62),
    "400": (0.710, 0.88),
    "500": (0.600, 1.00),
    "600": (0.520, 1.00),
    "700": (0.450, 0.95),
    "800": (0.390, 0.80),
    "900": (0.340, 0.65),
    "950": (0.250, 0.50),
}


def scale(colour: str) -> dict[str, str]:
    """Weight (50 to 950) → #rrggbb. Anything but #rrggbb falls back, since the values go into a style block."""
    _, chroma, hue = to_oklch(colour if _HEX.match(colour) else FALLBACK)
    return {weight: to_hex(lightness, chroma * share, hue) for weight, (lightness, share) in _STEPS.items()}


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast of two #rrggbb colours, 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def to_oklch(colour: str) -> tuple[float, float, float]:
    """Lightness 0 to 1, chroma, hue in degrees."""
    red, green, blue = _linear_channels(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, hypot(a, b), degrees(atan2(b, a))


def to_hex(lightness: float, chroma: float, hue: float) -> str:
    """The colour as #rrggbb, with as much of the chroma as a screen can show at that lightness."""
    channels = _linear_from(lightness, chroma, hue)
    while chroma > 0 and not all(-0.0005 <= value <= 1.0005 for value in channels):
        chroma = max(chroma - 0.004, 0.0)
        channels = _linear_from(lightness, chroma, hue)
    return "#" + "".join(f"{round(_gamma(min(max(value, 0.0), 1.0)) * 255):02x}" for value in channels)


def _linear_from(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _linear_channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return red, green, blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else float(1.055 * value ** (1 / 2.4) - 0.055)


def _luminance(colour: str) -> float:
    red, green, blue = _linear_channels(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
