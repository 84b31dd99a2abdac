from django.db import migrations

from apps.core.tenancy.heads import CREATE_TRIGGER


class Migration(migrations.Migration):
    """Every schema tells which migrations it has, by its own table of them."""

    dependencies = [("accounts", "0002_config_stamp"), ("core", "0006_schema_head")]
    operations = [
        migrations.RunSQL(
            CREATE_TRIGGER.format(table="django_migrations"),
            "drop trigger schema_head on django_migrations",
        ),
    ]
