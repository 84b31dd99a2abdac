"""For tests of schemas that lack a migration: one is taken back as if this code had brought it only now."""

from django.db import connection

MIGRATION = "mappings.0003_config_stamp"
_TABLES = ("mappings_mapping", "mappings_valuemap", "mappings_stewardship")


def take_back(schema_name: str) -> None:
    """The schema lacks `MIGRATION`, and nothing is in its way."""
    clear_the_way(schema_name)
    get_stuck(schema_name)


def get_stuck(schema_name: str) -> None:
    """The schema lacks `MIGRATION`, which fails: what it makes is there already."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"delete from {schema_name}.django_migrations where app = 'mappings' and name = '0003_config_stamp'"
        )


def clear_the_way(schema_name: str) -> None:
    with connection.cursor() as cursor:
        for table in _TABLES:
            for trigger in ("config_rows", "config_values"):
                cursor.execute(f"drop trigger {trigger} on {schema_name}.{table}")


def is_migrated(schema_name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_trigger where tgrelid = %s::regclass and tgname = 'config_rows'",
            [f"{schema_name}.{_TABLES[-1]}"],
        )
        has_trigger = cursor.fetchone()[0] == 1
        cursor.execute(
            f"select count(*) from {schema_name}.django_migrations where app || '.' || name = %s", [MIGRATION]
        )
        return bool(has_trigger and cursor.fetchone()[0] == 1)
