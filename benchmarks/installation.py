"""The benchmarks' own partner: a schema nobody else uses, emptied before each first read. Needs Django set up."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection as database
from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.accounts.services import create_customer
from apps.connectors.models import Connection
from apps.connectors.services import create_connection, test_connection
from apps.core.tenancy.context import partner_context
from apps.flows.models import Flow
from apps.flows.services import install_blueprint
from apps.partners.models import Partner
from apps.partners.services import create_partner, ensure_public_partner
from apps.syncs.models import Sync
from apps.syncs.services import add_syncs

SCHEMA = "throughline_benchmarks"
HOST = f"benchmarks.{settings.BASE_DOMAIN}"
NEIGHBOUR = "throughline_benchmarks_neighbour"
"""Another partner of the same installation."""
_REASON = "benchmark"
_RECORDS = ("canonical_", "syncs_", "exceptions_")
_ENOUGH_ROWS = 500
_EMPTIED = (*_RECORDS, "flows_", "mappings_", "tabular_", "connectors_", "accounts_customer")


@dataclass(frozen=True, slots=True)
class Hooks:
    """Where the webhooks of the won deals go."""

    path: str
    connection_id: int


def prepare() -> None:
    """Migrate, and make the partner if it is not there yet."""
    call_command("migrate_partners", stdout=StringIO())
    ensure_public_partner()
    _ensure(SCHEMA, "Benchmarks", HOST)


def prepare_neighbour() -> None:
    """A second partner, with nothing in it."""
    _ensure(NEIGHBOUR, "Neighbour", f"neighbour.{settings.BASE_DOMAIN}")
    empty(NEIGHBOUR)


def _ensure(schema_name: str, name: str, domain: str) -> None:
    if not Partner.objects.filter(schema_name=schema_name).exists():
        create_partner(name=name, schema_name=schema_name, domain=domain)


def empty(schema_name: str = SCHEMA) -> None:
    """Forget all records and connections of a partner of the benchmarks; nobody else's."""
    _empty(schema_name, _EMPTIED)


def empty_records() -> None:
    """Forget what was read, but neither the connections nor the files."""
    _empty(SCHEMA, _RECORDS)


def _empty(schema_name: str, beginnings: tuple[str, ...]) -> None:
    with database.cursor() as cursor:
        cursor.execute("delete from public.core_duework where schema_name = %s", [schema_name])
        cursor.execute(
            "delete from public.core_configstamp where schema_name = %s", [schema_name]
        )  # emptying moves no stamp
        # Rings an earlier run left behind are signed with its key. Losing a ring harms nobody: the worker looks by itself.
        cursor.execute("delete from public.django_q_ormq")
        cursor.execute("select tablename from pg_tables where schemaname = %s", [schema_name])
        names = [name for (name,) in cursor.fetchall() if name.startswith(beginnings)]
        tables = ", ".join(f'"{schema_name}"."{name}"' for name in names)
        cursor.execute(f"truncate {tables} cascade")


def install_pull(base_url: str) -> int:
    """A customer whose time entries are read from the vendor. Returns the sync's id; nothing was read yet."""
    sync_id = begin_back_fill(base_url, SCHEMA, "pulling")
    with database.cursor() as cursor:
        cursor.execute("delete from public.core_duework where schema_name = %s", [SCHEMA])
    return sync_id


def begin_back_fill(base_url: str, schema_name: str, slug: str) -> int:
    """A new customer's time entries, due to be read for the first time. Returns the sync's id."""
    with partner_context(schema_name):
        connection = _connect(slug, base_url, ["time"], {})
        (sync,) = add_syncs(connection, objects=["time_entries"], every_minutes=7 * 24 * 60, actor=None, reason=_REASON)
        return int(sync.pk)


def install_hooks(base_url: str, webhook_key: str) -> Hooks:
    """A customer whose won deals become projects at the vendor, told of them by webhook."""
    with partner_context(SCHEMA):
        connection = _connect("hooks", base_url, ["crm", "psa"], {"webhook_key": webhook_key})
        install_blueprint(
            connection.customer,
            blueprint=Flow.Blueprint.SALES_TO_DELIVERY,
            settings={},
            actor=None,
            reason=_REASON,
            now=datetime.now(UTC)
            - timedelta(seconds=2),  # the vendor tells whole seconds: else the first deals were too early
        )
        return Hooks(f"/hooks/{connection.webhook_key}/", connection.pk)


def install_deliveries(base_url: str) -> Connection:
    """A customer whose projects are to be made at the vendor."""
    with partner_context(SCHEMA):
        return _connect("deliveries", base_url, ["crm", "psa"], {})


def install_files() -> Connection:
    """A customer whose files are uploaded."""
    customer = create_customer(name="Bench files", slug="bench-files", currency="EUR", reason=_REASON)
    connection = create_connection(
        customer=customer,
        connector="files",
        name="Files",
        roles=["time", "expenses"],
        config={"auth_method": "upload"},
        actor=None,
        reason=_REASON,
        now=datetime.now(UTC),
    )
    Connection.objects.filter(pk=connection.pk).update(status=Connection.Status.OK)
    return connection


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes on disk a row, indexes and large values included, of each table that is full enough to tell."""

    bytes_per_row: dict[str, float]


def sizes() -> Sizes:
    """As the tables lie now, with the room that Postgres left free in them."""
    found: dict[str, float] = {}
    with database.cursor() as cursor:
        cursor.execute(
            "select tablename, pg_total_relation_size(format('%%I.%%I', schemaname, tablename)) from pg_tables where schemaname = %s",
            [SCHEMA],
        )
        for name, size in cursor.fetchall():
            cursor.execute(f'select count(*) from "{SCHEMA}"."{name}"')
            (count,) = cursor.fetchone()
            if count >= _ENOUGH_ROWS:
                found[name] = size / count
    return Sizes(found)


def backend() -> int:
    """The process of Postgres that serves us; below its parent are all others."""
    with database.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return int(cursor.fetchone()[0])


def sync_of(sync_id: int) -> Sync:
    with schema_context(SCHEMA):
        return Sync.objects.get(pk=sync_id)


def _connect(slug: str, base_url: str, roles: list[str], credentials: dict[str, Any]) -> Connection:
    now = datetime.now(UTC)
    customer: Customer = create_customer(name=f"Bench {slug}", slug=f"bench-{slug}", currency="EUR", reason=_REASON)
    connection = create_connection(
        customer=customer,
        connector="bench",
        name="Bench",
        roles=roles,
        config={"base_url": base_url},
        credentials=credentials,
        actor=None,
        reason=_REASON,
        now=now,
    )
    if test_connection(connection, now=now) is None:
        connection.refresh_from_db()
        raise RuntimeError(f"the benchmarks' vendor at {base_url} does not answer: {connection.status_reason}")
    connection.refresh_from_db()
    return connection
