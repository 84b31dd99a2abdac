from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("notices", "0005_alerts")]
    operations = [
        EnableCustomerRowSecurity("notices_alertrule", fleet=True),
        EnableCustomerRowSecurity("notices_historicalalertrule", fleet=True),
        EnableCustomerRowSecurity("notices_maintenancewindow"),
        EnableCustomerRowSecurity("notices_historicalmaintenancewindow"),
    ]
