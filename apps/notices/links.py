"""Signed links of mails: for one person, one purpose, one thing, for a week. They prove which mail somebody came from; who they are is
still a matter of logging in.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.core import signing
from django.db import connection as database

from apps.core.errors import PermanentError

LIFE = timedelta(days=7)
_SALT = "notices.link"


class Purpose(StrEnum):
    RECONNECT = "reconnect"
    QUESTION = "question"


class LinkDeadError(PermanentError):
    """Too old, not ours, or another partner's: which of them is nobody's business."""

    code = "link_dead"


@dataclass(frozen=True, slots=True)
class Link:
    """`subject` is the id of the connection or case, `version` the connection's credentials as they were."""

    purpose: Purpose
    subject: int
    version: int
    user: int


def sign(link: Link) -> str:
    """The token for an address of the current partner."""
    return signing.dumps([_schema(), link.purpose, link.subject, link.version, link.user], salt=_SALT)


def read(token: str) -> Link:
    """Raises LinkDeadError."""
    try:
        schema, purpose, subject, version, user = signing.loads(token, salt=_SALT, max_age=LIFE)
        link = Link(Purpose(purpose), int(subject), int(version), int(user))
    except (signing.BadSignature, ValueError, TypeError):
        raise LinkDeadError("This link is no longer good; ask for a new one.")
    if schema != _schema():
        raise LinkDeadError("This link is no longer good; ask for a new one.")
    return link


def _schema() -> str:
    return str(database.schema_name)  # type: ignore[attr-defined]
