"""A partner's database after years of work, filled by SQL: a million records, a hundred thousand cases and writes.

Rows are as a list shows them, of forty customers of unlike size; nothing else about them has to be true.
"""

from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.accounts.services import create_customer, create_user
from apps.connectors.models import Connection
from apps.connectors.services import create_connection
from apps.core.tenancy.context import partner_context
from benchmarks import installation

CUSTOMERS = 40
_REASON = "benchmark"
_EMAIL = "lists@benchmarks.example"
# Customer and connection by number: the first has a quarter of all, the last one in a thousand.
_NUMBER = f"(1 + floor({CUSTOMERS} * power(((n::bigint * 2654435761) % 1000003) / 1000003.0, 2)))::int"
_PAYLOAD = """jsonb_build_object('id', n, 'name', 'Record ' || n, 'hours', (n % 32) / 4.0, 'notes', repeat('worked on it ', 40),
    'project', jsonb_build_object('id', n % 20000, 'name', 'Project ' || n % 20000), 'client', jsonb_build_object('id', n % 5000))"""
_AT = "now() - ({count} - n) * interval '400 days' / {count}"


def fill(count: int) -> User:
    """So many time entries with source record, reference and change, and a tenth as many of everything else. Returns a member of
    staff who sees it all."""
    installation.empty()
    with partner_context(installation.SCHEMA):
        user = User.objects.filter(email=_EMAIL).first() or create_user(
            email=_EMAIL, name="Lists", role=Role.OWNER, reason=_REASON
        )
        _owners()
        tenth, fiftieth = max(count // 10, 10), max(count // 50, 10)
        _businesses(count, tenth, fiftieth)
        _flow_of_data(count, tenth)
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")  # as autovacuum leaves it
    return user


def _owners() -> None:
    """Customers with a connection and a sync each, their ids counted from 1 in a table of this session."""
    now = timezone.now()
    for number in range(1, CUSTOMERS + 1):
        customer = create_customer(name=f"Firm {number}", slug=f"firm-{number}", currency="EUR", reason=_REASON)
        made = create_connection(
            customer=customer, connector="bench", name="Bench", roles=["time"], config={}, credentials={}, actor=None,
            reason=_REASON, now=now,
        )  # fmt: skip
        Connection.objects.filter(pk=made.pk).update(status=Connection.Status.OK)
    _execute(
        """create temporary table if not exists bench_owner (number int primary key, customer_id bigint, connection_id bigint);
           truncate bench_owner;
           insert into bench_owner select row_number() over (order by id), customer_id, id from connectors_connection"""
    )
    insert("syncs.Sync", CUSTOMERS, object_name="'time_entries'", owner="n")
    insert("flows.Flow", CUSTOMERS, blueprint="'time_to_invoice'", starts_at="now()", owner="n")


def _businesses(count: int, tenth: int, fiftieth: int) -> None:
    insert("canonical.Client", max(count // 200, 10), name="'Client ' || n", reference="'C' || n")
    insert("canonical.Resource", max(count // 500, 10), name="'Person ' || n", email="n || '@people.example'")
    clients, people = _first("canonical_client"), _first("canonical_resource")
    of_client, of_person = f"{clients} + n % {max(count // 200, 10)}", f"{people} + n % {max(count // 500, 10)}"
    insert(
        "canonical.Project", fiftieth, name="'Project ' || n", code="'P' || n", client_id=of_client,
        status="(array['active', 'on_hold', 'closed'])[1 + n % 3]", start_date="date '2024-01-01' + (n % 900)::int",
    )  # fmt: skip
    of_project = f"{_first('canonical_project')} + n % {fiftieth}"
    insert(
        "canonical.TimeEntry", count, project_id=of_project, resource_id=of_person, hours="(n % 32) / 4.0",
        work_date=f"(date '2024-01-01' + (n::bigint * 1000 / {count})::int)", notes="'worked on item ' || n % 9973",
        task="(array['Build', 'Review', 'Travel'])[1 + n % 3]", created_at=_AT.format(count=count),
        approval="(array['open', 'submitted', 'approved', 'approved', 'approved'])[1 + n % 5]",
    )  # fmt: skip
    insert(
        "canonical.Expense", tenth, project_id=of_project, resource_id=of_person, amount="n % 500", currency="'EUR'",
        spent_date=f"(date '2024-01-01' + (n::bigint * 1000 / {tenth})::int)", category="'Travel'", notes="'trip ' || n",
    )  # fmt: skip
    insert(
        "canonical.Invoice", tenth, client_id=of_client, number="'INV-' || n", reference="'TL-' || n", currency="'EUR'",
        status="(array['draft', 'posted', 'paid', 'paid'])[1 + n % 4]", total_amount="n % 9000", is_produced_here="n % 2 = 0",
        issue_date=f"(date '2024-01-01' + (n::bigint * 1000 / {tenth})::int)",
    )  # fmt: skip
    insert(
        "canonical.InvoiceLine", 3 * tenth, invoice_id=f"{_first('canonical_invoice')} + n / 3 % {tenth}",
        description="'Person, ' || n", amount="n % 3000", position="n % 3",
    )  # fmt: skip
    insert("canonical.Payment", tenth, client_id=of_client, amount="n % 9000", currency="'EUR'", reference="'PAY-' || n",
           paid_date=f"(date '2024-01-01' + (n::bigint * 1000 / {tenth})::int)")  # fmt: skip


def _flow_of_data(count: int, tenth: int) -> None:
    entries, invoices = _first("canonical_timeentry"), _first("canonical_invoice")
    tracked = {"entity": "'time_entry'", "record_id": f"{entries} + n - 1"}
    insert(
        "syncs.SourceRecord", count, object_name="'time_entries'", external_id="'te-' || n", payload=_PAYLOAD,
        payload_hash="sha256(n::text::bytea)", received_at=_AT.format(count=count),
        status="case when n % 1000 = 0 then 'rejected' when n % 97 = 0 then 'skipped' else 'applied' end", **tracked,
    )  # fmt: skip
    insert("canonical.ExternalRef", count, object_name="'time_entries'", external_id="'te-' || n", **tracked)
    insert("canonical.Change", count, kind="case when n % 3 = 0 then 'updated' else 'created' end", run_id="n / 1000",
           origin="'connection:' || n % 40", at=_AT.format(count=count), fields="""'{"hours": ["1", "2"]}'""", **tracked)  # fmt: skip
    insert(
        "syncs.Delivery", tenth, idempotency_key="'key-' || n", object_name="'invoices'", operation="'create'",
        title="'Draft invoice TL-' || n", entity="'invoice'", record_id=f"{invoices} + n - 1", origin="'flow:1'",
        status="case when n % 200 = 0 then 'held' when n % 150 = 0 then 'pending' else 'done' end", amount="n % 900",
        created_at=_AT.format(count=tenth),
    )  # fmt: skip
    insert("syncs.InboxEvent", tenth, event_id="'event-' || n", event_type="'time.changed'", object_name="'time_entries'",
           external_id="'te-' || n", status="'done'", received_at=_AT.format(count=tenth))  # fmt: skip
    insert("syncs.SyncRun", tenth, sync_id=f"{_first('syncs_sync')} + {_NUMBER} - 1", status="'succeeded'",
           started_at=_AT.format(count=tenth), trigger="'schedule'")  # fmt: skip
    insert(
        "exceptions.ExceptionCase", tenth, trace_key="'case:' || n", reason="(array['missing_rate', 'value_unmapped'])[1 + n % 2]",
        title="'Project ' || n || ': 3 approved hours have no rate'", subject_kind="'flow'", subject_id="1",
        status="case when n % 20 = 0 then 'open' else 'resolved' end", opened_at=_AT.format(count=tenth),
        latest_at=_AT.format(count=tenth), amount="n % 700",
    )  # fmt: skip
    insert("canonical.Proposal", tenth, kind="'field'", key="'p' || n", title="'Hours of entry ' || n", **tracked,
           status="case when n % 50 = 0 then 'open' else 'settled' end", created_at=_AT.format(count=tenth))  # fmt: skip
    insert("flows.FlowItem", tenth, flow_id=f"{_first('flows_flow')} + {_NUMBER} - 1", entity="'invoice'", title="'Invoice ' || n",
           record_id=f"{invoices} + n - 1", status="'done'", created_at=_AT.format(count=tenth))  # fmt: skip


def insert(label: str, count: int, owner: str = _NUMBER, **values: str) -> None:
    """Rows of a model, `values` as SQL over their number `n`. Customer and connection by `owner`; what is not given gets the model's
    default."""
    model = apps.get_model(label)
    columns = {
        field.column: values.pop(field.column, None) or values.pop(field.name, None) or _default(field)
        for field in model._meta.concrete_fields
    }
    if values:
        raise ValueError(f"{label} has no {', '.join(values)}")
    given = {name: value for name, value in columns.items() if value is not None}
    _execute(
        f"""insert into {model._meta.db_table} ({", ".join(f'"{name}"' for name in given)})
            select {", ".join(given.values())} from generate_series(1, {count}) n join bench_owner o on o.number = {owner}
             order by n"""
    )


def _default(field: "models.Field[Any, Any]") -> str | None:
    """None: the database fills it."""
    if field.primary_key or field.has_db_default():
        return None
    if field.column in {"customer_id", "connection_id"}:
        return f"o.{field.column}"
    if field.null:
        return None
    value = field.get_default()
    if value is None:
        raise ValueError(f"{field} needs a value")
    prepared = field.get_db_prep_save(value, connection)
    with connection.cursor() as cursor:
        return str(cursor.mogrify("%s", [prepared]))


def _first(table: str) -> int:
    """The id of the first row; those of one insert follow each other."""
    with connection.cursor() as cursor:
        cursor.execute(f"select min(id) from {table}")
        return int(cursor.fetchone()[0])


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
