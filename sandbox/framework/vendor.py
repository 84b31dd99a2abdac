"""A practice vendor: its routes, limits, error forms, accounts and actions. Each vendor subclasses this."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sandbox.framework.clock import Clock, utc_now
from sandbox.framework.faults import FaultBook
from sandbox.framework.http import Call, Handler, Refusal, Reply
from sandbox.framework.limits import Limiter, Verdict, Window
from sandbox.framework.requestlog import RequestLog
from sandbox.framework.store import SYSTEM, Document, Store
from sandbox.framework.tokens import Tokens

if TYPE_CHECKING:
    from sandbox.framework.webhooks import Signer, Webhooks

Route = tuple[str, str, Handler]


@dataclass(frozen=True, slots=True)
class OAuthPaths:
    authorize: tuple[str, ...]
    token: tuple[str, ...]
    access_seconds: int
    rotates_refresh: bool
    client_credentials: bool = False
    jwt_bearer: bool = False
    client_assertion: bool = False
    extra: dict[str, Any] = field(default_factory=dict)  # what the token answer carries besides


@dataclass(frozen=True, slots=True)
class ActionField:
    name: str
    label: str
    value: str = ""
    required: bool = True
    choices: Callable[[str], list[tuple[str, str]]] | None = None  # for an account: (value, text)


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person would do in the vendor's own screens; `run` gets the account, the parameters and the time."""

    name: str
    label: str
    run: Callable[[str, Mapping[str, Any], datetime], dict[str, Any]]
    collection: str = ""  # shown on records of this collection; empty: on the account's page
    fields: tuple[ActionField, ...] = ()
    shown: Callable[[Document], bool] = field(default=lambda _document: True)


class ActionError(ValueError):
    """What was asked for cannot be done to this record; the text says why."""


class Vendor:
    name = ""
    label = ""
    api_prefix = ""
    windows: tuple[Window, ...] = ()
    concurrent = 0
    oauth: OAuthPaths
    collections: tuple[str, ...] = ()
    several_accounts = False  # one consent may open several accounts

    def __init__(self, store: Store, *, clock: Clock = utc_now) -> None:
        self.store = store
        self.clock = clock
        self.tokens = Tokens(store)
        self.faults = FaultBook(store)
        self.log = RequestLog()
        self.limiter = Limiter(self.windows, concurrent=self.concurrent)
        self.base_url = ""
        self.webhooks: Webhooks | None = None
        self.refill: Callable[[Vendor], None] | None = None  # set by the server: puts the scenario back

    # What each vendor fills in

    def routes(self) -> list[Route]:
        raise LookupError(f"{type(self).__name__} has no routes")

    def actions(self) -> list[Action]:
        return []

    def authenticate(self, call: Call) -> None:
        """Set `call.account`, or raise a `Refusal` in the vendor's own form."""
        call.account = self.account_of_bearer(call)

    def malformed(self, message: str) -> Reply:
        return Reply({"message": message}, 400)

    def unauthorized(self, message: str, *, expired: bool = False) -> Reply:
        return Reply({"message": message}, 401)

    def too_many(self, verdict: Verdict) -> Reply:
        return Reply({"message": "Too many requests"}, 429, {"Retry-After": str(verdict.retry_after)})

    def failure(self) -> Reply:
        return Reply({"message": "Internal server error"}, 500)

    def no_such_path(self, method: str, path: str) -> Reply:
        return Reply({"message": f"There is no {method} {path}"}, 404)

    def limit_headers(self, verdict: Verdict) -> dict[str, str]:
        return {}

    def run(self, handler: Handler, call: Call) -> Reply:
        """Called inside the request's transaction; a vendor with idempotency keys steps in here."""
        return handler(call)

    async def elsewhere(self, call: Call) -> Reply | None:
        """An answer that somebody else gives; waiting for it holds up no other request. None: the handler answers."""
        return None

    def finish(self, call: Call, reply: Reply) -> Reply:
        """The last word on every API answer."""
        return reply

    def webhook_signer(self) -> "Signer | None":
        """None: this vendor sends no webhooks."""
        return None

    def assertion_account(self, assertion: str, now: datetime) -> Document | None:
        """The account whose registered key signed this JWT; None when it does not hold."""
        return None

    def token_extra(self, pair: Mapping[str, Any]) -> dict[str, Any]:
        """What a token answer carries besides the standard fields."""
        return {}

    def prepare_account(self, account: Document) -> None:
        """Give a new account what every account of this vendor has from its first day."""

    def new_account_id(self, slug: str) -> str:
        return str(self.store.next_number(SYSTEM, "account", start=4_100_001))

    # What all vendors have

    def reset(self) -> None:
        """Every account as at the start, with access given back; credentials and subscriptions stay."""
        with self.store.transaction():
            for account in self.accounts():
                self.store.wipe(account["id"])
                self.tokens.restore(account["id"])
                self.prepare_account(account)
            self.faults.clear()
            if self.refill is not None:
                self.refill(self)
        self.log.clear()

    def bearer(self, call: Call) -> str:
        scheme, _, value = call.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise Refusal(self.unauthorized("Authentication credentials not found"))
        return value.strip()

    def account_of_bearer(self, call: Call) -> str:
        call.token = self.bearer(call)
        found = self.tokens.check(call.token, call.now)
        if found.problem:
            raise Refusal(self.unauthorized(found.problem, expired=found.expired))
        return found.account

    def account(self, account_id: str) -> Document:
        found = self.store.peek(SYSTEM, "accounts", account_id)
        if found is None:
            raise KeyError(f"{self.label} has no account {account_id}")
        return found

    def accounts(self) -> list[Document]:
        return sorted(self.store.all(SYSTEM, "accounts"), key=lambda account: int(account["order"]))

    def create_account(self, *, name: str, slug: str, currency: str, account_id: str = "") -> Document:
        """Open an account with a static token and an OAuth application; all credentials are random."""
        account_id = account_id or self.new_account_id(slug)
        with self.store.transaction():
            account = {
                "id": account_id,
                "order": self.store.next_number(SYSTEM, "account order"),
                "name": name,
                "slug": slug,
                "currency": currency,
                "token": self.tokens.issue_static(account_id, self.static_token()),
                "client_id": secrets.token_hex(16),
                "client_secret": secrets.token_urlsafe(32),
                "webhook_signing_key": secrets.token_urlsafe(48),
            }
            self.store.put(SYSTEM, "accounts", account_id, account)
            self.prepare_account(account)
        return account

    def static_token(self) -> str:
        return secrets.token_urlsafe(40)

    def credentials(self, account: Document) -> dict[str, str]:
        """What `sandbox.json` tells about an account."""
        return {
            "account_id": account["id"],
            "token": account["token"],
            "client_id": account["client_id"],
            "client_secret": account["client_secret"],
        }

    def next_id(self, account: str, name: str, *, start: int) -> int:
        return self.store.next_number(account, name, start=start)
