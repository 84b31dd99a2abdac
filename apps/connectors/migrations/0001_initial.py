import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import apps.connectors.models
import apps.core.secrets


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="VendorApp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("connector", models.CharField(max_length=60, unique=True)),
                ("config", models.JSONField(blank=True, default=dict)),
                ("credentials", apps.core.secrets.EncryptedJSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "verbose_name": "vendor application",
                "ordering": ["connector"],
            },
        ),
        migrations.CreateModel(
            name="BudgetWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_key", models.CharField(max_length=200)),
                ("name", models.CharField(max_length=60)),
                ("starts_at", models.DateTimeField()),
                ("per_seconds", models.PositiveIntegerField()),
                ("limit", models.PositiveIntegerField()),
                ("used", models.PositiveIntegerField(default=0)),
                ("blocked_until", models.DateTimeField(blank=True, null=True)),
                ("in_flight", models.PositiveIntegerField(default=0)),
                ("in_flight_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["account_key", "name"],
                "constraints": [models.UniqueConstraint(fields=("account_key", "name"), name="one_budget_window")],
            },
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("connector", models.CharField(max_length=60)),
                ("name", models.CharField(max_length=120)),
                ("roles", models.JSONField(blank=True, default=list)),
                ("config", models.JSONField(blank=True, default=dict)),
                ("credentials", apps.core.secrets.EncryptedJSONField(blank=True, default=dict)),
                ("credential_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "consent_renewed_at",
                    models.DateTimeField(
                        blank=True, editable=False, help_text="When the refresh token was got or last used.", null=True
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("ok", "Working"),
                            ("failing", "Failing"),
                            ("needs_reauthorisation", "Needs new consent or key"),
                            ("paused", "Paused"),
                        ],
                        default="new",
                        max_length=30,
                    ),
                ),
                ("status_reason", models.TextField(blank=True, default="")),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("latest_success_at", models.DateTimeField(blank=True, null=True)),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("account_name", models.CharField(blank=True, default="", max_length=200)),
                ("account_id", models.CharField(blank=True, default="", max_length=200)),
                (
                    "webhook_key",
                    models.CharField(
                        default=apps.connectors.models.new_webhook_key, editable=False, max_length=64, unique=True
                    ),
                ),
                ("subscriptions", apps.core.secrets.EncryptedJSONField(blank=True, default=dict, editable=False)),
                ("api_notice", models.JSONField(blank=True, default=dict, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="connections", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "ordering": ["customer", "name", "pk"],
                "indexes": [models.Index(fields=["connector", "account_id"], name="connection_by_account")],
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "name"), name="one_connection_name_a_customer")
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalConnection",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("connector", models.CharField(max_length=60)),
                ("name", models.CharField(max_length=120)),
                ("roles", models.JSONField(blank=True, default=list)),
                ("config", models.JSONField(blank=True, default=dict)),
                ("credential_version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("ok", "Working"),
                            ("failing", "Failing"),
                            ("needs_reauthorisation", "Needs new consent or key"),
                            ("paused", "Paused"),
                        ],
                        default="new",
                        max_length=30,
                    ),
                ),
                ("status_reason", models.TextField(blank=True, default="")),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("account_name", models.CharField(blank=True, default="", max_length=200)),
                ("account_id", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField(blank=True, editable=False)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical connection",
                "verbose_name_plural": "historical connections",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalVendorApp",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("connector", models.CharField(db_index=True, max_length=60)),
                ("config", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(blank=True, editable=False)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical vendor application",
                "verbose_name_plural": "historical vendor applications",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="OAuthState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=64, unique=True)),
                ("verifier", apps.core.secrets.EncryptedJSONField(default=str)),
                ("redirect_uri", models.URLField(max_length=500)),
                ("return_path", models.CharField(blank=True, default="", max_length=300)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="oauth_states",
                        to="connectors.connection",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
    ]
