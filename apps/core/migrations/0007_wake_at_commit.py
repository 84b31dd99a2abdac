from django.db import migrations

# A trigger function for tables whose new rows mean work: wakes kind tg_argv[0] under the key in column tg_argv[1].
# For deferred constraint triggers: the row of due work is locked last and for a moment only, once a transaction and key, so that
# transactions that touch several such tables never wait for each other in a circle. It does not ring: the workers' clock looks each second.
_FUNCTION = """
create function public.core_wake_at_commit() returns trigger language plpgsql as $$
declare
    wanted text := to_jsonb(new) ->> tg_argv[1];
    woken text := concat_ws(' ', tg_table_schema, tg_argv[0], wanted, pg_current_xact_id()::text);
begin
    if current_setting('app.woken', true) is distinct from woken then
        insert into public.core_duework as due (schema_name, kind, key, lane, due_at, attempts, version, error)
        values (tg_table_schema, tg_argv[0], wanted, 0, clock_timestamp(), 0, 0, '')
        on conflict (schema_name, kind, key) do update
           set due_at = least(due.due_at, excluded.due_at), lane = least(due.lane, excluded.lane), version = due.version + 1;
        perform set_config('app.woken', woken, true);
    end if;
    return null;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0006_schema_head")]
    operations = [migrations.RunSQL([_FUNCTION], ["drop function public.core_wake_at_commit()"])]
