from django.db import migrations, models

from apps.core.tenancy.migrations import StampConfiguration


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0003_config_stamp"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="books_closed_through",
            field=models.DateField(
                blank=True,
                help_text="The last day the ledger has closed; read from the vendor where it tells.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="connection",
            name="closed_period_policy",
            field=models.CharField(
                choices=[
                    ("next_open", "Date it on the first open day"),
                    ("credit_note", "The same, and corrections are credit notes of their own"),
                    ("hold", "Hold it for finance"),
                ],
                default="next_open",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="historicalconnection",
            name="books_closed_through",
            field=models.DateField(
                blank=True,
                help_text="The last day the ledger has closed; read from the vendor where it tells.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="historicalconnection",
            name="closed_period_policy",
            field=models.CharField(
                choices=[
                    ("next_open", "Date it on the first open day"),
                    ("credit_note", "The same, and corrections are credit notes of their own"),
                    ("hold", "Hold it for finance"),
                ],
                default="next_open",
                max_length=12,
            ),
        ),
        # The stamp's triggers name the columns they watch: made again with the new ones.
        migrations.RunSQL(
            [
                "drop trigger config_rows on connectors_connection",
                "drop trigger config_values on connectors_connection",
            ],
            migrations.RunSQL.noop,
        ),
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
                "books_closed_through",
                "closed_period_policy",
            ],
        ),
    ]
