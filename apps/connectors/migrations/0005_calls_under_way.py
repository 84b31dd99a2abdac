from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connectors", "0004_closed_periods")]

    operations = [
        migrations.RemoveField(model_name="budgetwindow", name="in_flight"),
        migrations.RemoveField(model_name="budgetwindow", name="in_flight_at"),
        migrations.AddField(
            model_name="budgetwindow", name="under_way", field=models.JSONField(blank=True, default=list)
        ),
    ]
