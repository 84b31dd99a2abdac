from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("flows", "0001_initial")]
    operations = [
        EnableCustomerRowSecurity("flows_flow"),
        EnableCustomerRowSecurity("flows_flowitem"),
        EnableCustomerRowSecurity("flows_historicalflow"),
    ]
