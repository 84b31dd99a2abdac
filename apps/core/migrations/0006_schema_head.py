from django.db import migrations, models

_NOTE = """
create function public.core_note_head(of_schema text) returns void language plpgsql as $$
declare
    found text;
begin
    execute format(
        'select encode(sha256(convert_to(coalesce(string_agg(name, '' '' order by name), ''''), ''UTF8'')), ''hex'')'
        '  from (select distinct (app || ''.'' || name) collate "C" as name from %I.django_migrations) names', of_schema
    ) into found;
    insert into public.core_schemahead (schema_name, fingerprint) values (of_schema, found)
    on conflict (schema_name) do update set fingerprint = excluded.fingerprint
     where core_schemahead.fingerprint is distinct from excluded.fingerprint;
end $$
"""
_TRIGGER = """
create function public.core_migrations_changed() returns trigger language plpgsql as $$
begin
    perform public.core_note_head(tg_table_schema);
    return null;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0005_due_work_holder")]
    operations = [
        migrations.CreateModel(
            name="SchemaHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("schema_name", models.CharField(max_length=63, unique=True)),
                ("fingerprint", models.CharField(help_text="Of the names of all migrations applied.", max_length=64)),
                (
                    "settled",
                    models.CharField(
                        db_default="",
                        default="",
                        help_text="The fingerprint after which nothing was left to be done.",
                        max_length=64,
                    ),
                ),
                (
                    "error",
                    models.TextField(
                        blank=True, db_default="", default="", help_text="Why the latest migration failed."
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            [_NOTE, _TRIGGER],
            ["drop function public.core_migrations_changed()", "drop function public.core_note_head(text)"],
        ),
    ]
