"""The records of one account: made, changed, deleted, found and shown as the vendor file says."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sandbox.declarative import moments
from sandbox.declarative.conditions import Judge, QueryError, Record, comparable
from sandbox.declarative.ids import from_pattern, new_id
from sandbox.declarative.language import FieldSpec, Guard, IdForm, Resource
from sandbox.declarative.problems import Problem
from sandbox.declarative.templates import get, put
from sandbox.declarative.values import Checker

if TYPE_CHECKING:
    from sandbox.declarative.vendor import DeclaredVendor

_HIDDEN = ("_seq", "_created", "_updated", "_version", "_deleted")


@dataclass(slots=True)
class Change:
    """What `behaviour.py` sees around a save; `record` may be changed."""

    resource: str
    record: Record
    previous: Record | None
    given: Record
    records: "Records"

    def refuse(self, case: str, message: str, *, field: str = "", **values: Any) -> Problem:
        """To raise: the refusal in the vendor's shape."""
        return Problem(case, message, field=field, **values)


class Records:
    """One account's records at one moment."""

    def __init__(self, vendor: "DeclaredVendor", account: str, now: datetime) -> None:
        self.vendor, self.account, self.now = vendor, account, now
        self.file, self.store = vendor.file, vendor.store
        self._behaviour: ModuleType | None = vendor.behaviour

    # Reading

    def all(self, resource: str, *, deleted: str = "hide") -> list[Record]:
        """Records that are there (`hide`), that are gone (`only`), or both (`show`); for reading only."""
        found = self.store.all(self.account, resource)
        if deleted == "show":
            return found
        return [record for record in found if bool(record["_deleted"]) is (deleted == "only")]

    def get(self, resource: str, record_id: Any, *, by: str = "", deleted: str = "hide") -> Record | None:
        """A copy that may be changed and saved."""
        if not by:
            held = self.store.get(self.account, resource, str(record_id))
            if held is None or (held["_deleted"] and deleted == "hide"):
                return None
            return held
        for record in self.all(resource, deleted=deleted):
            if get(record, by) not in (None, "") and str(get(record, by)) == str(record_id):
                return copy.deepcopy(record)
        return None

    def need(self, resource: str, record_id: Any, *, by: str = "", deleted: str = "hide") -> Record:
        found = self.get(resource, record_id, by=by, deleted=deleted)
        if found is None:
            title = self.spec(resource).title or resource
            raise Problem(
                "not_found", f"There is no {title} {record_id}", field="id", given=str(record_id), title=title
            )
        return found

    def spec(self, resource: str) -> Resource:
        return self.file.resources[resource]

    def id_form(self, resource: str) -> IdForm:
        return self.spec(resource).id or self.file.defaults.id

    def id_of(self, resource: str, record: Record) -> Any:
        return get(record, self.id_form(resource).field)

    def guard(self, resource: str) -> Guard | None:
        return self.spec(resource).guard or self.file.defaults.guard

    def judge(self, resource: str) -> Judge:
        return Judge(
            lambda path: self.kind_of(resource, path), lambda record, path: self.value_of(resource, record, path)
        )

    def kind_of(self, resource: str, path: str) -> tuple[str, Any]:
        """A field's type and moment form; raises on a field the resource does not have."""
        spec, form = self.spec(resource), self.id_form(resource)
        if path in (spec.created, spec.updated) and path:
            held = self.field(resource, path)
            return "datetime", (held.moment if held else None) or self.file.defaults.moment
        if path == form.field:
            return ("integer" if form.form in ("number", "number_text") else "text"), None
        field = self.field(resource, path)
        if field is None:
            if spec.open:
                return "text", None
            raise QueryError(f"{resource} has no field {path!r}")
        if field.type == "ref":
            return ("text" if field.by else self.kind_of(field.to, self.id_form(field.to).field)[0]), None
        return field.type, field.moment or (self.file.defaults.moment if field.type == "datetime" else None)

    def field(self, resource: str, path: str) -> FieldSpec | None:
        fields = self.spec(resource).fields
        if path in fields:
            return fields[path]
        head, _, rest = path.partition(".")
        field = fields.get(head)
        while field is not None and rest:
            if field.type == "ref":
                if field.form == "object" and rest == field.id_key:
                    return FieldSpec(type="any")
                return self.field(field.to, field.with_.get(rest, rest))
            inner = field.item.fields if field.item else field.fields
            if field.open and rest not in inner:
                return FieldSpec(type="any")
            head, _, rest = rest.partition(".")
            field = inner.get(head)
        return field

    def value_of(self, resource: str, record: Record, path: str) -> Any:
        """A field's value as comparisons see it: a path may lead through a reference."""
        fields = self.spec(resource).fields
        if path in fields:
            return self._looked_up(resource, record, fields[path]) if fields[path].look_up else get(record, path)
        head, _, rest = path.partition(".")
        field = fields.get(head)
        if field is not None and field.type == "ref" and rest:
            if rest == field.id_key:
                return record.get(head)
            other = self.referred(field, record.get(head))
            return None if other is None else self.value_of(field.to, other, field.with_.get(rest, rest))
        return get(record, path)

    def referred(self, field: FieldSpec, value: Any) -> Record | None:
        if value is None:
            return None
        if not field.by:
            return self.store.peek(self.account, field.to, str(value))
        return next((item for item in self.all(field.to) if str(get(item, field.by)) == str(value)), None)

    # Writing

    def create(self, resource: str, given: Record, *, loose: bool = False, at: datetime | None = None) -> Record:
        """Check and store a new record. `at`: its stamps, when they are not now."""
        spec = self.spec(resource)
        record: Record = {}
        nested = {name: given[name] for name in spec.children if isinstance(given, dict) and given.get(name)}
        for name, field in spec.fields.items():
            if field.default is not None:
                put(record, name, copy.deepcopy(field.default))
        self._take(resource, record, given, loose=loose, is_new=True)
        for name, field in spec.fields.items():
            if field.required and get(record, name) in (None, "") and not (field.type == "list" and get(record, name)):
                raise Problem("required", f"{name} is required", field=name)
        form = self.id_form(resource)
        given_id = get(given, form.field) if form.form == "given" or form.may_be_given else None
        if form.form == "given" and given_id in (None, ""):
            raise Problem("required", f"{form.field} is required", field=form.field)
        new = given_id or new_id(form, self.store, self.account, resource)
        if self.store.peek(self.account, resource, str(new)) is not None:
            raise Problem("duplicate", f"{resource} {new} is there already", field=form.field, given=str(new))
        put(record, form.field, new)
        for name, field in spec.fields.items():
            if field.sequence and get(record, name) in (None, ""):
                put(record, name, from_pattern(field.sequence, self.store, self.account, f"{resource}.{name}"))
        record |= {
            "_seq": self.store.next_number(self.account, "_seq"), "_created": 0, "_updated": 0, "_version": 0,
            "_deleted": False,
        }  # fmt: skip
        saved = self._save(resource, record, None, given, "created", at)
        for name, items in nested.items():
            child = spec.children[name]
            for item in items:
                self.create(child.resource, {**item, child.by: new}, loose=loose, at=at)
        return self.get(resource, new) or saved if nested else saved

    def update(self, resource: str, record: Record, given: Record, *, loose: bool = False, event: str = "",
               at: datetime | None = None) -> Record:  # fmt: skip
        """Check and store changes to a record that `get` gave."""
        previous = copy.deepcopy(record)
        self._take(resource, record, given, loose=loose, is_new=False)
        for name, field in self.spec(resource).fields.items():
            if field.required and get(record, name) in (None, ""):
                raise Problem("required", f"{name} is required", field=name)
        return self._save(resource, record, previous, given, event or "updated", at)

    def assign(
        self, resource: str, record: Record, values: Record, *, event: str = "", at: datetime | None = None
    ) -> Record:
        """Store values without checks: what the vendor itself does to a record (a state, a total)."""
        previous = copy.deepcopy(record)
        for name, value in values.items():
            put(record, name, value)
        return self._save(resource, record, previous, values, event or "updated", at)

    def delete(self, resource: str, record: Record, *, flag: Record | None = None) -> None:
        """Mark as gone. With `flag` the record still shows what it says then."""
        previous = copy.deepcopy(record)
        record["_deleted"] = True
        for name, value in (flag or {}).items():
            put(record, name, value)
        self._save(resource, record, previous, {}, "deleted", None)

    def _take(self, resource: str, record: Record, given: Any, *, loose: bool, is_new: bool) -> None:
        if not isinstance(given, dict):
            raise Problem("malformed", "the request body must be an object")
        spec, defaults = self.spec(resource), self.file.defaults
        checker = Checker(
            find=self._find, moment=defaults.moment, loose=loose, store=self.store, account=self.account
        )  # fmt: skip
        seen: set[str] = set()
        for name, field in spec.fields.items():
            present, value = _given(given, name)
            if not present:
                continue
            seen.add(name if name.startswith("@") else name.partition(".")[0])
            locked = field.read_only or field.const is not None or field.look_up or name in (spec.created, spec.updated)
            if locked or (field.on_create_only and not is_new):
                if defaults.read_only == "refuse" and value != get(record, name):
                    raise Problem("read_only", f"{name} cannot be written", field=name)
                continue
            held = checker.value(name, field, value)
            old = get(record, name)
            if field.open and isinstance(held, dict) and isinstance(old, dict):
                held = {key: item for key, item in {**old, **held}.items() if item not in (None, "")}
            put(record, name, held)
        self._unknown(resource, record, given, seen)

    def _unknown(self, resource: str, record: Record, given: Record, seen: set[str]) -> None:
        spec, guard = self.spec(resource), self.guard(resource)
        known = {self.id_form(resource).field, *spec.children, *(name.partition(".")[0] for name in spec.fields)}
        if guard is not None:
            known.add(guard.field)
        for name, value in given.items():
            if name in known or name in seen or name.startswith("@"):
                continue
            if spec.open:
                record[name] = value
            elif self.file.defaults.unknown_fields == "refuse":
                raise Problem("unknown_field", f"there is no field {name}", field=name, given=name)

    def _find(self, resource: str, by: str, value: Any) -> Any:
        if not by:
            held = self.store.peek(self.account, resource, str(value))
            return None if held is None or held["_deleted"] else self.id_of(resource, held)
        found = self.get(resource, value, by=by)
        return None if found is None else get(found, by)

    def _save(
        self, resource: str, record: Record, previous: Record | None, given: Record, event: str, at: datetime | None
    ) -> Record:
        spec = self.spec(resource)
        change = Change(resource, record, previous, given, self)
        self._call("before_save", change)
        if not record["_deleted"]:
            self._unique(resource, record)
        moment = at or self.now
        stamp = moment.timestamp()
        if previous is None:
            record["_created"] = stamp
            self._stamp(resource, record, spec.created, moment)
        record["_updated"], record["_version"] = stamp, record["_version"] + 1
        self._stamp(resource, record, spec.updated, moment)
        self.store.put(self.account, resource, str(self.id_of(resource, record)), record)
        self._call("after_save", change)
        self.vendor.announce(self, resource, record, event)
        return record

    def _stamp(self, resource: str, record: Record, name: str, moment: datetime) -> None:
        if name:
            field = self.field(resource, name)
            put(record, name, moments.written(moment, (field.moment if field else None) or self.file.defaults.moment))

    def _unique(self, resource: str, record: Record) -> None:
        mine = self.id_of(resource, record)
        for name in (*self.spec(resource).unique, *self.spec(resource).external):
            value = get(record, name)
            if value in (None, ""):
                continue
            for other in self.all(resource):
                if self.id_of(resource, other) != mine and str(get(other, name)).lower() == str(value).lower():
                    raise Problem(
                        "duplicate", f"{name} {value!r} is already taken", field=name, given=str(value),
                        other=self.id_of(resource, other),
                    )  # fmt: skip

    # Showing

    def shown(self, resource: str, record: Record, *, expand: Iterable[str] | None = None, narrow: str = "") -> Record:
        """The record as the vendor answers it. `narrow`: only these fields, separated by commas."""
        spec, defaults = self.spec(resource), self.file.defaults
        found: Record = {}
        form, guard = self.id_form(resource), self.guard(resource)
        if guard is not None and guard.kind == "etag" and guard.field:
            found[guard.field] = self.version(guard, record)
        if form.field not in spec.fields:
            put(found, form.field, self.id_of(resource, record))
        for name, field in spec.fields.items():
            if field.hidden:
                continue
            value = self._shown_value(resource, record, name, field)
            if value is not None or (defaults.absent == "shown" and field.nullable):
                put(found, name, value)
        if spec.open:
            tops = {name.partition(".")[0] for name in spec.fields} | {*_HIDDEN, form.field}
            found |= {name: value for name, value in record.items() if name not in tops}
        if guard is not None and guard.kind == "field":
            put(found, guard.field, self.version(guard, record))
        for name, child in spec.children.items():
            if not child.expand_param or name in (expand or ()):
                mine = str(self.id_of(resource, record))
                rows = [item for item in self.all(child.resource) if str(get(item, child.by)) == mine]
                put(found, name, [self.shown(child.resource, item) for item in rows])
        if self._behaviour is not None and hasattr(self._behaviour, "render"):
            self._behaviour.render(resource, found, record, self)
        if narrow:
            wanted = {part.strip().partition(".")[0] for part in narrow.split(",")}
            found = {name: value for name, value in found.items() if name in wanted or name.startswith("@")}
        return found

    def version(self, guard: Guard, record: Record) -> Any:
        if guard.form == "weak_etag":
            return f"W/\"'{record['_seq']}-{record['_version']}'\""
        return record["_version"] if guard.form == "number" else str(record["_version"])

    def place(self, resource: str, record: Record, order: Iterable[str]) -> list[Any]:
        """Where the record stands in an order, as JSON values; backwards ones are wrapped in a list."""
        found: list[Any] = []
        backwards = False
        for index, name in enumerate(order):
            backwards = name.startswith("-") if index == 0 else backwards
            plain = name.lstrip("-")
            kind, form = ("integer", None) if plain == "_seq" else self.kind_of(resource, plain)
            value = (
                comparable(self.value_of(resource, record, plain), kind, form) if plain != "_seq" else record["_seq"]
            )
            if isinstance(value, datetime):
                value = round(value.timestamp() * 1_000_000)
            elif value is not None and not isinstance(value, int | str | float):
                value = float(value) if kind != "date" else value.isoformat()
            found.append([value] if name.startswith("-") else value)
        found.append([record["_seq"]] if backwards else record["_seq"])
        return found

    def _shown_value(self, resource: str, record: Record, name: str, field: FieldSpec) -> Any:
        if field.const is not None:
            return field.const
        if field.look_up:
            return self._looked_up(resource, record, field)
        value = get(record, name)
        if field.type == "ref" and field.form == "object" and value is not None:
            other = self.referred(field, value)
            parts = {
                shown: self.value_of(field.to, other, path) if other is not None else None
                for shown, path in field.with_.items()
            }
            return {field.id_key: value, **parts}
        if field.type in ("list", "object") and value is not None:
            return self._nested(field, value)
        return copy.deepcopy(value)

    def _nested(self, field: FieldSpec, value: Any) -> Any:
        """The objects inside a record, with references and hidden fields as on the outside."""
        if field.type == "list" and field.item is not None and isinstance(value, list):
            return [self._nested(field.item, item) for item in value]
        if field.type != "object" or not isinstance(value, dict) or not field.fields:
            return copy.deepcopy(value)
        found: Record = {name: copy.deepcopy(item) for name, item in value.items() if name not in field.fields}
        for name, inner in field.fields.items():
            if inner.hidden:
                continue
            held: Any = inner.const if inner.const is not None else value.get(name)
            if inner.type == "ref" and inner.form == "object" and held is not None:
                other = self.referred(inner, held)
                parts = {key: get(other or {}, path) for key, path in inner.with_.items()}
                held = {inner.id_key: held, **parts}
            elif inner.type in ("list", "object") and held is not None:
                held = self._nested(inner, held)
            if held is not None or (self.file.defaults.absent == "shown" and inner.nullable):
                found[name] = copy.deepcopy(held)
        return found

    def _looked_up(self, resource: str, record: Record, field: FieldSpec) -> Any:
        head, _, rest = field.look_up.partition(".")
        pointer = self.spec(resource).fields[head]
        other = self.referred(pointer, get(record, head))
        return None if other is None else self.value_of(pointer.to, other, rest)

    def _call(self, name: str, change: Change) -> None:
        work: Callable[[Change], None] | None = getattr(self._behaviour, name, None)
        if work is not None:
            work(change)


def _given(given: Record, name: str) -> tuple[bool, Any]:
    if name in given:
        return True, given[name]
    if name.startswith("@") or "." not in name:
        return False, None
    held: Any = given
    for part in name.split("."):
        if not isinstance(held, dict) or part not in held:
            return False, None
        held = held[part]
    return True, held
