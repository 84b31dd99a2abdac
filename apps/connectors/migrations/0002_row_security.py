from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("connectors", "0001_initial")]
    operations = [
        EnableCustomerRowSecurity("connectors_connection"),
        EnableCustomerRowSecurity("connectors_historicalconnection"),
        EnableCustomerRowSecurity("connectors_oauthstate"),
    ]
