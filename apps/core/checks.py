"""System checks on settings whose absence would leak data between partners."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from apps.core.tenancy.pooling import TransactionPoolingError, refuse_transaction_pooling

_TENANT_KEY = "django_tenants.cache.make_key"


@register()
def caches_are_keyed_by_partner(**_: Any) -> list[CheckMessage]:
    """The admin's search caches rows by user id and term only: without the tenant key one partner reads another's."""
    return [
        Error(
            f"cache {alias!r} has no KEY_FUNCTION {_TENANT_KEY!r}: its entries would be shared between partners",
            hint="Set KEY_FUNCTION and REVERSE_KEY_FUNCTION as in config/settings.py.",
            id="core.E001",
        )
        for alias, options in settings.CACHES.items()
        if options.get("KEY_FUNCTION") != _TENANT_KEY
    ]


@register(Tags.database)
def sessions_are_ours_alone(databases: Sequence[str] | None, **_: Any) -> list[CheckMessage]:
    """Looked at when a check names databases; workers, web and release refuse by themselves."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        try:
            refuse_transaction_pooling(alias)
        except TransactionPoolingError as error:
            found.append(Error(error.message, id="core.E002"))
    return found
