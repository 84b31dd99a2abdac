"""Put every stored secret under the newest key of FIELD_KEYS, in every schema. Run it after adding a key in front; when
it is through, the old keys can go."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import connection, models, transaction
from django_tenants.utils import get_public_schema_name, get_tenant_model, schema_context

from apps.core.secrets import EncryptedJSONField, rotate
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.context import customer_scope

_AT_ONCE = 200


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        schemas = [get_public_schema_name(), *get_tenant_model().objects.values_list("schema_name", flat=True)]
        for schema in dict.fromkeys(schemas):
            with schema_context(schema), customer_scope(ALL):
                count = sum(_rotate(model, field) for model, field in encrypted_fields())
            self.stdout.write(f"{schema}: {count} secrets under the newest key")


def encrypted_fields() -> list[tuple[type[models.Model], models.Field[Any, Any]]]:
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedJSONField)
    ]


def _rotate(model: type[models.Model], field: models.Field[Any, Any]) -> int:
    """Works on the stored text: the values themselves are never loaded."""
    table, column, key = model._meta.db_table, field.column, model._meta.pk.column  # type: ignore[union-attr]
    if table not in connection.introspection.table_names():
        return 0
    quote = connection.ops.quote_name
    count, after = 0, 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"select {quote(key)}, {quote(column)} from {quote(table)} where {quote(key)} > %s "
                f"order by {quote(key)} limit %s for update",
                [after, _AT_ONCE],
            )
            rows = cursor.fetchall()
            if not rows:
                return count
            changed = [(rotate(text), pk) for pk, text in rows if text]
            cursor.executemany(
                f"update {quote(table)} set {quote(column)} = %s where {quote(key)} = %s",
                changed,
            )
        count, after = count + len(changed), rows[-1][0]
