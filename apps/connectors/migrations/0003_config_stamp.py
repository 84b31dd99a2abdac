from django.db import migrations

from apps.core.tenancy.migrations import StampConfiguration


class Migration(migrations.Migration):
    dependencies = [("connectors", "0002_row_security"), ("core", "0003_config_stamp")]
    operations = [
        StampConfiguration(
            "connectors_connection",
            [
                "customer_id",
                "connector",
                "name",
                "roles",
                "config",
                "credentials",
                "credential_version",
                "status",
                "status_reason",
                "paused_until",
                "account_name",
                "account_id",
                "webhook_key",
                "subscriptions",
                "api_notice",
            ],
        ),
        StampConfiguration("connectors_vendorapp"),
    ]
