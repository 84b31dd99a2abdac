from django.db import migrations

from apps.core.tenancy.migrations import StampConfiguration


class Migration(migrations.Migration):
    dependencies = [("syncs", "0003_said_to_be_gone"), ("core", "0003_config_stamp")]
    operations = [
        StampConfiguration(
            "syncs_sync", ["connection_id", "object_name", "is_enabled", "({row}.latest_success_at is null)"]
        ),
    ]
