"""Claims name the session behind them, so that those of a dead worker end without waiting for their leases."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0004_final_rows")]

    operations = [
        migrations.AddField(
            model_name="duework",
            name="holder",
            field=models.IntegerField(
                blank=True,
                help_text="The advisory lock of the session that claimed it: gone with its worker.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="duework",
            index=models.Index(
                condition=models.Q(("lease_until__isnull", False)), fields=["holder"], name="due_work_held"
            ),
        ),
    ]
