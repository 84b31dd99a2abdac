from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial")]
    operations = [EnableCustomerRowSecurity("notices_notice", fleet=True)]
