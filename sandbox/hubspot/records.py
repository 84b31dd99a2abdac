"""Records and their associations: create, change, archive, associate — with the webhook events each causes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sandbox.framework.clock import epoch_millis, iso_millis
from sandbox.framework.store import Document, Store
from sandbox.hubspot.schema import (
    ASSOCIATIONS,
    PIPELINE,
    PRIMARY,
    PROPERTIES,
    SINGULAR,
    STAGE,
    default_type,
    modified_property,
    primary_type,
)  # fmt: skip

if TYPE_CHECKING:
    from sandbox.framework.webhooks import Webhooks

FIRST_ID = 9_001_000_001


class InvalidPropertyError(ValueError):
    def __init__(self, name: str, message: str, code: str) -> None:
        super().__init__(message)
        self.name, self.code = name, code


@dataclass(slots=True)
class Records:
    """One portal's records. `source` is what HubSpot calls the change source: CRM_UI or INTEGRATION."""

    store: Store
    account: str
    now: datetime
    source: str = "INTEGRATION"
    webhooks: "Webhooks | None" = None

    def create(self, kind: str, properties: Mapping[str, Any]) -> Document:
        record_id = str(self.store.next_number(self.account, "record", start=FIRST_ID))
        stamp = iso_millis(self.now)
        record: Document = {
            "id": record_id, "createdAt": stamp, "updatedAt": stamp, "archived": False,
            "properties": {"hs_object_id": record_id, "createdate": stamp, "hs_object_source": self.source},
        }  # fmt: skip
        if kind == "deals":
            record["properties"] |= {"pipeline": PIPELINE, "dealstage": "appointmentscheduled", "hs_is_closed": "false"}
        self._apply(kind, record, self._checked(kind, properties))
        self._save(kind, record)
        self._tell(kind, "creation", record_id, changeFlag="CREATED")
        for name, value in record["properties"].items():
            if name in properties:
                self._tell_property(kind, record_id, name, value)
        return record

    def update(self, kind: str, record: Document, properties: Mapping[str, Any]) -> Document:
        before = dict(record["properties"])
        self._apply(kind, record, self._checked(kind, properties))
        record["updatedAt"] = iso_millis(self.now)
        self._save(kind, record)
        for name, value in record["properties"].items():
            if before.get(name) != value and name != modified_property(kind):
                self._tell_property(kind, record["id"], name, value)
        return record

    def archive(self, kind: str, record: Document) -> None:
        stamp = iso_millis(self.now)
        self._save(kind, {**record, "archived": True, "archivedAt": stamp, "updatedAt": stamp})
        self._tell(kind, "deletion", record["id"], changeFlag="DELETED")

    def associate(self, from_type: str, from_id: str, to_type: str, to_id: str, types: list[int] | None = None) -> None:
        """Both directions. Without `types` the unlabelled one, primary too when there is none yet."""
        unlabelled, primary = default_type(from_type, to_type), primary_type(from_type, to_type)
        if unlabelled is None:
            raise InvalidPropertyError("associations", f"{from_type} cannot be associated with {to_type}", "INVALID")
        wanted = {unlabelled, *(types or [])}
        present = {number for numbers in self.linked(from_type, from_id, to_type).values() for number in numbers}
        if primary is not None and primary not in present:
            wanted.add(primary)
        self._link(from_type, from_id, to_type, to_id, wanted)
        self._link(to_type, to_id, from_type, from_id, {ASSOCIATIONS[number].inverse for number in wanted})
        name = f"{SINGULAR[from_type]}.associationChange"
        self._queue((name,), {
            "subscriptionType": name, "associationType": f"{SINGULAR[from_type]}_to_{SINGULAR[to_type]}".upper(),
            "fromObjectId": int(from_id), "toObjectId": int(to_id), "associationRemoved": False,
            "isPrimaryAssociation": bool(wanted & PRIMARY),
        })  # fmt: skip

    def dissociate(self, from_type: str, from_id: str, to_type: str, to_id: str) -> None:
        for one, one_id, other, other_id in (
            (from_type, from_id, to_type, to_id),
            (to_type, to_id, from_type, from_id),
        ):
            links = self.store.get(self.account, "associations", f"{one}:{one_id}") or {}
            links.get(other, {}).pop(other_id, None)
            self.store.put(self.account, "associations", f"{one}:{one_id}", links)

    def linked(self, from_type: str, from_id: str, to_type: str) -> dict[str, list[int]]:
        """Associated ids with their type ids, for reading only."""
        links = self.store.peek(self.account, "associations", f"{from_type}:{from_id}") or {}
        found: dict[str, list[int]] = links.get(to_type, {})
        return found

    def _link(self, from_type: str, from_id: str, to_type: str, to_id: str, types: set[int]) -> None:
        links = self.store.get(self.account, "associations", f"{from_type}:{from_id}") or {}
        mine = links.setdefault(to_type, {})
        if types & PRIMARY:
            for numbers in mine.values():
                numbers[:] = [number for number in numbers if number not in types & PRIMARY]
        mine[to_id] = sorted({*mine.get(to_id, []), *types})
        self.store.put(self.account, "associations", f"{from_type}:{from_id}", links)

    def _checked(self, kind: str, properties: Mapping[str, Any]) -> dict[str, str | None]:
        known = {*PROPERTIES[kind], *(item["name"] for item in self.custom(kind))}
        values: dict[str, str | None] = {}
        for name, value in properties.items():
            if name not in known:
                raise InvalidPropertyError(name, f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST")
            values[name] = _text(value)
        stage = values.get("dealstage") if kind == "deals" else None
        if stage and stage not in STAGE:
            raise InvalidPropertyError("dealstage", f"{stage} was not one of the allowed options", "INVALID_OPTION")
        for name in ("amount", "price", "quantity", "discount"):
            if values.get(name) and not _is_number(str(values[name])):
                raise InvalidPropertyError(name, f"{values[name]} was not a valid number.", "INVALID_INTEGER")
        return values

    def custom(self, kind: str) -> list[Document]:
        return [item for item in self.store.all(self.account, "properties") if item["objectType"] == kind]

    def _apply(self, kind: str, record: Document, values: Mapping[str, str | None]) -> None:
        properties = record["properties"]
        stage_before = properties.get("dealstage") if "dealname" in properties else None
        properties.update(values)
        properties[modified_property(kind)] = iso_millis(self.now)
        if kind == "deals" and properties.get("dealstage") != stage_before:
            self._enter_stage(properties, values)
        if kind == "line_items":
            properties["amount"] = _line_amount(properties)

    def _enter_stage(self, properties: dict[str, str | None], values: Mapping[str, str | None]) -> None:
        stage = STAGE[str(properties["dealstage"])]
        properties["hs_is_closed"] = "true" if stage.closed else "false"
        properties["hs_is_closed_won"] = "true" if stage.id == "closedwon" else "false"
        properties["hs_deal_stage_probability"] = stage.probability
        properties["hs_closed_amount"] = properties.get("amount") if stage.id == "closedwon" else "0"
        if stage.closed and "closedate" not in values:
            properties["closedate"] = iso_millis(self.now)

    def _save(self, kind: str, record: Document) -> None:
        self.store.put(self.account, kind, record["id"], record)

    def _tell_property(self, kind: str, record_id: str, name: str, value: str | None) -> None:
        self._tell(kind, "propertyChange", record_id, detail=name, propertyName=name, propertyValue=value or "")

    def _tell(self, kind: str, what: str, record_id: str, *, detail: str = "", **values: Any) -> None:
        name = f"{SINGULAR[kind]}.{what}"
        names = (name, f"{name}:{detail}") if detail else (name,)
        self._queue(names, {"subscriptionType": name, "objectId": int(record_id), **values})

    def _queue(self, names: tuple[str, ...], event: Mapping[str, Any]) -> None:
        if self.webhooks is None:
            return
        event_id = self.store.next_number(self.account, "event", start=100_000_001)
        self.webhooks.queue(self.account, names, {
            "eventId": event_id, "portalId": int(self.account), "appId": 4_200_001,
            "occurredAt": epoch_millis(self.now), "changeSource": self.source, **event,
        })  # fmt: skip


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _line_amount(properties: Mapping[str, str | None]) -> str:
    price, quantity = Decimal(properties.get("price") or "0"), Decimal(properties.get("quantity") or "1")
    share = Decimal(properties.get("hs_discount_percentage") or "0") / 100
    amount = price * quantity * (1 - share) - Decimal(properties.get("discount") or "0") * quantity
    return f"{amount.normalize():f}"
