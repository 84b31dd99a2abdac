"""Actions every vendor has (access), joined with the vendor's own; each runs in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.framework.vendor import Action, ActionError, Vendor


def all_actions(vendor: Vendor) -> list[Action]:
    return [*vendor.actions(), *_access_actions(vendor)]


def run_action(vendor: Vendor, name: str, account: str, params: Mapping[str, Any]) -> dict[str, Any]:
    action = next(item for item in all_actions(vendor) if item.name == name)
    missing = [item.name for item in action.fields if item.required and params.get(item.name) in (None, "")]
    if missing:
        raise ActionError(f"{action.label} needs: {', '.join(missing)}")
    with vendor.store.transaction():
        result = action.run(account, params, vendor.clock())
    if vendor.webhooks is not None:
        vendor.webhooks.wake()
    return result


def _access_actions(vendor: Vendor) -> list[Action]:
    def revoke(account: str, _params: Mapping[str, Any], _now: datetime) -> dict[str, Any]:
        return {"message": f"Access revoked: {vendor.tokens.revoke(account)} tokens."}

    def restore(account: str, _params: Mapping[str, Any], _now: datetime) -> dict[str, Any]:
        return {"message": f"Access restored: {vendor.tokens.restore(account)} tokens."}

    def expire(account: str, _params: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return {"message": f"{vendor.tokens.expire(account, now)} OAuth access tokens have run out."}

    return [
        Action("revoke_access", "Revoke access", revoke),
        Action("restore_access", "Restore access", restore),
        Action("expire_tokens", "Let access tokens expire", expire),
    ]
