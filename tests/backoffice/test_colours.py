"""A partner may choose any colour: what is made of it has to stay readable."""

import pytest

from apps.partners.colours import FALLBACK, contrast, scale, to_hex, to_oklch

HUES = [to_hex(lightness, 0.2, hue) for lightness in (0.2, 0.6, 0.9) for hue in range(0, 360, 20)]


@pytest.mark.parametrize("colour", [*HUES, "#000000", "#ffffff", "#ffff00", "#00ff00"])
def test_white_on_600_and_700_and_600_on_50_are_readable(colour: str) -> None:
    shades = scale(colour)

    assert contrast("#ffffff", shades["600"]) >= 4.5
    assert contrast("#ffffff", shades["700"]) >= 4.5
    assert contrast(shades["600"], shades["50"]) >= 4.5


def test_shades_go_from_light_to_dark() -> None:
    lightness = [to_oklch(shade)[0] for shade in scale("#0f766e").values()]

    assert lightness == sorted(lightness, reverse=True)


def test_hue_is_kept() -> None:
    hue = to_oklch("#0f766e")[2]

    assert to_oklch(scale("#0f766e")["600"])[2] == pytest.approx(hue, abs=2)


@pytest.mark.parametrize("bad", ["", "red", "#12", "#zzzzzz", "#0f766e;}body{display:none"])
def test_anything_but_a_hex_colour_falls_back(bad: str) -> None:
    """The values go into a style block: no text of anybody's may reach it."""
    assert scale(bad) == scale(FALLBACK)


def test_conversion_there_and_back_is_exact() -> None:
    assert to_hex(*to_oklch("#7c3aed")) == "#7c3aed"
