"""What counts as a missing, an empty, a storable and a showable value. Pure helpers."""

import math
import re
from decimal import Decimal
from typing import Any, Final

from .problems import ProblemCode, ValueProblem


class Missing:
    """The type of MISSING: the record does not have this path at all (a null is None, not MISSING)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()

_SHOWN_LENGTH = 80
_MOST_BITS = 1000  # Python refuses to write out very long integers
_SECRET_WORDS = re.compile(r"(?i)passw|secret|token|api_?key|authori[sz]ation|credential|private_?key")
_TYPE_NAMES = {
    "NoneType": "nothing",
    "bool": "true/false",
    "int": "a whole number",
    "float": "a number",
    "Decimal": "a number",
    "str": "text",
    "dict": "an object",
    "list": "a list",
    "tuple": "a list",
    "date": "a date",
    "datetime": "a date with time",
}


def is_empty(value: Any) -> bool:
    """Nothing, blank text, an empty list or object. Zero and False are values."""
    if value is None or value is MISSING:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    return isinstance(value, (list, tuple, dict)) and not value


def storable(value: Any) -> Any:
    """The value without what a database or JSON refuses: NUL characters go, lone surrogates become `?`.

    NaN and infinities are a ValueProblem: there is no honest replacement.
    """
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    if (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, Decimal) and not value.is_finite()
    ):
        raise ValueProblem(ProblemCode.NOT_A_NUMBER, "a finite number", "Correct the number in the source system.")
    return value


def _storable_text(value: str) -> str:
    if "\x00" in value:
        value = value.replace("\x00", "")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode()
    return value


def is_secret(name: str) -> bool:
    """Whether a field of this name may hold a secret, so that its value is shown to nobody."""
    return bool(_SECRET_WORDS.search(name))


def type_name(value: Any) -> str:
    return _TYPE_NAMES.get(type(value).__name__, type(value).__name__)


def shown(value: Any, source: str = "") -> str:
    """The value for a person and a log: short, on one line, containers by size only, secrets hidden."""
    if value is MISSING:
        return "nothing (the path is missing)"
    if value is None:
        return "nothing (null)"
    if is_secret(source):
        return f"{type_name(value)} (hidden)"
    if isinstance(value, dict):
        return f"an object with {len(value)} keys"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return f'"{_shortened(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"a whole number of {value.bit_length()} bits"
    return _shortened(str(value))


def _shortened(text: str) -> str:
    # Cut before cleaning: the text may be megabytes long.
    cut = text[: _SHOWN_LENGTH + 1]
    # Not only control signs: a direction override would let a value rewrite the sentence around it.
    clean = "".join(sign if sign.isprintable() else "?" for sign in cut)
    return clean if len(clean) <= _SHOWN_LENGTH else clean[: _SHOWN_LENGTH - 1] + "…"


def as_text(value: Any) -> str:
    """Text of a scalar as it goes into keys, templates and bodies: true/false, plain decimals, ISO dates."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > 60:
            raise ValueProblem(ProblemCode.NOT_A_NUMBER, "a finite number of usual size", "Correct it at the source.")
        return format(value, "f")
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).replace("+00:00", "Z")
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueProblem(ProblemCode.OUT_OF_RANGE, "a number of usual size", "Correct it at the source.")
    if isinstance(value, (int, float)):
        return str(value)
    raise ValueProblem(
        ProblemCode.WRONG_SHAPE,
        "text, a number, true/false or a date",
        "Point the path at one value inside it, or join a list first.",
    )
