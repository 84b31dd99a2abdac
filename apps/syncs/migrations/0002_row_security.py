from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("syncs", "0001_initial")]
    operations = [
        EnableCustomerRowSecurity("syncs_delivery"),
        EnableCustomerRowSecurity("syncs_deliveryattempt"),
        EnableCustomerRowSecurity("syncs_historicalsync"),
        EnableCustomerRowSecurity("syncs_inboxevent"),
        EnableCustomerRowSecurity("syncs_sourcerecord"),
        EnableCustomerRowSecurity("syncs_sync"),
        EnableCustomerRowSecurity("syncs_syncrun"),
    ]
