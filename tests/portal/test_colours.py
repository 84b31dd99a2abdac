"""Whatever colour a partner chooses, its portal stays readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.partners.colours import contrast
from apps.portal.colours import AA, palette

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


class TestPalette:
    @given(COLOURS)
    def test_every_colour_gives_readable_shades(self, colour: str) -> None:
        shades = palette(colour)

        assert contrast(shades.primary, "#ffffff") >= AA
        assert contrast(shades.hover, "#ffffff") >= AA
        assert contrast(shades.deep, "#ffffff") >= AA
        assert contrast(shades.text, shades.tint) >= AA
        assert contrast(shades.text, "#ffffff") >= AA

    @pytest.mark.parametrize("colour", ["#0f766e", "#7c3aed", "#2f5d8a"])
    def test_a_readable_colour_is_used_as_it_is(self, colour: str) -> None:
        assert palette(colour).primary == colour

    @pytest.mark.parametrize("colour", ["", "red", "#fff", "#12345g", "#123456;}body{display:none", "#123456\n"])
    def test_what_is_no_colour_never_reaches_the_style_sheet(self, colour: str) -> None:
        assert palette(colour) == palette("#2f5d8a")
