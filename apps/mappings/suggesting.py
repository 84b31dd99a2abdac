"""Which source field may be meant for a target field: by name, by type and by sample values. Pure.

A suggestion carries its reasons and how sure it is; nothing here is ever applied without a person. The same for a vendor's
records and for the header line of a file: `suggest(targets_of("time_entry"), fields_of_table(header, rows))`, with
`targets_of` from `apps.mappings.targets`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rapidfuzz import fuzz

from apps.mappings.engine.paths import split_path
from apps.mappings.shapes import Shape, type_of

CERTAIN_ENOUGH = 0.55
"""Less is not worth a person's look."""

# Words that mean the same in the firm's systems: the first is ours.
_WORDS = (
    "name title label subject caption",
    "client customer company account organisation organization party firm contact",
    "resource user person employee member worker staff assignee consultant people",
    "opportunity deal",
    "project job matter engagement",
    "assignment membership",
    "quote line item position",
    "invoice bill",
    "start starts begin begins from",
    "end ends finish until deadline",
    "date day on datum",
    "work spent entry",
    "due term",
    "close closed closing",
    "amount sum cost value total price",
    "total",
    "untaxed net sub subtotal",
    "tax vat gst sales",
    "rate price",
    "percent percentage rate",
    "unit each",
    "hourly hour hours duration time",
    "budget effort planned estimated",
    "notes note comment comments remark remarks memo description text",
    "email mail",
    "phone telephone tel mobile",
    "street address line1",
    "postal_code zip postcode plz",
    "region state province county",
    "country nation land",
    "domain website homepage url web site",
    "code key identifier number no",
    "reference ref number",
    "number no",
    "role position function",
    "job_title jobtitle title",
    "category kind type class",
    "task activity service",
    "stage step",
    "probability chance likelihood",
    "is_active active enabled",
    "is_billable billable chargeable",
    "is_billed billed invoiced",
    "quantity qty count",
    "sku article",
    "currency ccy",
    "updated modified changed last",
    "paid payment",
    "first given fore",
    "last family sur",
    "capacity",
    "weekly week",
    "external source",
)
_MEANING: dict[str, set[str]] = {}
for _line in _WORDS:
    for _word in _line.split():
        _MEANING.setdefault(_word, set()).add(_line.split()[0])
_FILLERS = frozenset(
    {"the", "of", "a", "is", "has", "hs", "default", "properties", "attributes", "fields", "id", "at", "utc", "custom"}
)
_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_ASIDE = re.compile(r"\([^)]*\)")  # units and currencies in the header lines of files
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}\Z", re.IGNORECASE)
_CURRENCY = re.compile(r"[A-Z]{3}\Z", re.ASCII)
_COUNTRY = re.compile(r"[A-Za-z]{2}\Z", re.ASCII)
_DOMAIN = re.compile(r"(https?://)?([\w-]+\.)+[a-z]{2,}(/\S*)?\Z", re.IGNORECASE)
_PHONE = re.compile(r"\+?[\d\s()/.-]{6,}\Z")
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?\Z", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([.,\s\u00a0]\d{3})*([.,]\d+)?\Z|[+-]?\d+,\d+\Z", re.ASCII)
_EPOCH = re.compile(r"-?\d{11,13}\Z", re.ASCII)
_YES_NO = frozenset({"true", "false", "yes", "no", "y", "n", "0", "1", "on", "off", "t", "f"})


