"""For tests with several processes or threads: data that is really committed, and a way to start such a process.

Import the fixture `committed` where it is needed. It empties acme and the due work before and after.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.accounts.services import create_customer
from apps.core.work.memory import forget
from apps.partners.middleware import forget_hosts

ROOT = Path(__file__).resolve().parent.parent


def _empty() -> None:
    connection.set_schema_to_public()
    with connection.cursor() as cursor:
        cursor.execute(
            """select distinct format('%I.%I', table_schema, table_name) from information_schema.columns
                where table_schema = 'acme' and (column_name = 'customer_id' or table_name like 'accounts\\_%')
                  and table_name in (select relname from pg_class where relkind = 'r')"""
        )
        tables = [row[0] for row in cursor.fetchall()]
        forget()
        cursor.execute("delete from public.core_configstamp where schema_name = 'acme'")  # truncating moves no stamp
        shared = "acme.connectors_budgetwindow, acme.exceptions_cause, public.core_duework, public.django_q_ormq"
        cursor.execute(f"truncate {', '.join(tables)}, {shared} cascade")


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> Iterator[Customer]:
    """A customer of acme that other connections see too. The test runs inside acme's schema, without a transaction."""
    forget_hosts()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        _empty()
        try:
            with schema_context("acme"):
                yield create_customer(
                    name="Kestrel Studio", slug="kestrel", currency="EUR", time_zone="Europe/Berlin", reason="test"
                )
        finally:
            _empty()
            connection.set_schema_to_public()
            connection.close()


def environment(**extra: str) -> dict[str, str]:
    """The environment of a process that shall use the test's database and secrets."""
    found = settings.DATABASES["default"]
    address = f"postgresql://{quote(found['USER'])}:{quote(found['PASSWORD'])}@{found['HOST']}:{found['PORT']}"
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "DATABASE_URL": f"{address}/{name}",
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
        "PYTHONPATH": str(ROOT),
        **extra,
    }


def start_python(
    script: str, *arguments: str, stdin: int | None = None, start_new_session: bool = False, **extra: str
) -> subprocess.Popen[str]:
    """Run a script, with Django ready, in a process of its own."""
    code = f"import django\ndjango.setup()\n{script}"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment(**extra),
        cwd=ROOT,
        text=True,
        stdin=stdin,
        start_new_session=start_new_session,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def output_of(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out
