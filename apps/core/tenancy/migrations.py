"""Migration operation that puts the second wall between customers around a table.

The policy compares `customer_id` with a range instead of `= … OR …`: an OR keeps Postgres from using the index, the range form
costs nothing when everything is visible and uses the index when one customer is (measured, see docs/adr/0002).
FORCE makes it hold for the table's owner too, which is the only role there is.
"""

from typing import Any

from django.db import migrations

_BOUND = """(select case current_setting('app.customer_id', true) when '*' then {every}
             else coalesce(nullif(current_setting('app.customer_id', true), ''), '-1')::bigint end)"""
_VISIBLE = (
    "customer_id between "
    + _BOUND.format(every="-9223372036854775808")
    + " and "
    + _BOUND.format(every="9223372036854775807")
)


class EnableCustomerRowSecurity(migrations.RunSQL):
    """Limit a table's rows to the customer in scope. The table must have a NOT NULL `customer_id`."""

    def __init__(self, table: str) -> None:
        self.table = table
        name = f'"{table}"'
        super().__init__(
            sql=[
                f"alter table {name} enable row level security",
                f"alter table {name} force row level security",
                f"create policy customer_rows on {name} using ({_VISIBLE}) with check ({_VISIBLE})",
            ],
            reverse_sql=[
                f"drop policy if exists customer_rows on {name}",
                f"alter table {name} no force row level security",
                f"alter table {name} disable row level security",
            ],
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, [self.table], {})

    def describe(self) -> str:
        return f"Limit rows of {self.table} to the customer in scope"
