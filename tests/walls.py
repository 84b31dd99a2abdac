"""Which of our tables belong to whom: the public schema alone, or each partner's. No statement may touch both.

Tables that exist in both (people, log-ins, content types, migrations) are found in the schema a statement is in.
"""

import re
from functools import cache

from django.apps import apps
from django.conf import settings
from django.db import models

_WORD = re.compile(r"[a-z_][a-z0-9_]*")


@cache
def public_tables() -> frozenset[str]:
    return _tables(settings.SHARED_APPS) - _tables(settings.TENANT_APPS)


@cache
def partner_tables() -> frozenset[str]:
    return _tables(settings.TENANT_APPS) - _tables(settings.SHARED_APPS)


def models_of(names: list[str]) -> list[type[models.Model]]:
    return [
        model
        for config in apps.get_app_configs()
        if config.name in names
        for model in config.get_models(include_auto_created=True)
    ]


@cache
def crossing(statement: str) -> str:
    """The tables of both kinds that one statement names, or nothing."""
    words = set(_WORD.findall(statement))
    public, partners = words & public_tables(), words & partner_tables()
    return f"{', '.join(sorted(public))} with {', '.join(sorted(partners))}" if public and partners else ""


def _tables(names: list[str]) -> frozenset[str]:
    return frozenset(model._meta.db_table for model in models_of(names))
