from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("syncs", "0009_held_deliveries")]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="calls",
            field=models.PositiveIntegerField(default=0, help_text="What it cost of the vendor's budget."),
        ),
        migrations.AddField(
            model_name="syncrun",
            name="left_count",
            field=models.PositiveIntegerField(
                blank=True, help_text="Records still to be looked at, where the vendor tells.", null=True
            ),
        ),
    ]
