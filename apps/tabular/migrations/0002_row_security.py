from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("tabular", "0001_initial")]
    operations = [
        EnableCustomerRowSecurity("tabular_datafile"),
        EnableCustomerRowSecurity("tabular_filepart"),
        EnableCustomerRowSecurity("tabular_historicallayout"),
        EnableCustomerRowSecurity("tabular_historicalwarehouse"),
        EnableCustomerRowSecurity("tabular_layout"),
        EnableCustomerRowSecurity("tabular_rowchunk"),
        EnableCustomerRowSecurity("tabular_seenfile"),
        EnableCustomerRowSecurity("tabular_warehouse"),
        EnableCustomerRowSecurity("tabular_warehousetable"),
    ]