@dataclass(frozen=True, slots=True)
class SourceField:
    """A field that can be read: its path as a mapping writes it, its type, some of its values."""

    path: str
    kind: str = ""  # text, integer, decimal, boolean, date, datetime, list, object; nothing when never filled
    title: str = ""
    samples: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetField:
    """A field that wants a value. `aliases`: the other names of what it is a field of, or refers to."""

    name: str
    kind: str
    owner: str = ""
    choices: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`to` could be read from `path`. `confidence` is between 0 and 1, `reasons` are sentences for people."""

    to: str
    path: str
    confidence: float
    reasons: tuple[str, ...]
    transform: tuple[Any, ...] = ()
    sample: str = ""

    @property
    def percent(self) -> int:
        return round(self.confidence * 100)


@dataclass(slots=True)
class _Score:
    name: float
    kind: float
    values: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        return max(0.0, min(1.0, 0.72 * self.name + 0.16 * self.kind + 0.12 + 0.12 * self.values))


def suggest(
    targets: Iterable[TargetField],
    sources: Sequence[SourceField],
    *,
    used: frozenset[str] = frozenset(),
    most: int = 3,
) -> list[Suggestion]:
    """At most `most` for each target, the likeliest first. `used`: paths that other targets read already."""
    found: list[Suggestion] = []
    for target in targets:
        scored = []
        for source in sources:
            score = _score(target, source)
            if score is None:
                continue
            total = score.total - (0.04 if source.path in used else 0.0)
            if total >= CERTAIN_ENOUGH:
                scored.append((round(total, 3), source, score))
        scored.sort(key=lambda item: (-item[0], item[1].path.count("."), len(item[1].path), item[1].path))
        found += [_suggestion(target, source, total, score) for total, source, score in scored[:most]]
    return found


def fields_of_shape(shape: Shape, titles: dict[str, str] | None = None) -> list[SourceField]:
    """What can be read of records of a known shape; the first item stands for a list's items."""
    named = titles or {}
    return [
        SourceField(path.replace("[]", ".0"), one.kind, named.get(path, ""), tuple(one.samples))
        for path, one in shape.paths.items()
    ]


def fields_of_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[SourceField]:
    """The columns of a file: types are guessed from the values, since all of them are text."""
    fields = []
    for index, name in enumerate(header):
        values = tuple(row[index] for row in rows[:200] if index < len(row) and str(row[index] or "").strip())
        fields.append(SourceField(_as_key(name), _kind_of_texts(values), name, values[:20]))
    return fields


def words_of(name: str) -> list[str]:
    """`billable_rate`, `BillableRate`, `billablerate` → the words in it, in small letters."""
    found: list[str] = []
    for piece in _SPLIT.findall(_ASIDE.sub(" ", name)):
        for word in _cut(piece.lower()):
            pair = f"{found[-1]}_{word}" if found else ""
            if pair in _MEANING:
                found[-1] = pair
            else:
                found.append(word)
    return found


def _as_key(name: str) -> str:
    return f'"{name}"' if re.search(r'[."\s]', name) and '"' not in name else name


def _score(target: TargetField, source: SourceField) -> _Score | None:
    """None when it cannot be: a date from a truth value, a currency whose samples are no currencies."""
    is_reference = target.kind == "reference"
    kind = _reference_fit(source) if is_reference else _kind_fit(target.kind, source)
    if kind <= 0:
        return None
    values, told = _value_fit(target, source)
    if values < 0:
        return None
    name, why = _name_fit(target, source)
    if name < 0.5:
        return None
    return _Score(name, kind, values, [reason for reason in (why, *told, _kind_told(target, source)) if reason])


def _name_fit(target: TargetField, source: SourceField) -> tuple[float, str]:
    wanted = tuple(words_of(target.name))
    parts = split_path(source.path)
    segments = [part for part in parts if not part.isdigit()]
    leaf = tuple(words_of(segments[-1])) if segments else ()
    around = tuple(words_of(segments[-2])) if len(segments) > 1 else ()
    owner = frozenset(word for alias in aliases_of(target.owner) for word in words_of(alias))
    if target.kind == "reference":
        return _reference_name(target, leaf, around)
    best = max(
        (_alike(wanted, leaf, owner), "leaf"),
        (0.97 * _alike(wanted, (*around, *leaf), owner), "whole"),
        (_alike(wanted, tuple(words_of(source.title)), owner) if source.title else 0.0, "title"),
    )
    told = source.title if best[1] == "title" and source.title else source.path
    # `client.name` is the client's name: of something else, unless that is what the record is itself.
    elsewhere = bool(around) and not _is_envelope(around) and not (_meanings(around) & _meanings(tuple(owner)))
    score = best[0] - (0.12 if elsewhere and not (_meanings(around) & _meanings(wanted)) else 0.0)
    if len(segments) < len(parts) and not parts[-1].isdigit():
        score -= 0.08  # of one item of a list: seldom what the whole record means
    if target.kind == "text" and leaf[-1:] == ("id",):
        score -= 0.15
    if wanted == leaf and not elsewhere:
        return score, f"The name is the same: {told}."
    return score, f'"{told}" reads like "{target.name}" ({round(100 * score)} %).'


