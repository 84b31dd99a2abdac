"""The practice vendor as the kit handles it: make, change, remove and count records past the API."""

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import requests

from sandbox.declarative.language import Resource
from sandbox.declarative.operations import complete_in
from sandbox.declarative.templates import get
from sandbox.declarative.vendor import DeclaredVendor
from sandbox.framework.clock import iso_millis, iso_seconds
from sandbox.framework.store import Document
from sandbox.hubspot.records import Records as HubSpotRecords
from sandbox.serving import Served


@dataclass
class Side(ABC):
    served: Served
    account: str

    @abstractmethod
    def make(self, resource: str, values: dict[str, Any], *, at: datetime | None = None) -> str:
        """Make a record and say its id."""

    @abstractmethod
    def touch(self, resource: str, record_id: str, values: dict[str, Any]) -> None:
        """Change it, so that its modification time moves."""

    def displace(self, resource: str, record_id: str, *, to_end: bool) -> bool:
        """Change whatever the vendor's lists are ordered by, so that the record moves to their end or beginning; False:
        they are ordered by nothing that anybody may change."""
        return False

    @abstractmethod
    def remove(self, resource: str, record_id: str) -> None: ...

    @abstractmethod
    def count(self, resource: str) -> int: ...

    @abstractmethod
    def record(self, resource: str, record_id: str) -> dict[str, Any]:
        """As it is stored."""

    @abstractmethod
    def resources(self) -> list[str]: ...


class DeclaredSide(Side):
    """A vendor described by a file."""

    @property
    def vendor(self) -> DeclaredVendor:
        return cast(DeclaredVendor, self.served.vendor)

    def make(self, resource: str, values: dict[str, Any], *, at: datetime | None = None) -> str:
        def work() -> str:
            made = self.vendor.make(self.account, resource, at=at, **values)
            return str(self.vendor.records(self.account).id_of(resource, made))

        return str(self.served.call(work))

    def touch(self, resource: str, record_id: str, values: dict[str, Any]) -> None:
        def work() -> None:
            records = self.vendor.records(self.account)
            record = records.need(resource, record_id)
            changes = values or {self._text_field(resource): f"changed {records.now.timestamp()}"}
            with self.vendor.store.transaction():
                records.assign(resource, record, changes)
            self._wake()

        self.served.call(work)

    def displace(self, resource: str, record_id: str, *, to_end: bool) -> bool:
        def work() -> bool:
            records = self.vendor.records(self.account)
            record, judge = records.need(resource, record_id), records.judge(resource)
            changes = {}
            for name in self._orders(resource):
                plain = name.lstrip("-")
                high = to_end is not name.startswith("-")
                held = [one for one in (get(other, plain) for other in records.all(resource)) if one is not None]
                kind = judge.kind_of(plain)[0]
                if held or kind == "text":
                    changes[plain] = _beyond(kind, held, high=high)
            if changes:
                with self.vendor.store.transaction():
                    records.assign(resource, record, changes)
                self._wake()
            return bool(changes)

        return bool(self.served.call(work))

    def _orders(self, resource: str) -> list[str]:
        """Fields its lists may be ordered by, and anybody may change."""
        file, spec = self.vendor.file, self.vendor.file.resources[resource]
        names: list[str] = []
        for operation in (complete_in(file, spec, name) for name in spec.operations):
            if operation.kind == "list":
                names += [*(operation.order or file.defaults.order), *operation.orders.values()]
        usual = {name.lstrip("-"): name for name in reversed(names)}
        return [name for plain, name in usual.items() if self._is_changeable(spec, plain)]

    def _is_changeable(self, spec: Resource, name: str) -> bool:
        fields, field = spec.fields, None
        for part in [name] if name in fields else name.split("."):
            field = fields.get(part)
            fields = field.fields if field else {}
        stamps = (spec.created, spec.updated, (spec.id or self.vendor.file.defaults.id).field)
        if field is None or name in stamps or field.const is not None:
            return False
        return not (field.read_only or field.on_create_only or field.look_up or field.sequence or field.type == "ref")

    def remove(self, resource: str, record_id: str) -> None:
        def work() -> None:
            records = self.vendor.records(self.account)
            spec = self.vendor.file.resources[resource]
            names = [name for name, item in spec.operations.items() if (item.kind or name) == "delete"]
            flag, hides = None, True
            if names:
                done = complete_in(self.vendor.file, spec, names[0])
                flag, hides = (done.flag if done.deletion == "flag" else None), done.hides
            record = records.need(resource, record_id)
            with self.vendor.store.transaction():
                if flag is not None and not hides:
                    records.assign(resource, record, flag, event="deleted")
                else:
                    records.delete(resource, record, flag=flag)
            self._wake()

        self.served.call(work)

    def count(self, resource: str) -> int:
        return int(self.served.call(lambda: len(self.vendor.records(self.account).all(resource))))

    def record(self, resource: str, record_id: str) -> dict[str, Any]:
        return dict(self.served.call(lambda: self.vendor.records(self.account).need(resource, record_id)))

    def resources(self) -> list[str]:
        return list(self.vendor.file.resources)

    def deletable(self, resource: str) -> bool:
        operations = self.vendor.file.resources[resource].operations
        return any((item.kind or name) == "delete" for name, item in operations.items())

    def _wake(self) -> None:
        if self.vendor.webhooks is not None:
            self.vendor.webhooks.wake()

    def _text_field(self, resource: str) -> str:
        return next(iter(self.text_fields(resource)), "_touched")

    def text_fields(self, resource: str) -> list[str]:
        """Those anybody may change to any text."""
        spec = self.vendor.file.resources[resource]
        return [
            name
            for name, field in spec.fields.items()
            if field.type == "text"
            and not (field.read_only or field.on_create_only or field.look_up or field.sequence)
            and field.const is None
            and name not in (*spec.unique, *spec.external, spec.created, spec.updated)
            and (field.maximum or 99) > 30
        ]


