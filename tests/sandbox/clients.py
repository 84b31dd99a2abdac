"""A thin client per practice vendor, as a connector would call it."""

from dataclasses import dataclass, field
from typing import Any

import requests

from sandbox.control import Control


@dataclass
class Api:
    base: str
    headers: dict[str, str]
    credentials: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    @classmethod
    def harvest(cls, control: Control, firm: str) -> "Api":
        given = control.credentials(firm, "harvest")
        headers = {
            "Authorization": f"Bearer {given['token']}",
            "Harvest-Account-Id": given["account_id"],
            "User-Agent": given["user_agent"],
        }
        return cls(f"{control.base_url('harvest')}/v2", headers, given)

    @classmethod
    def hubspot(cls, control: Control, firm: str) -> "Api":
        given = control.credentials(firm, "hubspot")
        return cls(control.base_url("hubspot"), {"Authorization": f"Bearer {given['token']}"}, given)

    @classmethod
    def xero(cls, control: Control, firm: str) -> "Api":
        given = control.credentials(firm, "xero")
        headers = {
            "Authorization": f"Bearer {given['token']}",
            "xero-tenant-id": given["tenant_id"],
            "Accept": "application/json",
        }
        return cls(f"{control.base_url('xero')}/api.xro/2.0", headers, given)

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.session.request(method, self.base + path, json=body, headers=headers, timeout=30, **options)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()
