from django.db import migrations

from apps.core.tenancy.migrations import StampConfiguration


class Migration(migrations.Migration):
    dependencies = [("mappings", "0002_row_security"), ("core", "0003_config_stamp")]
    operations = [
        StampConfiguration(
            "mappings_mapping", ["connection_id", "object_name", "entity", "direction", "spec", "version", "is_active"]
        ),
        StampConfiguration("mappings_valuemap"),
        StampConfiguration("mappings_stewardship"),
    ]
