"""Log-ins and budgets in a partner's schema, as in real life: the row's lock, the committed token, the ledger."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django_tenants.utils import schema_context

from apps.accounts.models import Customer
from apps.accounts.services import create_customer
from apps.connectors.budgets import observe, release, reserve
from apps.connectors.manifest import Manifest
from apps.connectors.models import BudgetWindow, Connection
from apps.connectors.services import create_connection
from apps.connectors.stores import ConnectionTokenStore
from apps.connectors.types import TokenStore
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.context import customer_scope
from conformance import engine
from conformance.bench import Bench
from conformance.leaving import leaving_nothing
from conformance.result import CheckExempt, need

OURS, FOREIGN = 4, 3
SHORTEST = 5.0  # seconds: windows that are compared


class InSchema:
    """Connections of one customer, made for the kit and removed afterwards."""

    has_database = True

    def __init__(self, customer: Customer) -> None:
        self.customer = customer
        self._made: list[tuple[TokenStore, int]] = []

    def tokens(self, manifest: Manifest, config: dict[str, Any], credentials: dict[str, Any]) -> TokenStore:
        connection = self.connection(manifest, config, credentials)
        self._made.append((ConnectionTokenStore(connection), connection.pk))
        return self._made[-1][0]

    def again(self, tokens: TokenStore) -> TokenStore:
        made = next(pk for store, pk in self._made if store is tokens)
        return ConnectionTokenStore(Connection.objects.get(pk=made))

    def connection(self, manifest: Manifest, config: dict[str, Any], credentials: dict[str, Any]) -> Connection:
        return create_connection(
            customer=self.customer, connector=manifest.slug, name=f"Kit {secrets.token_hex(6)}", config=config,
            credentials=credentials, actor=None, reason="conformance kit", now=datetime.now(UTC),
        )  # fmt: skip

    def check_ledger(self, bench: Bench) -> str:
        """Calls of ours, then calls of somebody else on the same account: the ledger has to know of both where the
        vendor tells, and of ours where it does not."""
        config, credentials = bench.settings(bench.join.connect)
        connection = self.connection(bench.manifest, config, credentials)
        # Accounts that share one ledger: what earlier checks drew on it is not what is counted here.
        BudgetWindow.objects.filter(account_key=connection.account_key).delete()
        client = bench.client()
        client.verify()
        vendor = bench.vendor
        # A window of a second rolls on while we count, and its limit would stop us before the count is complete.
        limits = {w.name: (w.requests if w.seconds >= SHORTEST else 1_000_000, w.seconds) for w in vendor.windows}
        bench.call(lambda: vendor.limiter.configure(windows=limits))
        try:
            return self._compared(bench, connection)
        finally:
            bench.call(
                lambda: vendor.limiter.configure(windows={w.name: (1_000_000, w.seconds) for w in vendor.windows})
            )

    def check_subscription(self, bench: Bench) -> str:
        return engine.subscription(bench, lambda config: self._connected(bench, config))

    def check_mass_deletion(self, bench: Bench) -> str:
        return engine.mass_deletion(bench, lambda config: self._connected(bench, config))

    def _connected(self, bench: Bench, more: dict[str, Any]) -> Connection:
        config, credentials = bench.settings(bench.join.connect)
        return self.connection(bench.manifest, {**config, **more}, credentials)

    def _compared(self, bench: Bench, connection: Connection) -> str:
        client, told = bench.client(), []
        client.verify()
        bench.call(lambda: bench.vendor.limiter.configure(windows={}))  # forget what was counted so far
        for foreign in (0, FOREIGN):
            for _ in range(foreign):
                client.verify()
            for _ in range(OURS):
                now = datetime.now(UTC)
                reserve(connection, calls=1, lane="live", now=now)
                call = client.verify().call
                assert call is not None and call.status is not None
                observe(connection, call.response_headers, status=call.status, now=now)
                release(connection, calls=1, now=now)
        compared = []
        for window in bench.manifest.client.rate.windows:
            theirs = self._their_count(bench, window.per_seconds)
            # The call that is counted here belongs to no window of some addresses or of writes only.
            apart = bool(window.paths) or window.calls == "writes"
            if theirs is None or apart or window.per_seconds < SHORTEST:
                continue
            row = BudgetWindow.objects.get(account_key=connection.account_key, name=window.name)
            is_told = bool(window.remaining_header or window.usage_header)
            wanted = theirs if is_told else 2 * OURS
            need(
                row.used == wanted,
                f"window {window.name}: the ledger has {row.used} calls, the vendor counted {theirs}",
            )
            compared.append(window.name)
            told += [window.name] if is_told else []
        if not compared:
            raise CheckExempt("The vendor has none of the manifest's windows: its limits are of another kind.")
        tail = (
            f"; calls of others are seen in {', '.join(told)}"
            if told
            else "; calls of others are not told by the vendor"
        )
        return f"The ledger agrees with the vendor's count ({', '.join(compared)}){tail}."

    def _their_count(self, bench: Bench, seconds: float) -> int | None:
        limiter, account = bench.vendor.limiter, bench.account["id"]
        for window in limiter.windows:
            if window.seconds == seconds and not window.path:
                return int(bench.call(lambda name=window.name: limiter.counted(account, name)))
        return None


@contextmanager
def in_schema(schema: str) -> Iterator[InSchema]:
    """A customer of the partner for the time of the run; what was made for it is removed at the end."""
    with schema_context(schema), customer_scope(ALL):
        customer = create_customer(
            name=f"Conformance kit {secrets.token_hex(4)}", slug=f"kit-{secrets.token_hex(4)}", currency="EUR",
            time_zone="UTC", reason="conformance kit",
        )  # fmt: skip
        with leaving_nothing(customer):
            yield InSchema(customer)
