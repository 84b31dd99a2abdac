"""Which column holds which field: proposed by name, never applied unasked."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

_LEAST = 86


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field that a column may fill: its names, and its type."""

    field: str
    names: tuple[str, ...]
    type: str = "text"


@dataclass(frozen=True, slots=True)
class Proposal:
    field: str
    reason: str
    score: float


def propose(headers: Sequence[str], wanted: Sequence[Wanted]) -> dict[str, Proposal]:
    """Header → proposal. Each field is proposed once, for the column whose name fits best."""
    found: list[tuple[float, int, str, str, str]] = []
    for position, header in enumerate(headers):
        plain = normal(header)
        for field in wanted:
            best, name = max(((_score(plain, normal(name)), name) for name in field.names), default=(0.0, ""))
            if best >= _LEAST:
                found.append((best, position, header, field.field, name))
    found.sort(key=lambda item: (-item[0], item[1]))
    result: dict[str, Proposal] = {}
    taken: set[str] = set()
    for score, _, header, field_name, name in found:
        if header in result or field_name in taken:
            continue
        taken.add(field_name)
        reason = f"called like {name!r}" if score >= 100 else f"called nearly like {name!r}"
        result[header] = Proposal(field_name, reason, score)
    return result


def propose_keys(headers: Sequence[str], fields: Mapping[str, str], filled: Mapping[str, int], rows: int) -> list[str]:
    """The column that names each row, if one clearly does: it is called so, and never empty."""
    names = (
        "id",
        "key",
        "uuid",
        "guid",
        "nr",
        "no",
        "number",
        "code",
        "nummer",
        "record id",
        "external id",
        "reference",
        "sku",
    )
    for header in headers:
        plain = normal(header)
        words = plain.split()
        is_named = plain in names or (words and words[-1] in ("id", "nr", "no", "key", "uuid"))
        if (is_named or fields.get(header) in ("id", "number", "code")) and rows and filled.get(header, 0) >= rows:
            return [header]
    return []


def normal(text: str) -> str:
    """Small letters and digits with single blanks; accents and camelCase taken apart."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    text = "".join(sign for sign in text if not unicodedata.combining(sign)).casefold()
    return " ".join(re.findall(r"[a-z0-9]+", text))


def _score(header: str, name: str) -> float:
    if not header or not name:
        return 0.0
    if header == name:
        return 100.0
    if len(name) < 4 or len(header) < 4:
        return 0.0
    return float(min(fuzz.token_sort_ratio(header, name), 99.0))
