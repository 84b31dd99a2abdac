import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_schema_head"),
        ("canonical", "0005_billed_as_of"),
    ]

    operations = [
        migrations.AlterField(
            model_name="billing",
            name="customer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
            ),
        ),
        migrations.AlterField(
            model_name="billing",
            name="expense",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="billings",
                to="canonical.expense",
            ),
        ),
        migrations.AlterField(
            model_name="billing",
            name="milestone",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="billings",
                to="canonical.milestone",
            ),
        ),
        migrations.AlterField(
            model_name="billing",
            name="time_entry",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="billings",
                to="canonical.timeentry",
            ),
        ),
        migrations.AlterField(
            model_name="writeoff",
            name="customer",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
            ),
        ),
    ]
