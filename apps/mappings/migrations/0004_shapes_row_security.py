from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity


class Migration(migrations.Migration):
    dependencies = [("mappings", "0003_drafts_and_shapes")]
    operations = [
        EnableCustomerRowSecurity("mappings_historicalobjectshape"),
        EnableCustomerRowSecurity("mappings_objectshape"),
        EnableCustomerRowSecurity("mappings_shapechange"),
    ]
