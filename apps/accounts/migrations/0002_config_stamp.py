from django.db import migrations

from apps.core.tenancy.migrations import StampConfiguration


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("core", "0003_config_stamp")]
    operations = [
        StampConfiguration("accounts_customer"),
    ]
