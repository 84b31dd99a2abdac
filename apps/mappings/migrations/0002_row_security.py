from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("mappings", "0001_initial")]
    operations = [
        EnableCustomerRowSecurity("mappings_historicalmapping"),
        EnableCustomerRowSecurity("mappings_historicalobjectshape"),
        EnableCustomerRowSecurity("mappings_historicalstewardship"),
        EnableCustomerRowSecurity("mappings_historicalvaluemap"),
        EnableCustomerRowSecurity("mappings_mapping"),
        EnableCustomerRowSecurity("mappings_objectshape"),
        EnableCustomerRowSecurity("mappings_shapechange"),
        EnableCustomerRowSecurity("mappings_stewardship"),
        EnableCustomerRowSecurity("mappings_valuemap"),
    ]
