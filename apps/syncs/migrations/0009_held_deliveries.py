"""After each read it is asked whether something of the customer is held that what came may have made possible."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("syncs", "0008_delivery_situation")]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(condition=models.Q(("status", "held")), fields=["customer"], name="delivery_held"),
        ),
    ]
