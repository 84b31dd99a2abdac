"""Who plans, bills or undoes billing for a flow does it alone."""

from django.db import connection


def lock_billing(flow_id: int) -> None:
    """Until the end of the transaction: what is unbilled is looked at and changed by one worker at a time."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext(%s), %s)", ["flows.bill", flow_id])
