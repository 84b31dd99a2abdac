"""Takes secrets out of what is stored and shown: by field name, and by the secret values themselves."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

HIDDEN = "•••"
_NAME = (
    r"authorization|cookie|token|secret|passw|pwd|api[-_]?key|access[-_]?key|private[-_]?key|signature|session"
    r"|credential|code_verifier|assertion"
)
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_JSON_FIELD = re.compile(rf'("[^"]{{0,60}}(?:{_NAME})[^"]{{0,60}}"\s*:\s*)("(?:[^"\\]|\\.)*"?|[-\d.]+)', re.IGNORECASE)
_FORM_FIELD = re.compile(rf"((?:^|&)[^=&\s]{{0,60}}(?:{_NAME})[^=&\s]{{0,60}}=)([^&\s]*)", re.IGNORECASE)
# Shorter values would blank out ordinary words.
_SHORTEST_SECRET = 6


def is_secret_name(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def redact_headers(headers: Mapping[str, str], secrets: Sequence[str] = ()) -> dict[str, str]:
    return {
        name: HIDDEN if is_secret_name(name) else _without_values(value, secrets) for name, value in headers.items()
    }


def redact_url(url: str, secrets: Sequence[str] = ()) -> str:
    """The URL without user, password and secret parameters."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = parts.query
    if query:
        pairs = parse_qsl(query, keep_blank_values=True)
        if any(is_secret_name(name) for name, _ in pairs):
            query = urlencode([(name, HIDDEN if is_secret_name(name) else value) for name, value in pairs], safe=HIDDEN)
    return _without_values(urlunsplit((parts.scheme, host, parts.path, query, "")), secrets)


def redact_text(text: str, secrets: Sequence[str] = ()) -> str:
    """A JSON or form body as text, possibly cut off in the middle."""
    text = _JSON_FIELD.sub(rf'\1"{HIDDEN}"', text)
    if "=" in text and not text.lstrip().startswith(("{", "[", "<")):
        text = _FORM_FIELD.sub(rf"\1{HIDDEN}", text)
    return _without_values(text, secrets)


def excerpt(body: bytes | None, secrets: Sequence[str] = (), *, limit: int = 8_000) -> str:
    """The beginning of a body as redacted text."""
    if not body:
        return ""
    # Cut after redacting: a secret that straddles the cut would leave its first half readable.
    text = redact_text(body[: limit + 2_000].decode("utf-8", errors="replace"), secrets)
    if len(body) <= limit and len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(body)} bytes in all)"


def _without_values(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
            quoted = quote(secret, safe="")
            if quoted != secret:
                text = text.replace(quoted, HIDDEN)
    return text
