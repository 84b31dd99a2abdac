"""Transforms over text and lists of text."""

import re
from typing import Any, Literal

from pydantic import Field

from ..problems import ProblemCode, ValueProblem
from ..values import as_text, is_empty
from .registry import Build, Convert, Params, transform

_BLANKS = re.compile(r"\s+")


class TextParams(Params):
    strip: bool = Field(True, description="remove blanks at both ends")
    collapse: bool = Field(False, description="turn every run of blanks and line ends into one blank")


class TruncateParams(Params):
    length: int = Field(ge=1, description="longest allowed text, in characters")
    ellipsis: str = Field("", description="what ends a cut text, for example …; counts into the length")

    def model_post_init(self, context: Any) -> None:
        if len(self.ellipsis) >= self.length:
            raise ValueError("ellipsis must be shorter than length")


class AffixParams(Params):
    text: str = Field(description="the text to add")


class PadParams(Params):
    length: int = Field(ge=1, le=100, description="how long the text is at least")
    sign: str = Field("0", min_length=1, max_length=1, description="what is put before it")


class KeepParams(Params):
    what: Literal["digits", "letters", "letters_and_digits"] = Field(description="which signs stay")


class ReplaceParams(Params):
    find: str = Field(min_length=1, description="the exact text to find")
    with_: str = Field("", alias="with", description="what stands there instead")


class JoinParams(Params):
    separator: str = Field(", ", description="what stands between the parts")


class NamePartParams(Params):
    part: Literal["first", "last"] = Field(description="which part")


class SplitParams(Params):
    separator: str = Field(",", min_length=1, description="what stands between the parts")
    part: int | None = Field(None, description="give only this part: 0 is the first, -1 the last")


@transform(gives="text", params=TextParams)
def text(params: TextParams, build: Build) -> Convert:
    """Text without blanks at its ends; numbers, true/false and dates are written out.

    In: text, number, true/false, date. Out: text. Errors: not_text for an object or a list.
    """
    if params.collapse:
        return lambda value: _BLANKS.sub(" ", plain(value)).strip()
    if not params.strip:
        return plain

    def convert(value: Any) -> str:
        return value.strip() if value.__class__ is str else plain(value).strip()

    return convert


@transform(gives="text")
def lower(params: Params, build: Build) -> Convert:
    """Text in small letters.

    In: text. Out: text. Errors: not_text.
    """
    return lambda value: plain(value).lower()


@transform(gives="text")
def upper(params: Params, build: Build) -> Convert:
    """Text in capital letters.

    In: text. Out: text. Errors: not_text.
    """
    return lambda value: plain(value).upper()


@transform(gives="text", params=TruncateParams, main="length")
def truncate(params: TruncateParams, build: Build) -> Convert:
    """Text cut to a length, for a vendor's field limit.

    In: text. Out: text. Errors: not_text.
    """
    kept = params.length - len(params.ellipsis)

    def convert(value: Any) -> str:
        whole = plain(value)
        return whole if len(whole) <= params.length else whole[:kept].rstrip() + params.ellipsis

    return convert


@transform(gives="text", params=AffixParams, main="text")
def prefix(params: AffixParams, build: Build) -> Convert:
    """Text with something put before it.

    In: text, number. Out: text. Errors: not_text. Empty stays empty.
    """
    return lambda value: params.text + plain(value) if not is_empty(value) else None


@transform(gives="text", params=AffixParams, main="text")
def suffix(params: AffixParams, build: Build) -> Convert:
    """Text with something put after it.

    In: text, number. Out: text. Errors: not_text. Empty stays empty.
    """
    return lambda value: plain(value) + params.text if not is_empty(value) else None


@transform(gives="text", params=NamePartParams, main="part")
def name_part(params: NamePartParams, build: Build) -> Convert:
    """A person's full name cut before its last word: Mia van Lund is Mia van and Lund, Mia alone a first name.

    In: text. Out: text, nothing where there is no such part. Errors: not_text.
    """

    def convert(value: Any) -> str | None:
        first, _, last = _BLANKS.sub(" ", plain(value)).strip().rpartition(" ")
        if not first:
            first, last = last, ""
        return (first if params.part == "first" else last) or None

    return convert


@transform(gives="text", params=PadParams, main="length")
def pad(params: PadParams, build: Build) -> Convert:
    """Text brought to a length by signs before it: cost centre 42 as 0042.

    In: text, number. Out: text. Errors: not_text. Empty stays empty.
    """
    return lambda value: plain(value).strip().rjust(params.length, params.sign) if not is_empty(value) else None


@transform(gives="text", params=KeepParams, main="what")
def keep(params: KeepParams, build: Build) -> Convert:
    """Only the digits or letters of a text, for comparing tax and telephone numbers that people space as they like.

    In: text, number. Out: text. Errors: not_text.
    """
    stays = {"digits": str.isdigit, "letters": str.isalpha, "letters_and_digits": str.isalnum}[params.what]
    return lambda value: "".join(sign for sign in plain(value) if stays(sign))


@transform(gives="text", params=ReplaceParams)
def replace(params: ReplaceParams, build: Build) -> Convert:
    """Text with every occurrence of one text replaced by another; no patterns.

    In: text. Out: text. Errors: not_text.
    """
    return lambda value: plain(value).replace(params.find, params.with_)


@transform(gives="text", params=JoinParams, main="separator")
def join(params: JoinParams, build: Build) -> Convert:
    """A list written as one text; empty parts are left out.

    In: list of texts or numbers. Out: text. Errors: wrong_shape when it is no list or holds objects.
    """

    def convert(value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            raise ValueProblem(ProblemCode.WRONG_SHAPE, "a list", "Remove the join, or point the path at the list.")
        return params.separator.join(as_text(part) for part in value if not is_empty(part))

    return convert


@transform(gives="any", params=SplitParams, main="separator")
def split(params: SplitParams, build: Build) -> Convert:
    """Text cut at a separator into a list, or one part of it.

    In: text. Out: list of texts without blanks at their ends and without empty ones; with `part`, one text or nothing.
    Errors: not_text.
    """

    def convert(value: Any) -> list[str] | str | None:
        parts = [part.strip() for part in plain(value).split(params.separator)]
        if params.part is None:
            return [part for part in parts if part]
        inside = -len(parts) <= params.part < len(parts)
        return parts[params.part] if inside else None

    return convert


@transform(gives="text")
def to_string(params: Params, build: Build) -> Convert:
    """The value written out: plain digits for numbers, true/false, ISO 8601 for dates.

    In: text, number, true/false, date. Out: text. Errors: not_text for an object or a list.
    """
    return plain


def plain(value: Any) -> str:
    if value.__class__ is str:
        return str(value)
    if isinstance(value, (dict, list, tuple)):
        raise ValueProblem(
            ProblemCode.NOT_TEXT, "text", "Point the path at one value inside it, or join the list first."
        )
    return as_text(value)
