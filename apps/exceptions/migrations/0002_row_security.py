from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("exceptions", "0001_initial")]
    operations = [
        EnableCustomerRowSecurity("exceptions_exceptioncase"),
        EnableCustomerRowSecurity("exceptions_historicalexceptioncase"),
    ]
