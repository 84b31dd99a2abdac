import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("flows", "0003_config_stamp")]
    operations = [
        migrations.AddField(
            model_name="flow",
            name="full_look_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When all deals were last looked at, not only the newest.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="flowitem",
            name="flow",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="flows.flow",
            ),
        ),
        migrations.AddIndex(
            model_name="flowitem",
            index=models.Index(
                condition=models.Q(("status__in", ["running", "held"])), fields=["flow"], name="flow_item_open"
            ),
        ),
    ]
