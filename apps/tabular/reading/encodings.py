"""Which encoding a text file has, and why we think so."""

import codecs
from collections.abc import Iterable

from charset_normalizer import from_bytes

from apps.tabular.reading.rows import FileRefusedError

CHOICES = {
    "utf-8": "UTF-8",
    "cp1252": "Windows Western (cp1252)",
    "utf-16": "UTF-16",
    "cp1250": "Windows Central European (cp1250)",
    "iso8859_15": "Latin 9 (ISO 8859-15)",
    "mac_roman": "Macintosh",
}
_GUESSED = ["cp1252", "cp1250", "mac_roman"]
_FEW = 3
_SAMPLE = 256 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "it begins with the UTF-8 mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "it begins with the UTF-16 mark"),
    (codecs.BOM_UTF16_BE, "utf-16", "it begins with the UTF-16 mark"),
)


def detect(parts: Iterable[bytes]) -> tuple[str, str, list[str]]:
    """(encoding, reason, notes). Reads everything once; keeps only a sample."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    sample = bytearray()
    broken = multibyte = 0
    for part in parts:
        if not sample:
            for mark, name, reason in _BOMS:
                if part.startswith(mark):
                    return name, reason, []
            if found := _without_mark(part[:4096]):
                return found, "every second byte is empty, as in UTF-16", []
        if len(sample) < _SAMPLE:
            sample += part[: _SAMPLE - len(sample)]
        if part.isascii():
            text = decoder.decode(part)
        else:
            text = decoder.decode(part)
            odd = sum(1 for sign in text if "\udc80" <= sign <= "\udcff")
            broken += odd
            multibyte += sum(1 for sign in text if sign > "\x7f") - odd
            if odd and len(sample) < 2 * _SAMPLE:  # make sure that what is special is in the sample
                sample += part[:_SAMPLE]
    broken += len(decoder.decode(b"", final=True))
    if not broken:
        return "utf-8", "every byte of it is valid UTF-8", []
    # Text of another encoding hardly ever holds a valid character of UTF-8 by chance, so a few of them are enough.
    if multibyte >= _FEW and 4 * multibyte >= broken:
        note = (
            f"{broken} bytes are not UTF-8 although the rest is: two encodings are mixed in this file. "
            "The rows with these bytes are set aside."
        )
        return "utf-8", f"{multibyte} characters are valid UTF-8, {broken} bytes are not", [note]
    name = _guess(bytes(sample))
    return name, f"it is not UTF-8, and reads most like {CHOICES[name]}", []


def _guess(sample: bytes) -> str:
    """Most such files are Windows Western; another is only taken when it reads differently, and better."""
    best = from_bytes(sample, cp_isolation=_GUESSED).best()
    if best is None or "cp1252" in best.could_be_from_charset or best.encoding not in CHOICES:
        return "cp1252"
    return best.encoding


def _without_mark(head: bytes) -> str:
    """UTF-16 without its mark: text in it has a zero in every second byte."""
    if len(head) < 8:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.4 * len(head) / 2 and even < odd / 10:
        return "utf-16-le"
    if even > 0.4 * len(head) / 2 and odd < even / 10:
        return "utf-16-be"
    return ""


def check(encoding: str) -> str:
    """The encoding's name if we can read it."""
    if encoding not in {*CHOICES, "utf-8-sig", "utf-16-le", "utf-16-be"}:
        raise FileRefusedError(f"The encoding {encoding!r} is not known; there are: {', '.join(CHOICES)}.")
    return encoding
