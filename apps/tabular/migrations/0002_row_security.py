from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity

TABLES = (
    "tabular_datafile",
    "tabular_filepart",
    "tabular_rowchunk",
    "tabular_layout",
    "tabular_historicallayout",
    "tabular_seenfile",
    "tabular_warehouse",
    "tabular_historicalwarehouse",
    "tabular_warehousetable",
)


class Migration(migrations.Migration):
    dependencies = [("tabular", "0001_initial")]

    operations = [EnableCustomerRowSecurity(table) for table in TABLES]