def _reference_name(target: TargetField, leaf: tuple[str, ...], around: tuple[str, ...]) -> tuple[float, str]:
    """`user.id`, `user_id`, `ContactID`: the id of what the target refers to."""
    names = {target.name, *target.aliases}
    means = {meaning for name in names for meaning in _meanings(tuple(words_of(name)))}
    ends_as_id = bool(leaf) and leaf[-1] in {"id", "ids", "key"}
    stem = tuple(word for word in leaf if word not in {"id", "ids", "key"})
    spoken = stem or around
    if not spoken or not (_meanings(spoken) & means):
        return 0.0, ""
    exact = spoken in {tuple(words_of(name)) for name in names}
    score = (0.95 if exact else 0.85) if ends_as_id else 0.7
    return score, f"It is the id of the {' '.join(spoken)} it belongs to."


@lru_cache(maxsize=16_384)
def _alike(wanted: tuple[str, ...], given: tuple[str, ...], owner: frozenset[str]) -> float:
    """By meaning word for word, and by spelling; what names the owner itself (`deal` in `dealname`) does not count."""
    if not wanted or not given:
        return 0.0
    if wanted == given:
        return 1.0
    left = [word for word in wanted if word not in _FILLERS] or list(wanted)
    right = [word for word in given if word not in _FILLERS and (word not in owner or word in wanted)]
    right = right or [word for word in given if word not in _FILLERS] or list(given)
    if left == right:
        return 0.97
    hit_left = sum(_best(word, right) for word in left) / len(left)
    hit_right = sum(_best(word, left) for word in right) / len(right)
    spelling = fuzz.ratio("".join(left), "".join(right)) / 100
    return max(0.96 * (0.6 * hit_left + 0.4 * hit_right), 0.9 * spelling)


def _best(word: str, others: list[str]) -> float:
    means = _MEANING.get(word, {word})
    best = 0.0
    for other in others:
        if other == word:
            return 1.0
        if means & _MEANING.get(other, {other}):
            best = max(best, 0.92)
        elif len(word) > 3 and len(other) > 3:
            best = max(best, 0.9 * fuzz.ratio(word, other, score_cutoff=75) / 100)
    return best


def _meanings(words: tuple[str, ...]) -> set[str]:
    return {meaning for word in words for meaning in _MEANING.get(word, {word})} - _FILLERS


def _is_envelope(words: tuple[str, ...]) -> bool:
    return all(word in _FILLERS for word in words)


@lru_cache(maxsize=4096)
def aliases_of(name: str) -> tuple[str, ...]:
    """The name itself and what other systems call such a thing."""
    if not name:
        return ()
    found = [name]
    for line in _WORDS:
        if line.split()[0] == name:
            found += line.split()[1:]
    return tuple(found)


_KNOWN_WORDS = sorted(
    {piece for line in _WORDS for word in line.split() for piece in word.split("_") if len(piece) > 2}
    | {
        "bill",
        "billed",
        "able",
        "stage",
        "owner",
        "reference",
        "identifier",
        "mail",
        "code",
        "date",
        "rate",
        "pipeline",
    },
    key=len,
    reverse=True,
)


@lru_cache(maxsize=4096)
def _cut(word: str) -> list[str]:
    """`closedate` → close, date: only when all of it is words we know."""
    if len(word) < 6 or word in _MEANING:
        return [word]
    for known in _KNOWN_WORDS:
        rest = word.removeprefix(known)
        if rest != word and rest and (rest in _MEANING or rest in _KNOWN_WORDS):
            return [known, rest]
    return [word]


# How well a source of a kind serves a target of a kind; what is not listed does not.
_FITS: dict[str, dict[str, float]] = {
    "text": {"text": 1.0, "integer": 0.6, "decimal": 0.4, "": 0.5, "datetime": 0.1, "date": 0.1, "list": 0.1},
    "decimal": {"decimal": 1.0, "integer": 1.0, "": 0.5},
    "integer": {"integer": 1.0, "decimal": 0.7, "": 0.5},
    "boolean": {"boolean": 1.0, "": 0.5},
    "date": {"date": 1.0, "datetime": 0.8, "": 0.5},
    "datetime": {"datetime": 1.0, "date": 0.6, "": 0.5},
    "json": {"object": 0.8, "list": 0.8, "text": 0.3, "": 0.3},
}


