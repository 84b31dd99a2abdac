import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.canonical.models.base
from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_config_stamp"),
        ("canonical", "0003_fewer_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WriteOff",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hours", models.DecimalField(decimal_places=4, default=0, max_digits=10)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4,
                        default=0,
                        help_text="What it would have come to; nothing where no rate was known.",
                        max_digits=20,
                    ),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("reason", models.TextField()),
                ("made_at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undone_reason", models.TextField(blank=True, default="")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "expense",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="write_offs",
                        to="canonical.expense",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "time_entry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="write_offs",
                        to="canonical.timeentry",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("time_entry",),
                        name="time_written_off_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("expense",),
                        name="expense_written_off_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("expense__isnull", True), ("time_entry__isnull", False)),
                            models.Q(("expense__isnull", False), ("time_entry__isnull", True)),
                            _connector="OR",
                        ),
                        name="write_off_names_one_thing",
                    ),
                ],
            },
        ),
        EnableCustomerRowSecurity("canonical_writeoff"),
    ]
