from django.db import migrations

from apps.core.tenancy.migrations import EnableCustomerRowSecurity

# Beside the case itself, so that no way of opening or ending one can forget it. What is tried again and fails again is no news.
_FUNCTION = """
create function notices_note_case() returns trigger language plpgsql as $$
begin
    insert into notices_casenews (customer_id, case_id, event)
    values (new.customer_id, new.id, case when new.status = 'open' then 'opened' else 'ended' end);
    return null;
end $$
"""
_ENDED = "('resolved', 'ignored')"
_TRIGGERS = [
    """create trigger case_opened after insert on exceptions_exceptioncase for each row
       when (new.status = 'open') execute function notices_note_case()""",
    f"""create trigger case_changed after update of status on exceptions_exceptioncase for each row
       when (old.status <> new.status and (new.status in {_ENDED} or (new.status = 'open' and old.status in {_ENDED})))
       execute function notices_note_case()""",
    """create constraint trigger news_wakes after insert on notices_casenews deferrable initially deferred for each row
       execute function public.core_wake_at_commit('notices.news', 'customer_id')""",
]


class Migration(migrations.Migration):
    dependencies = [("notices", "0003_cases"), ("core", "0007_wake_at_commit")]
    operations = [
        EnableCustomerRowSecurity("notices_casenews"),
        migrations.RunSQL(
            [_FUNCTION, *_TRIGGERS],
            [
                "drop trigger news_wakes on notices_casenews",
                "drop trigger case_changed on exceptions_exceptioncase",
                "drop trigger case_opened on exceptions_exceptioncase",
                "drop function notices_note_case()",
            ],
        ),
    ]
