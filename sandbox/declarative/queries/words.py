"""Cuts a query text into words: names, texts in quotes, numbers, moments, signs."""

import re
from dataclasses import dataclass

from sandbox.declarative.conditions import QueryError

_WORD = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<moment>\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)"
    r"|(?P<guid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_@][\w.@/]*)"
    r"|(?P<sign><=|>=|!=|<>|!~|[=<>~(),*\[\]%:-]))"
)


@dataclass(frozen=True, slots=True)
class Word:
    kind: str
    text: str

    def is_(self, *wanted: str) -> bool:
        return self.kind in ("name", "sign") and self.text.lower() in wanted


class Words:
    """A query text, word by word."""

    def __init__(self, text: str) -> None:
        self.whole = text
        self._words: list[Word] = []
        self._at = 0
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _WORD.match(text, place)
            if found is None:
                raise QueryError(f"unexpected {text[place : place + 20]!r} at position {place}")
            kind = str(found.lastgroup)
            self._words.append(Word(kind, _unquoted(found.group(kind)) if kind == "text" else found.group(kind)))
            place = found.end()

    def peek(self) -> Word | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def next(self) -> Word:
        word = self.peek()
        if word is None:
            raise QueryError(f"the query ends too early: {self.whole!r}")
        self._at += 1
        return word

    def take(self, *wanted: str) -> bool:
        word = self.peek()
        if word is not None and word.is_(*wanted):
            self._at += 1
            return True
        return False

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            found = self.peek()
            raise QueryError(f"expected {wanted.upper()}, found {found.text if found else 'the end'}")

    def name(self) -> str:
        word = self.next()
        if word.kind != "name":
            raise QueryError(f"expected a name, found {word.text!r}")
        return word.text

    def number(self) -> int:
        word = self.next()
        if word.kind != "number" or not word.text.isdigit():
            raise QueryError(f"expected a number, found {word.text!r}")
        return int(word.text)

    def end(self) -> None:
        word = self.peek()
        if word is not None:
            raise QueryError(f"unexpected {word.text!r}; the practice vendor takes no more here")


def _unquoted(text: str) -> str:
    quote, inner = text[0], text[1:-1]
    if quote == "'":
        inner = inner.replace("''", "'")
    return re.sub(r"\\(.)", r"\1", inner)
