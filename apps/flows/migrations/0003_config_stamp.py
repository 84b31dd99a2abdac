from django.db import migrations

from apps.core.tenancy.migrations import StampConfiguration


class Migration(migrations.Migration):
    dependencies = [("flows", "0002_row_security"), ("core", "0003_config_stamp")]
    operations = [
        StampConfiguration("flows_flow", ["customer_id", "blueprint", "is_enabled", "settings", "starts_at"]),
    ]