def _kind_fit(kind: str, source: SourceField) -> float:
    fit = _FITS.get(kind, {}).get(source.kind, 0.0)
    if fit or source.kind not in ("text", "integer"):
        return fit
    texts = [str(value).strip() for value in source.samples if str(value).strip()]
    if not texts:
        return 0.0
    return _text_fit(kind, texts)


def _text_fit(kind: str, texts: list[str]) -> float:
    """Vendors write numbers, dates and truth values as text, too."""
    if kind in ("decimal", "integer"):
        return 0.9 if _all(_DECIMAL, texts) else 0.7 if _all(_GROUPED, texts) else 0.0
    if kind == "boolean":
        return 0.8 if all(text.lower() in _YES_NO for text in texts) else 0.0
    if kind in ("date", "datetime"):
        return 0.7 if _all(_EPOCH, texts) else 0.0
    return 0.0


def _reference_fit(source: SourceField) -> float:
    return {"integer": 1.0, "text": 0.9, "": 0.4}.get(source.kind, 0.0)


def _value_fit(target: TargetField, source: SourceField) -> tuple[float, list[str]]:
    """−1: the samples rule it out; up to 1: they speak for it."""
    texts = [str(value).strip() for value in source.samples if value not in (None, "")]
    if not texts or target.kind not in ("text", "reference"):
        return (0.3 if texts else 0.0), []
    if target.name == "currency":
        return (1.0, ["All samples are currency codes."]) if _all(_CURRENCY, texts) else (-1.0, [])
    if target.name == "country":
        return (1.0, ["All samples are country codes."]) if _all(_COUNTRY, texts) else (0.0, [])
    if target.name == "email":
        return (1.0, ["All samples are mail addresses."]) if _all(_EMAIL, texts) else (-1.0, [])
    if target.name == "domain":
        return (1.0, ["All samples are web addresses."]) if _all(_DOMAIN, texts) else (-1.0, [])
    if target.name == "phone":
        return (1.0, ["All samples look like telephone numbers."]) if _all(_PHONE, texts) else (0.0, [])
    if target.choices:
        hits = [text for text in texts if text.lower() in target.choices]
        share = len(hits) / len(texts)
        told = [f"{len(hits)} of {len(texts)} samples are values it takes."] if hits else []
        return share if share else 0.0, told
    return 0.3, []


def _all(pattern: re.Pattern[str], texts: list[str]) -> bool:
    return all(pattern.match(text) for text in texts)


def _kind_told(target: TargetField, source: SourceField) -> str:
    if not source.kind:
        return "It was never filled so far, so its type is not known."
    return f"It holds {source.kind}, and {target.kind} is wanted." if source.kind != target.kind else ""


def _suggestion(target: TargetField, source: SourceField, total: float, score: _Score) -> Suggestion:
    shown = str(source.samples[0])[:60] if source.samples else ""
    return Suggestion(target.name, source.path, total, tuple(score.reasons), _transform(target, source), shown)


def _transform(target: TargetField, source: SourceField) -> tuple[Any, ...]:
    """The chain that usually serves: a person may change it before it is kept."""
    texts = [str(value).strip() for value in source.samples if value not in (None, "")]
    if target.kind == "reference":
        return ()
    if target.kind == "text":
        if target.name in ("currency", "country"):
            return (target.name,)
        if target.name == "email":
            return ("text", "lower")
        return ("domain_from_url",) if target.name == "domain" else ("text",)
    if target.kind == "decimal" and texts and source.kind == "text" and not _all(_DECIMAL, texts):
        return ({"decimal": {"comma": "decimal" if _has_decimal_comma(texts) else "thousands"}},)
    if target.kind in ("decimal", "integer", "boolean", "date", "datetime"):
        return (target.kind,)
    return ()


def _has_decimal_comma(texts: list[str]) -> bool:
    return any(re.search(r",\d{1,2}\Z", text) for text in texts) or not any(
        re.search(r"\.\d{1,2}\Z", text) for text in texts
    )


def _kind_of_texts(values: Sequence[Any]) -> str:
    texts = [str(value).strip() for value in values]
    kinds = {type_of(value) for value in values}
    if not texts:
        return ""
    if kinds and "text" not in kinds:
        return next(iter(kinds)) if len(kinds) == 1 else "text"
    if all(re.match(r"[+-]?(0|[1-9]\d*)\Z", text) for text in texts):
        return "integer"
    return "decimal" if _all(_DECIMAL, texts) else "text"
