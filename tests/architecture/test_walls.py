"""A partner's schema can be moved to another server (docs/adr/0021): nothing ties its tables to those of the public schema.

Statements that tests run through Django are looked at in every test (tests/conftest.py); here the rest.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.walls import crossing, models_of, partner_tables, public_tables

ROOT = Path(__file__).resolve().parents[2]

# What the partner's tables call in public: functions that every server has, made by the migrations of its public schema.
TRIGGERS = {
    "core_config_changed": "a partner's configuration gets a new stamp, in public.core_configstamp of the same server",
    "core_migrations_changed": "the schema's head, in public.core_schemahead of the same server",
    "core_row_is_final": "looks at the row alone",
    "core_wake_at_commit": "a piece of work, in public.core_duework of the same server",
}


def rows(query: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


class TestDatabase:
    def test_no_foreign_key_leaves_its_schema(self, db: None) -> None:
        found = rows(
            """select conname, conrelid::regclass::text, confrelid::regclass::text from pg_constraint c
                 join pg_class own on own.oid = conrelid join pg_class other on other.oid = confrelid
                where contype = 'f' and own.relnamespace <> other.relnamespace"""
        )

        assert found == []

    def test_no_default_sequence_or_view_leaves_its_schema(self, db: None) -> None:
        """Whatever depends on a thing of another schema: a default on its sequence, a view on its table, a column on its type."""
        found = rows(
            """select distinct own.relname, other.relname from pg_depend d
                 left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
                 left join pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
                 join pg_class own on own.oid = coalesce(w.ev_class, a.adrelid, d.objid)
                 join pg_class other on d.refclassid = 'pg_class'::regclass and other.oid = d.refobjid
                 join pg_namespace n on n.oid = own.relnamespace
                 join pg_namespace m on m.oid = other.relnamespace
                where own.relnamespace <> other.relnamespace and n.nspname in ('acme', 'public')
                  and m.nspname in ('acme', 'public')"""
        )

        assert found == []

    def test_the_functions_of_public_that_a_partners_triggers_call_are_known(self, db: None) -> None:
        found = rows(
            """select distinct p.proname from pg_trigger t join pg_class c on c.oid = t.tgrelid
                 join pg_namespace n on n.oid = c.relnamespace join pg_proc p on p.oid = t.tgfoid
                where not tgisinternal and n.nspname = 'acme' and p.pronamespace <> n.oid"""
        )

        assert {name for (name,) in found} == set(TRIGGERS)


class TestCode:
    def test_no_model_of_a_partner_points_to_one_of_the_public_schema_or_back(self) -> None:
        wrong = [
            f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
            for model in {*models_of(settings.SHARED_APPS), *models_of(settings.TENANT_APPS)}
            for field in model._meta.get_fields()
            if field.is_relation and field.concrete and not isinstance(field.related_model, str | None)
            for tables in [{model._meta.db_table, field.related_model._meta.db_table}]
            if tables & public_tables() and tables & partner_tables()
        ]

        assert wrong == []

    def test_no_statement_written_by_hand_names_both(self) -> None:
        wrong = [
            f"{path.relative_to(ROOT)}: {found}"
            for path in sorted((ROOT / "apps").rglob("*.py"))
            if "migrations" not in path.parts
            for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
            if (found := crossing(text))
        ]

        assert wrong == []

    @pytest.mark.parametrize(
        "statement",
        [
            "select * from syncs_delivery join public.core_duework on true",
            'select 1 from "flows_flow" where exists (select 1 from "partners_partner")',
        ],
    )
    def test_one_that_does_is_seen(self, statement: str) -> None:
        assert crossing(statement)

    def test_tables_that_both_have_are_no_crossing(self) -> None:
        assert not crossing("select * from accounts_user join syncs_delivery on true")
        assert not crossing("select * from partners_partner join django_migrations on true")


def _texts(tree: ast.AST) -> Iterator[str]:
    """Texts of a module, those put together from pieces as a whole; but not its explanations."""
    explanations = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield " ".join(part.value for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explanations:
            yield node.value
