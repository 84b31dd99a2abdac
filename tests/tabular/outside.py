"""A database of its own beside the test's, as a customer's would be."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from tests.tabular.support import NOW

NAME = "outside"


@contextmanager
def outside_database() -> Iterator["psycopg.Connection[Any]"]:
    """An empty database on the test's server, and a connection to it."""
    name = sql.Identifier(f"{connection.settings_dict['NAME']}_{NAME}")
    with psycopg.connect(**_where(), dbname=connection.settings_dict["NAME"], autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        admin.execute(sql.SQL("create database {}").format(name))
        try:
            with psycopg.connect(
                **_where(), dbname=f"{connection.settings_dict['NAME']}_{NAME}", autocommit=True
            ) as opened:
                yield opened
        finally:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(name))


def database_connection(customer: Customer, connector: str, **config: Any) -> Connection:
    found = settings.DATABASES["default"]
    row = create_connection(
        customer=customer,
        connector=connector,
        name=connector.title(),
        config={
            "host": found["HOST"],
            "port": str(found["PORT"]),
            "database": f"{connection.settings_dict['NAME']}_{NAME}",
            "username": found["USER"],
            "tls": "disable",
            **config,
        },
        credentials={"password": found["PASSWORD"]},
        actor=None,
        reason="test",
        now=NOW,
    )
    Connection.objects.filter(pk=row.pk).update(status=Connection.Status.OK)
    row.refresh_from_db()
    return row


def _where() -> dict[str, Any]:
    found = settings.DATABASES["default"]
    return {"host": found["HOST"], "port": found["PORT"], "user": found["USER"], "password": found["PASSWORD"]}
