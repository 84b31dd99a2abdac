"""Practice Xero: tenants, limits, error forms, routes and webhook signatures of the real accounting API."""

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from typing import Any

from sandbox.framework.clock import iso_millis
from sandbox.framework.http import Call, Handler, Refusal, Reply
from sandbox.framework.jsontext import dumps
from sandbox.framework.limits import Verdict, Window
from sandbox.framework.store import Document
from sandbox.framework.vendor import Action, OAuthPaths, Route, Vendor
from sandbox.xero import actions, chart, contacts, credit_notes, invoices, payments, reference
from sandbox.xero.answers import as_xml, invalid_post, problem
from sandbox.xero.idempotency import run_once

MINUTE, DAY, APP_MINUTE = "minute", "day", "appminute"


class Xero(Vendor):
    name = "xero"
    label = "Xero"
    api_prefix = "/api.xro/2.0"
    windows = (Window(MINUTE, 60, 60), Window(DAY, 5000, 86_400), Window(APP_MINUTE, 10_000, 60))
    concurrent = 5
    several_accounts = True
    oauth = OAuthPaths(
        authorize=("/identity/connect/authorize", "/oauth/authorize"),
        token=("/identity/connect/token", "/connect/token"),
        access_seconds=1800,
        rotates_refresh=True,
        client_credentials=True,
    )

    def routes(self) -> list[Route]:
        modules = (contacts, invoices, payments, credit_notes, reference)
        found = [
            (method, self.api_prefix + path, handler) for module in modules for method, path, handler in module.ROUTES
        ]
        return [
            *found,
            ("GET", "/connections", reference.connections),
            ("GET", "/Connections", reference.connections),
            ("DELETE", "/connections/{id}", reference.disconnect),
        ]

    def actions(self) -> list[Action]:
        return actions.for_vendor(self)

    def authenticate(self, call: Call) -> None:
        org = self.account_of_bearer(call)
        if call.path.startswith(self.api_prefix):
            wanted = call.headers.get("xero-tenant-id", "")
            if wanted not in self.tokens.opened_by(call.token):
                detail = (
                    "AuthenticationUnsuccessful" if wanted else "TenantId is missing: send the xero-tenant-id header"
                )
                raise Refusal(problem(403, "Forbidden", detail))
            org = wanted
        call.account = org

    def run(self, handler: Handler, call: Call) -> Reply:
        return run_once(handler, call)

    def finish(self, call: Call, reply: Reply) -> Reply:
        wants_json = "json" in call.headers.get("Accept", "")
        if wants_json or not isinstance(reply.body, dict) or not call.path.startswith(self.api_prefix):
            return reply
        return Reply(as_xml(reply.body), reply.status, reply.headers, "text/xml")

    def new_account_id(self, slug: str) -> str:
        # The ids of all records follow from it, so it follows from the name: a scenario is the same each time.
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"practice-xero:{slug}"))

    def static_token(self) -> str:
        return f"practice.{secrets.token_urlsafe(48)}"

    def credentials(self, account: Document) -> dict[str, str]:
        return {
            **super().credentials(account), "tenant_id": account["id"],
            "webhook_signing_key": account["webhook_signing_key"],
        }  # fmt: skip

    def prepare_account(self, account: Document) -> None:
        chart.prepare(self.store, account, iso_millis(self.clock()))

    def malformed(self, message: str) -> Reply:
        return invalid_post(f"JSON for post data was invalid: {message}")

    def unauthorized(self, message: str, *, expired: bool = False) -> Reply:
        return problem(
            401, "Unauthorized", f"TokenExpired: {message}" if expired else f"AuthenticationUnsuccessful: {message}"
        )

    def too_many(self, verdict: Verdict) -> Reply:
        headers = {"Retry-After": str(verdict.retry_after), "X-Rate-Limit-Problem": verdict.problem or MINUTE}
        return Reply("The rate limit has been exceeded", 429, headers, "text/plain")

    def failure(self) -> Reply:
        return problem(500, "An error occurred", "An error has occurred within Xero")

    def no_such_path(self, method: str, path: str) -> Reply:
        return Reply("The resource you're looking for cannot be found", 404, content_type="text/plain")

    def limit_headers(self, verdict: Verdict) -> dict[str, str]:
        return {
            "X-DayLimit-Remaining": str(verdict.remaining[DAY]),
            "X-MinLimit-Remaining": str(verdict.remaining[MINUTE]),
            "X-AppMinLimit-Remaining": str(verdict.remaining[APP_MINUTE]),
        }

    def webhook_signer(self) -> "Xero":
        return self

    def webhook_request(
        self, subscription: Document, events: Sequence[Any], attempt: int
    ) -> tuple[bytes, dict[str, str]]:
        numbers = [event["sequence"] for event in events]
        payload = {
            "events": [{name: value for name, value in event.items() if name != "sequence"} for event in events],
            "firstEventSequence": min(numbers, default=0),
            "lastEventSequence": max(numbers, default=0),
            "entropy": secrets.token_hex(10).upper(),
        }
        body = dumps(payload).encode()
        return body, {"x-xero-signature": self._signature(subscription, body)}

    def webhook_trials(self, subscription: Document) -> list[tuple[bytes, dict[str, str], int]]:
        """Intent to receive: a rightly signed empty payload wants 200, a wrongly signed one 401."""
        right, headers = self.webhook_request(subscription, [], 0)
        wrong, _headers = self.webhook_request(subscription, [], 0)
        forged = base64.b64encode(secrets.token_bytes(32)).decode()
        return [(right, headers, 200), (wrong, {"x-xero-signature": forged}, 401)]

    def _signature(self, subscription: Document, body: bytes) -> str:
        """base64 HMAC-SHA256 over the raw body, keyed with the webhook signing key."""
        key = self.account(subscription["account"])["webhook_signing_key"]
        return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
