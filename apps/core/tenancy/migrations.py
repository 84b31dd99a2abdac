"""Migration operations for the tables of a partner's schema.

`EnableCustomerRowSecurity` puts the second wall between customers around a table. The policy compares `customer_id` with a
range instead of `= … OR …`: an OR keeps Postgres from using the index, the range form costs nothing when everything is
visible and uses the index when one customer is (measured, see docs/adr/0002). FORCE makes it hold for the table's owner too,
which is the only role there is.

`StampConfiguration` tells workers when what they remember of a partner's settings is old (docs/adr/0016).
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

# A row of nobody lies at the end of the range, where only who sees all reaches.
_FLEET_VISIBLE = _VISIBLE.replace("customer_id between", "coalesce(customer_id, 9223372036854775807) between", 1)


class EnableCustomerRowSecurity(migrations.RunSQL):
    """Limit a table's rows to the customer in scope. The table must have a NOT NULL `customer_id`, or `fleet` says that its
    rows without one are for those who see all customers."""

    def __init__(self, table: str, fleet: bool = False) -> None:
        self.table, self.fleet = table, fleet
        name = f'"{table}"'
        visible = _FLEET_VISIBLE if fleet else _VISIBLE
        super().__init__(
            sql=[
                f"alter table {name} enable row level security",
                f"alter table {name} force row level security",
                f"create policy customer_rows on {name} using ({visible}) with check ({visible})",
            ],
            reverse_sql=[
                f"drop policy if exists customer_rows on {name}",
                f"alter table {name} no force row level security",
                f"alter table {name} disable row level security",
            ],
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, [self.table], {"fleet": True} if self.fleet else {})

    def describe(self) -> str:
        return f"Limit rows of {self.table} to the customer in scope"


class StampConfiguration(migrations.RunSQL):
    """Have the partner's configuration stamp move whenever a row of this table comes, goes, or is changed in one of the columns
    (SQL expressions with `{row}` for the row are allowed too); without columns, in any.

    The triggers wait for the end of the transaction: the stamp's row is locked last and for a moment only, so that two people
    at work never wait for each other in a circle.
    """

    def __init__(self, table: str, columns: list[str] | None = None) -> None:
        self.table, self.columns = table, columns
        name = f'"{table}"'
        watched = [column if "{row}" in column else f'{{row}}."{column}"' for column in columns or ["*"]]
        watched = ["{row}.*" if column == '{row}."*"' else column for column in watched]
        differs = " or ".join(f"{one.format(row='old')} is distinct from {one.format(row='new')}" for one in watched)
        run = "deferrable initially deferred for each row {when}execute function public.core_config_changed()"
        super().__init__(
            sql=[
                f"create constraint trigger config_rows after insert or delete on {name} {run.format(when='')}",
                f"create constraint trigger config_values after update on {name} {run.format(when=f'when ({differs}) ')}",
            ],
            reverse_sql=[f"drop trigger config_rows on {name}", f"drop trigger config_values on {name}"],
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, [self.table, self.columns], {})

    def describe(self) -> str:
        return f"Stamp the configuration when {self.table} changes"
