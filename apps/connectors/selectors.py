"""Connections as background work sees them again and again."""

from apps.connectors.models import Connection
from apps.core.work.memory import once


def connection_of(pk: int) -> Connection | None:
    """The connection as it was when the work was claimed, or later. In background work all who ask share one object: what is
    changed on it has to be saved too."""
    return once(("connection", pk), lambda: Connection.objects.filter(pk=pk).first())


def connection_at(webhook_key: str) -> Connection | None:
    """The connection whose webhooks come to this address."""
    statement = f"select * from {Connection._meta.db_table} where webhook_key = %s"  # asked for each webhook
    return next(iter(Connection.objects.raw(statement, [webhook_key])), None)


def connections_of(customer_id: int) -> list[Connection]:
    """The customer's connections, oldest first; shared like `connection_of`."""
    return once(
        ("connections", customer_id),
        lambda: list(Connection.objects.filter(customer_id=customer_id).order_by("pk")),
    )
