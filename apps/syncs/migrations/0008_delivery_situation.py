"""What is open at a connection is asked in each round of deliveries: each question ends at the first row of this index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_config_stamp"),
        ("connectors", "0003_config_stamp"),
        ("syncs", "0007_sightings"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status__in", ["done", "cancelled", "held"]), _negated=True),
                fields=["connection", "status", "operation", "entity", "not_before"],
                name="delivery_situation",
            ),
        ),
    ]
