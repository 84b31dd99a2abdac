from django.db import migrations, models

# Connections that exist already are looked at once by the worker, which plans the rest; without a consent to keep, the row
# is gone after that look.
_LOOK = """
    insert into public.core_duework (schema_name, kind, key, lane, due_at, attempts, version, error)
    select current_schema(), 'syncs.consent', id::text, 2, clock_timestamp(), 0, 0, '' from connectors_connection
    on conflict (schema_name, kind, key) do nothing
"""


class Migration(migrations.Migration):
    dependencies = [("connectors", "0002_row_security")]
    operations = [
        migrations.AddField(
            model_name="connection",
            name="consent_renewed_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="When the refresh token was got or last used.", null=True
            ),
        ),
        migrations.RunSQL(sql=_LOOK, reverse_sql=migrations.RunSQL.noop),
    ]
