"""Secrets at rest: an encrypted JSON field whose content is bound to the partner's schema, with keys that rotate."""

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection, models

from apps.core.errors import PermanentError

_INFO = b"throughline/field-secrets/1"


class SecretError(PermanentError):
    """A stored secret cannot be read: wrong key, or text that belongs to another partner."""

    code = "secret_unreadable"


def encrypt(value: Any, *, schema: str | None = None) -> str:
    """Encrypt with the newest key, for the current partner."""
    envelope = {"t": schema or _schema(), "v": value}
    return _box().encrypt(orjson.dumps(envelope)).decode("ascii")


def decrypt(text: str, *, schema: str | None = None) -> Any:
    """The value, if the text was made with one of the keys and for the current partner."""
    try:
        envelope = orjson.loads(_box().decrypt(text.encode("ascii")))
    except (InvalidToken, ValueError):
        raise SecretError("A stored secret cannot be decrypted. Is the key it was made with still in FIELD_KEYS?")
    if envelope.get("t") != (schema or _schema()):
        raise SecretError("A stored secret belongs to another partner and is not used.")
    return envelope["v"]


def rotate(text: str) -> str:
    """The same secret under the newest key."""
    try:
        return _box().rotate(text.encode("ascii")).decode("ascii")
    except InvalidToken:
        raise SecretError("A stored secret cannot be decrypted. Is the key it was made with still in FIELD_KEYS?")


class EncryptedJSONField(models.TextField[Any, Any]):
    """A JSON value that is ciphertext in the database. Cannot be searched, is never shown, and is read as a dict."""

    description = "Encrypted JSON"
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        return None if value is None else ({} if value == "" else decrypt(value))

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        return None

    def value_to_string(self, obj: models.Model) -> str:
        """Serialised data (dumpdata, exports) carries no secret."""
        return ""

    def formfield(self, *_: Any, **__: Any) -> None:  # type: ignore[override]
        """No automatic form ever shows it; forms write through a service."""
        return None


def _schema() -> str:
    return str(getattr(connection, "schema_name", "") or "public")


def _box() -> MultiFernet:
    keys: Sequence[str] = settings.FIELD_KEYS
    return _fernets(tuple(keys))


@lru_cache(maxsize=8)
def _fernets(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise SecretError("FIELD_KEYS is empty: set at least one key, newest first.")
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_stretch(key))) for key in keys])


def _stretch(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.encode("utf-8"))
