"""A vendor's system behind one connection, as the engine sees it. No database inside; thread-safe.

Reads raise `VendorTransientError` or `VendorPermanentError`; `send` and `probe` never raise for what a vendor does.
Nothing here waits for a budget: the caller reserves calls first (`connectors.budgets`).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from apps.connectors import auth
from apps.connectors.building import Put, build
from apps.connectors.hooks import hooks_for
from apps.connectors.manifest import Family, Manifest
from apps.connectors.manifest.client import Variable
from apps.connectors.manifest.requests import Lookup, RequestSpec
from apps.connectors.paths import get, text_of
from apps.connectors.reading import Reader
from apps.connectors.sdk import HookContext
from apps.connectors.transport import Transport
from apps.connectors.types import (
    Answer,
    LoadedCounts,
    Page,
    PreparedCall,
    ProbeResult,
    Record,
    TokenStore,
    VendorPermanentError,
    Verification,
)
from apps.connectors.walks import fits, records_of
from apps.connectors.writing import Writer
from apps.core.http.values import DEFAULT_USER_AGENT


class VendorClient:
    reads_ahead = True
    """Whether a page may be read by another thread while the one before it is written."""

    def __init__(
        self,
        manifest: Manifest,
        *,
        config: Mapping[str, Any],
        tokens: TokenStore,
        user_agent: str = DEFAULT_USER_AGENT,
        clock: Callable[[], datetime] = auth.utc_now,
        send: auth.Send | None = None,
    ) -> None:
        """`send` replaces the network: how fixtures are played back."""
        self.manifest = manifest
        self._transport = Transport(
            manifest, config=config, tokens=tokens, user_agent=user_agent, clock=clock, send=send
        )
        self._reader = Reader(self._transport)
        self._writer = Writer(self._transport, self._reader)

    def renew_login(self, *, seen: int) -> None:
        """Get new tokens now, unless somebody did since the credentials had version `seen`."""
        self._transport.renew(seen)

    def verify(self) -> Verification:
        """Ask the vendor who we are."""
        spec = self.manifest.client.verification
        assert spec is not None  # the manifest of an HTTP API has one
        request = self._transport.outbound(build(self.manifest, spec.request, self._transport.scope()))
        received = self._reader.read(request, "testing the connection", [])
        body = received.body
        if hook := hooks_for(self.manifest).get("verification"):
            body = hook(body, HookContext("", config=self._transport.config))
        account_id = text_of(get(body, spec.account_id))
        if not account_id:
            raise VendorPermanentError(
                f"{self.manifest.connector.name} answered, but without an account ({spec.account_id} is empty). "
                "Check the address of the connection.",
                family=Family.VALIDATION,
                call=received.response.call,
                code="unexpected_shape",
            )
        return Verification(
            account_name=text_of(get(body, spec.account_name)) or account_id,
            account_id=account_id,
            details={name: get(body, path) for name, path in spec.details.items()},
            call=received.response.call,
        )

    def choices(self, variable: str) -> list[tuple[str, str]]:
        """What a setting found after log-in may be (id, label): the tenants, sites or companies of this consent."""
        spec = self._variable(variable)
        return [(text_of(get(item, spec.id)), text_of(get(item, spec.label))) for item in self._offered(spec)]

    def settings_of(self, variable: str, value: str) -> dict[str, str]:
        """All settings that come with choosing `value` for the variable."""
        spec = self._variable(variable)
        if not spec.also:
            return {spec.name: value}
        item = next((item for item in self._offered(spec) if text_of(get(item, spec.id)) == value), None)
        return {spec.name: value, **{name: text_of(get(item, path)) for name, path in spec.also.items()}}

    def _variable(self, name: str) -> Variable:
        return next(item for item in self.manifest.client.variables if item.name == name)

    def _offered(self, spec: Variable) -> list[Any]:
        request = self._transport.outbound(build(self.manifest, spec.request, self._transport.scope()))
        received = self._reader.read(request, f"listing {spec.title}", [])
        items = get(received.body, spec.items) or []
        return [item for item in items if all(text_of(get(item, path)) == want for path, want in spec.where.items())]

    def subscription(self, request: RequestSpec, values: Mapping[str, Any]) -> Any:
        """The answer to one of the requests that make, renew or end a subscription; sent once, raises like a read."""
        scope = self._transport.scope(subscription=dict(values), today=self._transport.clock().date().isoformat())
        built = build(self.manifest, request, scope)
        return self._reader.read(self._transport.outbound(built), "subscribing to its webhooks", [], tries=1).body

    def at_address(self, address: str) -> Any:
        """The answer at a path (and parameters) the vendor named itself; the host is the connection's own."""
        built = build(self.manifest, RequestSpec(path=""), self._transport.scope(), [Put("url", "", address)])
        return self._reader.read(self._transport.outbound(built), "asking for the key of a webhook", [], tries=1).body

    def find_subscription(self, lookup: Lookup, values: Mapping[str, Any]) -> Record | None:
        """The subscription that exists already, or None."""
        scope = self._transport.scope(subscription=dict(values))
        request = self._transport.outbound(build(self.manifest, lookup.request, scope))
        found = records_of(self._reader.read(request, "looking for subscriptions", []).body, lookup.records) or []
        return next((record for record in found if fits(record, lookup, scope)), None)

    def pages(
        self,
        object_name: str,
        *,
        cursor: str | None,
        resume: dict[str, Any] | None = None,
        page_size: int | None = None,
        now: datetime,
    ) -> Iterator[Page]:
        """Pages of what changed since `cursor` (None: everything). `resume` is a page's `next_resume`; the iterator
        ends after the last page. The cursor to store after a page is its `high_water`, and only once the whole read
        ended is it safe to start from it."""
        return self._reader.pages(object_name, cursor=cursor, resume=resume, page_size=page_size, now=now)

    def keep(self, page: Page, counts: LoadedCounts, *, now: datetime) -> None:
        """The page was loaded. Called in the transaction that loads it, for sources that keep book of what was read."""

    def fetch(self, object_name: str, external_id: str) -> Record | None:
        """One record by the vendor's id; None when the vendor does not know it."""
        return self._reader.fetch(object_name, external_id)

    def find(self, object_name: str, **criteria: str) -> list[Record]:
        """Records that fit the first given criterion (in the manifest's order) that finds any."""
        return self._reader.find(object_name, criteria)

    def prepare(
        self,
        object_name: str,
        operation: str,
        body: Record,
        *,
        idempotency_key: str,
        external_id: str | None = None,
        variables: dict[str, Any] | None = None,
    ) -> PreparedCall:
        """The call as it would be sent, without log-in. Sends nothing; `.redacted()` is for show and dry run."""
        return self._writer.prepare(
            object_name,
            operation,
            body,
            idempotency_key=idempotency_key,
            external_id=external_id,
            variables=variables,
        )

    def send(self, call: PreparedCall) -> Answer:
        """Send it once and say what became of it. Never raises for what the vendor or the network does."""
        return self._writer.send(call)

    def send_together(self, calls: list[PreparedCall]) -> list[Answer]:
        """Send writes of one operation that the manifest can put into one request; each gets its own answer."""
        return self._writer.send_together(calls) if len(calls) > 1 else [self.send(call) for call in calls]

    def probe(
        self,
        object_name: str,
        operation: str,
        *,
        idempotency_key: str,
        marker: str = "",
        natural_key: str = "",
        body: Record,
        external_id: str | None = None,
        variables: dict[str, Any] | None = None,
        age_seconds: float | None = None,
    ) -> ProbeResult:
        """Whether an uncertain write happened. `age_seconds` since it was sent decides whether the vendor still
        remembers the key and whether its search can be trusted; without it both are doubted. `absent`: send again."""
        return self._writer.probe(
            object_name,
            operation,
            idempotency_key=idempotency_key,
            marker=marker,
            natural_key=natural_key,
            body=body,
            external_id=external_id,
            variables=variables,
            age_seconds=age_seconds,
        )
