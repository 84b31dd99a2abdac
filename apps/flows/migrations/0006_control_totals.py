import django.db.models.deletion
from django.db import migrations, models

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_config_stamp"),
        ("canonical", "0004_write_offs"),
        ("flows", "0005_fewer_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ControlTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "equation",
                    models.CharField(
                        choices=[
                            ("work", "Work: approved = invoiced + to be invoiced + written off"),
                            ("documents", "Documents: delivered = in the ledger + voided + unconfirmed"),
                            ("payments", "Payments: invoiced = paid + open + settled otherwise"),
                        ],
                        max_length=10,
                    ),
                ),
                ("month", models.DateField(help_text="Its first day.")),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("balanced", "in balance"),
                            ("unconfirmed", "not yet confirmed"),
                            ("settling", "Settling"),
                            ("break", "does not add up"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "parts",
                    models.JSONField(
                        default=list, help_text='[{"name", "hours", "amount", "count"}], the left side first'
                    ),
                ),
                ("hours_difference", models.DecimalField(decimal_places=4, default=0, max_digits=14)),
                ("amount_difference", models.DecimalField(decimal_places=4, default=0, max_digits=20)),
                (
                    "explanations",
                    models.JSONField(default=list, help_text='[{"entity", "id", "why", "hours", "amount"}]'),
                ),
                (
                    "explained_count",
                    models.PositiveIntegerField(default=0, help_text="Of which the first hundred are listed."),
                ),
                (
                    "unvalued_count",
                    models.PositiveIntegerField(default=0, help_text="Pieces of work without a known rate."),
                ),
                ("unconfirmed_since", models.DateTimeField(blank=True, null=True)),
                ("state_since", models.DateTimeField()),
                (
                    "is_told",
                    models.BooleanField(default=False, help_text="A case was opened for it and is not closed yet."),
                ),
                ("computed_at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["customer", "state"], name="flows_contr_custome_4ee222_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("customer", "equation", "project", "month", "currency"),
                        name="control_total_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        EnableCustomerRowSecurity("flows_controltotal"),
    ]
