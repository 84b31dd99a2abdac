from django.db import migrations, models

# One write of the stamp a transaction, however many rows it changed.
_FUNCTION = """
create function public.core_config_changed() returns trigger language plpgsql as $$
declare
    stamped text := tg_table_schema || ' ' || pg_current_xact_id()::text;
begin
    if current_setting('app.config_stamped', true) is distinct from stamped then
        insert into public.core_configstamp (schema_name, version)
        values (tg_table_schema, nextval('public.core_configstamp_version'))
        on conflict (schema_name) do update set version = excluded.version;
        perform set_config('app.config_stamped', stamped, true);
    end if;
    return null;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_cache_table")]
    operations = [
        migrations.CreateModel(
            name="ConfigStamp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("schema_name", models.CharField(max_length=63, unique=True)),
                ("version", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(
            ["create sequence public.core_configstamp_version", _FUNCTION],
            ["drop function public.core_config_changed()", "drop sequence public.core_configstamp_version"],
        ),
    ]
