from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("canonical", "0004_write_offs")]

    operations = [
        migrations.AddField(
            model_name="billing",
            name="record_updated_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="The record's latest change when it was billed, or found to need no correction.",
                null=True,
            ),
        ),
    ]
