"""Text that is handed back in a CSV file: no cell may become a formula in a spreadsheet."""

import re

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"^[+-]?[\d\s.,'’\u00a0\u202f]*\d%?-?$|^[+-]\d{1,4}:[0-5]\d$")


def guarded(text: str) -> str:
    """The text with a quote before what would begin a formula. Plain numbers stay: -1,5 hours are hours."""
    if text.startswith(_STARTS) and not _NUMBER.match(text):
        return f"'{text}"
    return text
