"""Practice HubSpot: limits, error forms, routes and webhook signatures of the real CRM API."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from sandbox.framework.clock import epoch_millis, iso_millis
from sandbox.framework.http import Reply
from sandbox.framework.jsontext import dumps
from sandbox.framework.limits import Verdict, Window
from sandbox.framework.store import Document
from sandbox.framework.vendor import Action, OAuthPaths, Route, Vendor
from sandbox.hubspot import actions, associations, objects, reference, search
from sandbox.hubspot.answers import error

TEN_SECONDLY, SEARCH, DAILY = "ten_secondly", "search", "daily"


class HubSpot(Vendor):
    name = "hubspot"
    label = "HubSpot"
    windows = (
        Window(TEN_SECONDLY, 190, 10),
        Window(SEARCH, 5, 1, path="/search"),
        Window(DAILY, 650_000, 86_400),
    )
    oauth = OAuthPaths(
        authorize=("/oauth/authorize",), token=("/oauth/v1/token",), access_seconds=1800, rotates_refresh=False
    )

    def routes(self) -> list[Route]:
        # Search and batches come before the routes with an object id, which would take their names for one.
        modules = (search, objects, associations, reference)
        return [route for module in modules for route in module.ROUTES]

    def actions(self) -> list[Action]:
        return actions.for_vendor(self)

    def static_token(self) -> str:
        return f"pat-eu1-{secrets.token_hex(4)}-{secrets.token_hex(16)}"

    def credentials(self, account: Document) -> dict[str, str]:
        # HubSpot signs webhooks with the application's client secret.
        return {**super().credentials(account), "webhook_signing_key": account["client_secret"]}

    def prepare_account(self, account: Document) -> None:
        self.store.put(account["id"], "pipelines", "default", reference.pipeline(iso_millis(self.clock())))

    def malformed(self, message: str) -> Reply:
        return error(message, "VALIDATION_ERROR", 400)

    def unauthorized(self, message: str, *, expired: bool = False) -> Reply:
        return error(message, "EXPIRED_AUTHENTICATION" if expired else "INVALID_AUTHENTICATION", 401)

    def too_many(self, verdict: Verdict) -> Reply:
        policy = {SEARCH: "SECONDLY", DAILY: "DAILY"}.get(verdict.problem, "TEN_SECONDLY_ROLLING")
        reply = error(
            f"You have reached your {policy.lower()} limit.", "RATE_LIMITS", 429,
            errorType="RATE_LIMIT", policyName=policy,
        )  # fmt: skip
        if not verdict.problem:  # a fault on purpose; the real rolling limit names no time to wait
            reply.headers["Retry-After"] = str(verdict.retry_after)
        return reply

    def failure(self) -> Reply:
        return error("internal error", "INTERNAL_ERROR", 500)

    def no_such_path(self, method: str, path: str) -> Reply:
        return error(f"No endpoint {method} {path}", "OBJECT_NOT_FOUND", 404)

    def limit_headers(self, verdict: Verdict) -> dict[str, str]:
        windows = {window.name: window for window in self.limiter.windows}
        rolling, daily = windows[TEN_SECONDLY], windows[DAILY]
        return {
            "X-HubSpot-RateLimit-Max": str(rolling.requests),
            "X-HubSpot-RateLimit-Remaining": str(verdict.remaining[TEN_SECONDLY]),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(rolling.seconds * 1000)),
            "X-HubSpot-RateLimit-Daily": str(daily.requests),
            "X-HubSpot-RateLimit-Daily-Remaining": str(verdict.remaining[DAILY]),
        }

    def webhook_signer(self) -> "HubSpot":
        return self

    def webhook_request(
        self, subscription: Document, events: Sequence[Any], attempt: int
    ) -> tuple[bytes, dict[str, str]]:
        """Signature v3: HMAC-SHA256 over method + URI + body + timestamp, keyed with the client secret."""
        batch = [{**event, "subscriptionId": int(subscription["id"]), "attemptNumber": attempt} for event in events]
        body = dumps(batch)
        stamp = str(epoch_millis(self.clock()))
        secret = self.account(subscription["account"])["client_secret"]
        source = f"POST{subscription['target_url']}{body}{stamp}"
        digest = hmac.new(secret.encode(), source.encode(), hashlib.sha256).digest()
        return body.encode(), {
            "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
            "X-HubSpot-Request-Timestamp": stamp,
            "X-HubSpot-Signature-Version": "v3",
        }

    def webhook_trials(self, subscription: Document) -> list[tuple[bytes, dict[str, str], int]]:
        return []
