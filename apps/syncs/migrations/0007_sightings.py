import django.db.models.deletion
from django.db import migrations, models

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_config_stamp"),
        ("syncs", "0006_fewer_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Sighting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seen_at", models.DateTimeField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "delivery",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sighting", to="syncs.delivery"
                    ),
                ),
            ],
        ),
        EnableCustomerRowSecurity("syncs_sighting"),
    ]