class WrittenSide(Side):
    """A vendor written out in Python: records are made through its own API, as a person's other program would. What only
    the vendor itself makes or changes (people of HubSpot, payments of Xero) is put into its store."""

    STAMPS = {"harvest": ("updated_at", iso_seconds), "xero": ("UpdatedDateUTC", iso_millis)}
    TEXT = {"harvest": "notes", "xero": "Reference", "hubspot": "name"}

    def make(self, resource: str, values: dict[str, Any], *, at: datetime | None = None) -> str:
        if self.served.vendor.name == "hubspot":
            return self._make_in_hubspot(resource, values, at)
        body, path, id_name = values, self._path(resource, values), "id"
        if self.served.vendor.name == "xero":
            body, id_name = {resource: [values]}, _XERO_IDS[resource]
        made = self._request("PUT" if self.served.vendor.name == "xero" else "POST", path, body)
        record = made[resource][0] if resource in made else made
        record_id = str(record[id_name])
        if at is not None:
            self._stamp(resource, record_id, at, {})
        return record_id

    def touch(self, resource: str, record_id: str, values: dict[str, Any]) -> None:
        vendor = self.served.vendor
        changes = values or {self.TEXT[vendor.name]: f"changed {vendor.clock().timestamp()}"}
        if resource in _OF_THE_VENDOR:
            self._put(resource, record_id, changes)
        elif vendor.name == "hubspot":

            def work() -> None:
                held = vendor.store.get(self.account, resource, record_id)
                assert held is not None, f"{resource} {record_id} is not in the store"
                self._hubspot(None).update(resource, held, changes)
                self._wake()

            self.served.call(work)
        elif vendor.name == "xero":
            self._request("POST", f"/{resource}", {resource: [{_XERO_IDS[resource]: record_id, **changes}]})
        else:
            self._request("PATCH", f"{self._path(resource, self.record(resource, record_id))}/{record_id}", changes)

    def remove(self, resource: str, record_id: str) -> None:
        vendor = self.served.vendor
        if resource in _OF_THE_VENDOR and resource not in _XERO_GONE:
            collection = self._collection(resource)
            self.served.call(lambda: vendor.store.delete(self.account, collection, record_id))
        elif vendor.name == "xero":
            path = f"/{resource}/{record_id}" if resource == "Payments" else f"/{resource}"
            self._request("POST", path, {resource: [{_XERO_IDS[resource]: record_id, **_XERO_GONE[resource]}]})
        elif vendor.name == "hubspot":
            self._request("DELETE", f"/crm/v3/objects/{resource}/{record_id}", None)
        else:
            path = self._path(resource, self.record(resource, record_id))
            self._request("DELETE", f"{path}/{record_id}", None)

    def count(self, resource: str) -> int:
        def work() -> int:
            found = self.served.vendor.store.all(self.account, self._collection(resource))
            return sum(not record.get("archived") for record in found)

        return int(self.served.call(work))

    def record(self, resource: str, record_id: str) -> dict[str, Any]:
        store = self.served.vendor.store
        return dict(self.served.call(lambda: store.get(self.account, self._collection(resource), record_id)))

    def resources(self) -> list[str]:
        return list(self.served.call(lambda: self.served.vendor.store.counts(self.account)))

    def _make_in_hubspot(self, resource: str, values: dict[str, Any], at: datetime | None) -> str:
        store = self.served.vendor.store

        def work() -> str:
            if resource in _OF_THE_VENDOR:
                number = store.next_number(self.account, "owner of the kit", start=800_001)
                moment = iso_millis(at or self.served.vendor.clock())
                stamps = {"createdAt": moment, "updatedAt": moment, "archived": False}
                store.put(self.account, resource, str(number), {"id": str(number), **values, **stamps})
                return str(number)
            made = self._hubspot(at).create(resource, values)
            self._wake()
            return str(made["id"])

        return str(self.served.call(work))

    @staticmethod
    def _path(resource: str, values: dict[str, Any]) -> str:
        """Assignments stand below their project in Harvest."""
        return f"/projects/{values['project_id']}/{resource}" if resource.endswith("_assignments") else f"/{resource}"

    def _wake(self) -> None:
        if self.served.vendor.webhooks is not None:
            self.served.vendor.webhooks.wake()

    def _put(self, resource: str, record_id: str, changes: Document) -> None:
        """A change no API makes."""
        store, collection = self.served.vendor.store, self._collection(resource)
        name, form = self.STAMPS.get(self.served.vendor.name, ("updatedAt", iso_millis))

        def work() -> None:
            held = store.get(self.account, collection, record_id)
            assert held is not None, f"{resource} {record_id} is not in the store"
            store.put(self.account, collection, record_id, {**held, **changes, name: form(self.served.vendor.clock())})

        self.served.call(work)

    def _stamp(self, resource: str, record_id: str, at: datetime, changes: Document) -> None:
        name, form = self.STAMPS[self.served.vendor.name]
        store = self.served.vendor.store

        def work() -> None:
            held = store.get(self.account, self._collection(resource), record_id)
            assert held is not None, f"{resource} {record_id} is not in the store"
            store.put(self.account, self._collection(resource), record_id, {**held, **changes, name: form(at)})

        self.served.call(work)

    def _collection(self, resource: str) -> str:
        return _XERO_COLLECTIONS.get(resource, resource)

    def _hubspot(self, at: datetime | None) -> HubSpotRecords:
        vendor = self.served.vendor
        return HubSpotRecords(
            vendor.store, self.account, at or vendor.clock(), source="CRM_UI", webhooks=vendor.webhooks
        )

    def _request(self, method: str, path: str, body: Any) -> Any:
        vendor = self.served.vendor
        account = self.served.call(lambda: dict(vendor.account(self.account)))
        headers = {
            "Authorization": f"Bearer {account['token']}", "Harvest-Account-Id": self.account,
            "xero-tenant-id": self.account, "User-Agent": "kit (kit@example.com)", "Accept": "application/json",
        }  # fmt: skip
        address = f"{vendor.base_url}{vendor.api_prefix if vendor.name != 'hubspot' else ''}{path}"
        answer = requests.request(method, address, json=body, headers=headers, timeout=30)
        assert answer.ok, f"the practice vendor refused the kit: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None


