"""A small client for the practice vendors' control API, for tests, the demo and partner training."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

TIMEOUT_SECONDS = 30


class ControlError(RuntimeError):
    """The practice vendor refused; the text is its reason."""


@dataclass(slots=True)
class Control:
    """Talks to all practice vendors of one `sandbox.json`; accounts are named by firm slug, name or account id."""

    summary: dict[str, Any]
    session: requests.Session = field(default_factory=requests.Session)

    @classmethod
    def from_folder(cls, data: Path | str) -> "Control":
        return cls.from_file(Path(data) / "sandbox.json")

    @classmethod
    def from_file(cls, path: Path | str) -> "Control":
        return cls(json.loads(Path(path).read_text(encoding="utf-8")))

    def base_url(self, vendor: str) -> str:
        return str(self.summary["vendors"][vendor]["base_url"])

    def credentials(self, firm: str, vendor: str) -> dict[str, str]:
        return dict(self.summary["firms"][firm][vendor])

    # HubSpot

    def create_deal(
        self, firm: str, name: str, company: str, *, contact_email: str = "", amount: str = "", currency: str = "",
        lines: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        return self.act(
            "hubspot", "create_deal", firm, name=name, company=company, contact_email=contact_email, amount=amount,
            currency=currency, lines=lines or [],
        )  # fmt: skip

    def win_deal(self, firm: str, deal_id: str) -> dict[str, Any]:
        return self.act("hubspot", "win_deal", firm, id=deal_id)

    # Harvest

    def approve_week(self, firm: str, week: str = "", person: str = "") -> dict[str, Any]:
        return self.act("harvest", "approve_week", firm, week=week, person=person)

    def log_time(
        self, firm: str, *, person: str, project: str, task: str, hours: str, spent_date: str = "", notes: str = ""
    ) -> dict[str, Any]:
        return self.act(
            "harvest", "log_time", firm, person=person, project=project, task=task, hours=hours,
            spent_date=spent_date, notes=notes,
        )  # fmt: skip

    # Xero

    def authorise_invoice(self, firm: str, invoice: str) -> dict[str, Any]:
        return self.act("xero", "authorise_invoice", firm, id=invoice)

    def pay_invoice(self, firm: str, invoice: str, amount: str = "", date: str = "") -> dict[str, Any]:
        return self.act("xero", "record_payment", firm, id=invoice, amount=amount, date=date)

    def void_invoice(self, firm: str, invoice: str) -> dict[str, Any]:
        return self.act("xero", "void_invoice", firm, id=invoice)

    # Every vendor

    def act(self, vendor: str, action: str, firm: str, **params: Any) -> dict[str, Any]:
        given = {name: value for name, value in params.items() if value not in ("", None)}
        return self._call("POST", vendor, f"actions/{action}", {"account": firm, **given})

    def revoke(self, vendor: str, firm: str) -> dict[str, Any]:
        return self.act(vendor, "revoke_access", firm)

    def restore(self, vendor: str, firm: str) -> dict[str, Any]:
        return self.act(vendor, "restore_access", firm)

    def expire_tokens(self, vendor: str, firm: str) -> dict[str, Any]:
        return self.act(vendor, "expire_tokens", firm)

    def set_fault(
        self, vendor: str, kind: str, *, method: str = "", path: str = "", holds: str = "", count: int | None = None,
        probability: float | None = None, arg: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Switch a fault on for requests whose method equals and whose path and body contain what is given."""
        match = {"method": method, "path": path, "holds": holds}
        return self._call(
            "POST", vendor, "faults",
            {"kind": kind, "match": match, "count": count, "probability": probability, "arg": arg},
        )  # fmt: skip

    def clear_faults(self, vendor: str) -> dict[str, Any]:
        return self._call("DELETE", vendor, "faults")

    def set_limits(
        self, vendor: str, windows: dict[str, tuple[int, float]], concurrent: int | None = None
    ) -> dict[str, Any]:
        return self._call("POST", vendor, "limits", {"windows": windows, "concurrent": concurrent})

    def state(self, vendor: str, firm: str = "", collection: str = "") -> dict[str, Any]:
        return self._call("GET", vendor, "state", params={"account": firm, "collection": collection})

    def documents(self, vendor: str, firm: str, collection: str) -> list[dict[str, Any]]:
        return list(self.state(vendor, firm, collection)["collections"].get(collection, []))

    def requests(self, vendor: str, limit: int = 1000) -> list[dict[str, Any]]:
        return list(self._call("GET", vendor, "requests", params={"limit": str(limit)})["requests"])

    def subscribe_webhooks(
        self, vendor: str, firm: str, target_url: str, events: list[str] | None = None
    ) -> dict[str, Any]:
        return self._call(
            "POST", vendor, "webhooks", {"account": firm, "target_url": target_url, "events": events or []}
        )

    def unsubscribe_webhooks(self, vendor: str, subscription_id: str) -> dict[str, Any]:
        return self._call("DELETE", vendor, f"webhooks/{subscription_id}")

    def create_account(self, vendor: str, name: str, currency: str = "EUR") -> dict[str, Any]:
        return self._call("POST", vendor, "accounts", {"name": name, "currency": currency})

    def reset(self, vendor: str) -> dict[str, Any]:
        return self._call("POST", vendor, "reset")

    def _call(
        self, method: str, vendor: str, path: str, body: dict[str, Any] | None = None, *,
        params: dict[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        answer = self.session.request(
            method, f"{self.base_url(vendor)}/_practice/{path}", json=body, params=params, timeout=TIMEOUT_SECONDS
        )
        value = answer.json()
        if not answer.ok:
            raise ControlError(f"{vendor} {path}: {value.get('error', answer.text)}")
        return dict(value)
