"""Practice Harvest: headers, limits and error forms of the real API v2."""

from sandbox.framework.http import Call, Refusal, Reply
from sandbox.framework.limits import Verdict, Window
from sandbox.framework.store import Document
from sandbox.framework.vendor import Action, OAuthPaths, Route, Vendor
from sandbox.harvest import actions, catalog, people, projects, spending, timesheets

USER_AGENT_NEEDED = "User-Agent header is required: say who you are, e.g. 'MyApp (me@example.com)'"


class Harvest(Vendor):
    name = "harvest"
    label = "Harvest"
    api_prefix = "/v2"
    windows = (Window("general", 100, 15),)
    oauth = OAuthPaths(
        authorize=("/oauth2/authorize", "/oauth/authorize"),
        token=("/api/v2/oauth2/token",),
        access_seconds=1_209_600,
        rotates_refresh=True,
    )

    def routes(self) -> list[Route]:
        found: list[Route] = []
        for module in (catalog, projects, people, timesheets, spending):
            found += [(method, f"/v2{path}", handler) for method, path, handler in module.ROUTES]
        return [*found, ("GET", "/api/v2/accounts", _accounts)]

    def actions(self) -> list[Action]:
        return actions.for_vendor(self)

    def authenticate(self, call: Call) -> None:
        if not call.headers.get("User-Agent", "").strip():
            raise Refusal(Reply({"code": 400, "message": USER_AGENT_NEEDED}, 400))
        account = self.account_of_bearer(call)
        if not call.path.startswith("/api/v2/"):
            wanted = call.headers.get("Harvest-Account-Id") or call.headers.get("Harvest-Account-ID")
            if not wanted:
                raise Refusal(Reply({"code": 400, "message": "Harvest-Account-Id header is required"}, 400))
            if wanted != account:
                raise Refusal(Reply({"code": 404, "message": "Not found: this token does not open that account"}, 404))
        call.account = account

    def static_token(self) -> str:
        return f"{self.store.next_number('_system', 'pat', start=2_200_001)}.pt.{super().static_token()}"

    def malformed(self, message: str) -> Reply:
        return Reply({"code": 422, "message": message}, 422)

    def unauthorized(self, message: str, *, expired: bool = False) -> Reply:
        kind = "invalid_token"
        return Reply({"error": kind, "error_description": message}, 401, {"WWW-Authenticate": f'Bearer error="{kind}"'})

    def too_many(self, verdict: Verdict) -> Reply:
        message = "You have reached the rate limit of 100 requests per 15 seconds. Try again later."
        return Reply({"code": 429, "message": message}, 429, {"Retry-After": str(verdict.retry_after or 15)})

    def failure(self) -> Reply:
        return Reply({"code": 500, "message": "Something went wrong on our end."}, 500)

    def no_such_path(self, method: str, path: str) -> Reply:
        return Reply({"code": 404, "message": f"Not Found: {method} {path}"}, 404)

    def prepare_account(self, account: Document) -> None:
        catalog.prepare_company(self.store, account)

    def credentials(self, account: Document) -> dict[str, str]:
        return {**super().credentials(account), "user_agent": "Throughline practice (practice@example.com)"}


def _accounts(call: Call) -> Reply:
    account = call.vendor.account(call.account)
    return Reply(
        {
            "user": {"id": 1, "first_name": "Practice", "last_name": "Owner", "email": "owner@example.com"},
            "accounts": [{"id": int(account["id"]), "name": account["name"], "product": "harvest"}],
        }
    )