_XERO_IDS = {
    "Contacts": "ContactID", "Invoices": "InvoiceID", "CreditNotes": "CreditNoteID", "Payments": "PaymentID",
    "Accounts": "AccountID", "TaxRates": "TaxType",
}  # fmt: skip
_XERO_COLLECTIONS = {
    "Contacts": "contacts", "Invoices": "invoices", "CreditNotes": "credit_notes", "Payments": "payments",
    "Accounts": "accounts", "TaxRates": "tax_rates",
}  # fmt: skip
_XERO_GONE = {
    "Contacts": {"ContactStatus": "ARCHIVED"}, "Invoices": {"Status": "DELETED"}, "CreditNotes": {"Status": "DELETED"},
    "Payments": {"Status": "DELETED"},
}  # fmt: skip
_OF_THE_VENDOR = ("owners", "Accounts", "TaxRates", "Payments")
"""What other programs cannot change through the API, or not make."""


def _beyond(kind: str, held: list[Any], *, high: bool) -> Any:
    """A value just before or behind all that are held, in their form; times stay within whatever window is asked for."""
    edge = (max if high else min)(held, default=None)
    if isinstance(edge, bool):
        return high
    if isinstance(edge, int):
        return edge + (1 if high else -1)
    if kind in ("datetime", "date") and isinstance(edge, str):
        step = timedelta(days=1) if len(edge) == 10 else timedelta(minutes=5)
        moved = datetime.fromisoformat(edge) + (step if high else -step)
        return f"{moved:%Y-%m-%d}" if len(edge) == 10 else f"{moved:%Y-%m-%d}{edge[10]}{moved:%H:%M:%S}{edge[19:]}"
    return f"{'~~' if high else '  '}{secrets.token_hex(3)}"


def side_of(served: Served, account: str) -> Side:
    own = getattr(served.vendor, "side", None)
    if own is not None:
        side: Side = own(served, account)
        return side
    kind = DeclaredSide if isinstance(served.vendor, DeclaredVendor) else WrittenSide
    return kind(served, account)
