from django.db import migrations

# For triggers of partners' tables: what is final stays as it is, whoever writes.
_FUNCTION = """
create function public.core_row_is_final() returns trigger language plpgsql as $$
begin
    raise exception '% % is % already, which is final', tg_table_name, old.id, old.status using errcode = 'check_violation';
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0003_config_stamp")]
    operations = [migrations.RunSQL(_FUNCTION, "drop function public.core_row_is_final()")]
