from django.db import migrations

# The condition stands in the trigger, so that an ordinary update calls no function.
_DECIDED = "status external_id idempotency_key attempts token lease_until"
_CHANGES = " or ".join(f"old.{column} is distinct from new.{column}" for column in _DECIDED.split())


class Migration(migrations.Migration):
    dependencies = [("syncs", "0004_config_stamp"), ("core", "0004_final_rows")]
    operations = [
        migrations.RunSQL(
            f"create trigger final_rows before update on syncs_delivery for each row "
            f"when (old.status in ('done', 'cancelled') and ({_CHANGES})) "
            f"execute function public.core_row_is_final()",
            "drop trigger final_rows on syncs_delivery",
        ),
    ]
