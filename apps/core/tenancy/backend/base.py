"""Database backend that carries the partner's schema and the customer scope together.

Row-level security reads `app.customer_id`. Setting it by hand leaks through pooled and persistent sessions, so both values are
applied here, in one statement, whenever they differ from what the session last had. `scope` is `ALL` for staff and
background work, `NONE` (sees nothing) for a portal request before log-in, or a customer's id.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django_tenants.postgresql_backend import base as tenants

ALL = "*"
NONE = ""


class DatabaseWrapper(tenants.DatabaseWrapper):
    scope: str = ALL
    search_path_set_schemas: Any
    _setting_search_path: bool
    _applied: tuple[Any, ...] | None = None

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        """Entering a schema costs nothing until it is another than the session has: `_applied` tells."""
        kept = self.search_path_set_schemas
        super().set_tenant(tenant, include_public)
        self.search_path_set_schemas = kept

    def connect(self) -> None:
        self.search_path_set_schemas = None  # a new session knows no schema, however the old one ended
        super().connect()

    def _follow(self, primary: "DatabaseWrapper") -> None:
        """A second connection (the replica's) is never anywhere else than the first, whoever set that last."""
        if (self.schema_name, self.include_public_schema) != (primary.schema_name, primary.include_public_schema):
            self.set_tenant(primary.tenant, primary.include_public_schema)
        self.scope = primary.scope

    def _handle_search_path(self, cursor: Any = None) -> None:
        if self.alias != DEFAULT_DB_ALIAS:
            self._follow(connections[DEFAULT_DB_ALIAS])  # type: ignore[arg-type]
        wanted = (self.schema_name, self.include_public_schema, self.scope)
        if self._setting_search_path or (self._applied == wanted and self.search_path_set_schemas):
            return
        own_cursor = cursor is None
        self._setting_search_path = True
        cursor = self.connection.cursor() if own_cursor else cursor
        try:
            paths = self._get_cursor_search_paths()
            quoted = ",".join(tenants.quote_schema_name(path) for path in paths)
            cursor.execute(
                "select set_config('search_path', %s, false), set_config('app.customer_id', %s, false)",
                [quoted, self.scope],
            )
        except Exception:
            # An aborted transaction: the caller's own statement fails next, with the real reason.
            self._applied = self.search_path_set_schemas = None
        else:
            self.search_path_set_schemas, self._applied = paths, wanted
        finally:
            self._setting_search_path = False
            if own_cursor:
                cursor.close()

    def trust(self) -> None:
        """Until the request ends the session is not asked whether it still lives: the caller repeats what fails on a lost one."""
        self.health_check_done = True

    @contextmanager
    def customer_scope(self, customer: int | str) -> Iterator[None]:
        """Limit every statement inside to one customer's rows (`ALL` and `NONE` are allowed too)."""
        before = self.scope
        self.scope = str(customer) if customer in (ALL, NONE) else str(int(customer))
        try:
            yield
        finally:
            self.scope = before
