import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Flow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "blueprint",
                    models.CharField(
                        choices=[("sales_to_delivery", "Sales to delivery"), ("time_to_invoice", "Time to invoice")],
                        max_length=40,
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True)),
                ("settings", models.JSONField(default=dict, help_text="Keys as documented by the blueprint.")),
                ("starts_at", models.DateTimeField(help_text="Things that happened before are left alone.")),
                ("latest_success_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="flows", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("customer", "blueprint"), name="flow_once")],
            },
        ),
        migrations.CreateModel(
            name="FlowItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                ("title", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("held", "held: needs a person"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("plan", models.JSONField(default=dict, help_text="What was decided, in the words of the rules.")),
                (
                    "snapshot",
                    models.JSONField(
                        default=dict,
                        help_text="The trigger's fields when it was planned: what later changes are told against.",
                    ),
                ),
                ("problem", models.TextField(blank=True, default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "flow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="flows.flow"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["customer", "status"], name="flows_flowi_custome_f0be21_idx")],
                "constraints": [models.UniqueConstraint(fields=("flow", "entity", "record_id"), name="flow_item_once")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalFlow",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "blueprint",
                    models.CharField(
                        choices=[("sales_to_delivery", "Sales to delivery"), ("time_to_invoice", "Time to invoice")],
                        max_length=40,
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True)),
                ("settings", models.JSONField(default=dict, help_text="Keys as documented by the blueprint.")),
                ("starts_at", models.DateTimeField(help_text="Things that happened before are left alone.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
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
                "verbose_name": "historical flow",
                "verbose_name_plural": "historical flows",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
    ]
