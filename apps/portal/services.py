"""What customers change about themselves."""

from django.db import transaction

from apps.accounts.models import User


@transaction.atomic
def rename(user: User, *, name: str) -> User:
    return _save(user, {"name": name.strip()}, reason="changed own name")


@transaction.atomic
def change_password(user: User, *, password: str) -> User:
    """Set it; other sessions of the person end, since a session is bound to the password."""
    user.set_password(password)
    return _save(user, {}, reason="changed own password")


def _save(user: User, values: dict[str, str], *, reason: str) -> User:
    for name, value in values.items():
        setattr(user, name, value)
    user._change_reason = reason  # type: ignore[attr-defined]
    user.save()
    return user
