"""Faults on purpose: asked for by one request's header, or switched on for the requests that match."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.framework.store import SYSTEM, Store

HEADER = "X-Practice-Fault"
HOSTILE_KINDS = ("unknown_fields", "missing_fields", "wrong_types", "gzip_lie", "gzip_bomb", "drip", "redirect")
REQUEST_KINDS = ("429", "500", "slow", "drop_before", "drop_after", "expired_token", "html", *HOSTILE_KINDS)
WEBHOOK_KINDS = ("webhook_duplicate", "webhook_out_of_order")
KINDS = REQUEST_KINDS + WEBHOOK_KINDS


@dataclass(frozen=True, slots=True)
class Fault:
    kind: str
    arg: str = ""

    def seconds(self, default: float) -> float:
        try:
            return float(self.arg)
        except ValueError:
            return default


class UnknownFaultError(ValueError):
    def __init__(self, kind: object) -> None:
        super().__init__(f"There is no fault {kind!r}; choose one of {', '.join(KINDS)}")


class FaultBook:
    def __init__(self, store: Store, *, dice: random.Random | None = None) -> None:
        self._store = store
        self._dice = dice or random.Random()

    def add(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        kind = str(spec.get("kind", ""))
        if kind not in KINDS:
            raise UnknownFaultError(kind)
        number = self._store.next_number(SYSTEM, "fault")
        match = spec.get("match") or {}
        switch = {
            "id": str(number),
            "kind": kind,
            "match": {
                "method": str(match.get("method", "")).upper(),
                "path": str(match.get("path", "")),
                "holds": str(match.get("holds", "")),
            },
            "count": int(spec["count"]) if spec.get("count") else None,
            "probability": float(spec["probability"]) if spec.get("probability") else None,
            "arg": "" if spec.get("arg") is None else str(spec["arg"]),
        }
        return self._store.put(SYSTEM, "faults", number, switch)

    def list(self) -> list[dict[str, Any]]:
        return self._store.all(SYSTEM, "faults")

    def clear(self, fault_id: str | None = None) -> None:
        if fault_id is None:
            self._store.wipe(SYSTEM, "faults")
        else:
            self._store.delete(SYSTEM, "faults", fault_id)

    def for_request(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Fault | None:
        wanted = headers.get(HEADER)
        if wanted:
            kind, _, arg = wanted.partition(":")
            if kind not in REQUEST_KINDS:
                raise UnknownFaultError(kind)
            return Fault(kind, arg)
        return self._pick(REQUEST_KINDS, method, path, body)

    def for_webhook(self, path: str) -> Fault | None:
        return self._pick(WEBHOOK_KINDS, "POST", path)

    def _pick(self, kinds: tuple[str, ...], method: str, path: str, body: bytes = b"") -> Fault | None:
        for switch in self.list():
            match = switch["match"]
            if switch["kind"] not in kinds or match["method"] not in ("", method) or match["path"] not in path:
                continue
            if match.get("holds", "").encode() not in body:
                continue
            if switch["probability"] is not None and self._dice.random() >= switch["probability"]:
                continue
            self._spend(switch)
            return Fault(switch["kind"], switch["arg"])
        return None

    def _spend(self, switch: dict[str, Any]) -> None:
        if switch["count"] is None:
            return
        if switch["count"] <= 1:
            self._store.delete(SYSTEM, "faults", switch["id"])
        else:
            self._store.put(SYSTEM, "faults", switch["id"], {**switch, "count": switch["count"] - 1})
