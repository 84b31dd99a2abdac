"""Transforms over addresses and HTML."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from ..problems import ProblemCode, ValueProblem
from .registry import Build, Convert, Params, transform
from .text import plain

_BLANKS = re.compile(r"\s+")
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "tr",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "pre",
        "hr",
        "section",
        "article",
    ]
)
_HIDDEN = frozenset({"script", "style", "head", "template"})
_LONGEST = 200_000  # the parser's time grows faster than its input on hostile text


class UrlParams(Params):
    keep_www: bool = Field(False, description="keep a leading www.")


@transform(gives="text", params=UrlParams)
def domain_from_url(params: UrlParams, build: Build) -> Convert:
    """The host of a web address in small letters, for matching companies. Works without https:// too.

    In: text. Out: text; nothing when there is no host in it. Errors: not_text.
    """

    def convert(value: Any) -> str | None:
        text = plain(value).strip()
        try:
            host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        except ValueError:
            return None
        host = host.rstrip(".")
        if not params.keep_www:
            host = host.removeprefix("www.")
        return host if "." in host and not any(sign.isspace() for sign in host) else None

    return convert


@transform(gives="text")
def domain_from_email(params: Params, build: Build) -> Convert:
    """What stands after the @ of a mail address, in small letters.

    In: text. Out: text; nothing when it is no mail address. Errors: not_text.
    """

    def convert(value: Any) -> str | None:
        name, at, host = plain(value).strip().rstrip(">").rpartition("@")
        host = host.strip().lower().rstrip(".")
        return host if at and name and "." in host and " " not in host else None

    return convert


@transform(gives="text")
def html_to_text(params: Params, build: Build) -> Convert:
    """HTML as plain text: paragraphs become lines, scripts and styles vanish, entities are read.

    In: text of at most 200,000 characters. Out: text. Errors: not_text, out_of_range when longer.
    """

    def convert(value: Any) -> str:
        html = plain(value)
        if len(html) > _LONGEST:
            raise ValueProblem(
                ProblemCode.OUT_OF_RANGE, f"HTML of at most {_LONGEST:,} characters", "Shorten it, or map it as it is."
            )
        reader = _TextReader()
        reader.feed(html)
        reader.close()
        return reader.text()

    return convert


class _TextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BLOCKS:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        if tag in _BLOCKS:
            self._parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(_BLANKS.sub(" ", data))

    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._parts).split("\n"))
        return "\n".join(line for line in lines if line)
