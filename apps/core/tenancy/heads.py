"""Which schemas are at the head of this code's migrations, without a look into each of them (docs/adr/0018).

A trigger on the migrations table of each schema keeps a fingerprint of what is applied there in `public.core_schemahead`. What a
fingerprint means to this code is found out once a process, from one schema that has it; then the answer is a look-up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import quote_schema_name

from apps.core.statements import schemaless
from apps.core.tenancy.plan import Known, missing

TRIGGER_FROM = "accounts.0003_schema_head"
CREATE_TRIGGER = (
    "create trigger schema_head after insert or update or delete or truncate on {table}"
    " for each statement execute function public.core_migrations_changed()"
)
_missing_under: dict[str, tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class Head:
    """`is_settled`: what Django does after the migrations is done too."""

    schema_name: str
    fingerprint: str
    is_settled: bool
    error: str

    @property
    def is_reached(self) -> bool:
        return self.is_settled and is_at_head(self.schema_name, self.fingerprint)


@cache
def known() -> tuple[Known, ...]:
    """This code's migrations, each after those it depends on."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    order = dict.fromkeys(key for leaf in sorted(loader.graph.leaf_nodes()) for key in loader.graph.forwards_plan(leaf))
    return tuple(
        Known(".".join(key), tuple(".".join(one) for one in loader.disk_migrations[key].replaces)) for key in order
    )


def is_at_head(schema_name: str, fingerprint: str | None) -> bool:
    """Whether a schema with this fingerprint has every migration of this code; more than those do no harm. None: it has none."""
    if not fingerprint:
        return False
    if fingerprint not in _missing_under:
        # Fingerprint and names in one statement: what is learnt of the one holds for the other.
        now, applied = _look(schema_name)
        _missing_under[now] = missing(applied, known())
        fingerprint = now
    return not _missing_under[fingerprint]


def missing_in(schema_name: str) -> tuple[str, ...]:
    """What a schema lacks by its own table, first things first; all of it where there is no such table."""
    return missing(_look(schema_name)[1], known())


def heads(*only: str) -> Mapping[str, Head]:
    """Every schema of which something is known, or these. One query, and one more for each fingerprint not met before. Empty before
    the public schema has its tables."""
    if not are_noted():
        return {}
    with schemaless() as cursor:
        cursor.execute(
            "select schema_name, fingerprint, settled = fingerprint, error from public.core_schemahead"
            " where not %s or schema_name = any(%s::text[])",
            [bool(only), list(only)],
        )
        return {row[0]: Head(*row) for row in cursor.fetchall()}


def are_noted() -> bool:
    with schemaless() as cursor:
        cursor.execute("select to_regclass('public.core_schemahead') is not null")
        return bool(cursor.fetchone()[0])


def note(schema_name: str) -> None:
    """Put the fingerprint right, as the trigger would; a schema without migrations has none."""
    with schemaless() as cursor:
        if _has(schema_name):
            cursor.execute("select public.core_note_head(%s)", [schema_name])
        else:
            cursor.execute("delete from public.core_schemahead where schema_name = %s", [schema_name])


def hang(schema_name: str) -> bool:
    """Put the trigger back where a schema lost it, as one that was restored piece by piece may. False: it is there."""
    if TRIGGER_FROM in missing_in(schema_name):
        return False
    with schemaless() as cursor:
        table = _table(schema_name)
        cursor.execute(
            "select exists (select 1 from pg_trigger where tgrelid = %s::regclass and tgname = 'schema_head' and tgenabled <> 'D')",
            [table],
        )
        if cursor.fetchone()[0]:
            return False
        cursor.execute(f"drop trigger if exists schema_head on {table}")
        cursor.execute(CREATE_TRIGGER.format(table=table))
    return True


def settle(schema_name: str) -> None:
    """All that belongs to the present fingerprint is done, and nothing is wrong any more."""
    with schemaless() as cursor:
        cursor.execute(
            "update public.core_schemahead set settled = fingerprint, error = '' where schema_name = %s", [schema_name]
        )


def note_error(schema_name: str, error: str) -> None:
    """Keep for the console why a schema stays where it is."""
    with schemaless() as cursor:
        cursor.execute(
            """insert into public.core_schemahead (schema_name, fingerprint, settled, error) values (%s, '', '', %s)
               on conflict (schema_name) do update set error = excluded.error""",
            [schema_name, error[:2000]],
        )


def _look(schema_name: str) -> tuple[str, list[str]]:
    table = _table(schema_name)
    if not _has(schema_name):
        return "", []
    with schemaless() as cursor:
        cursor.execute(
            f"""select coalesce((select fingerprint from public.core_schemahead where schema_name = %s), ''),
                       array(select app || '.' || name from {table})""",
            [schema_name],
        )
        (fingerprint, applied) = cursor.fetchone()
    return fingerprint, applied


def _table(schema_name: str) -> str:
    return f"{quote_schema_name(schema_name)}.django_migrations"


def _has(schema_name: str) -> bool:
    with schemaless() as cursor:
        cursor.execute("select to_regclass(%s) is not null", [_table(schema_name)])
        return bool(cursor.fetchone()[0])
