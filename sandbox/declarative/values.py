"""Checks what a request gives against the fields of a resource, and writes fields as the vendor shows them."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.declarative import moments
from sandbox.declarative.ids import new_id
from sandbox.declarative.language import FieldSpec, Moment
from sandbox.declarative.problems import Problem
from sandbox.framework.store import Store

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# (resource, key field or "", value) → whether there is such a record, and its id as stored
Find = Callable[[str, str, Any], Any]


class Checker:
    """Checks values for one request. `loose`: the body was a form, so every value came as text."""

    def __init__(self, *, find: Find, moment: Moment, loose: bool, store: Store, account: str) -> None:
        self._find, self._moment, self._loose = find, moment, loose
        self._store, self._account = store, account

    def value(self, name: str, field: FieldSpec, given: Any) -> Any:
        """The value as it is stored; raises `Problem`."""
        if given is None or (self._loose and given == ""):
            if not field.nullable:
                raise Problem("wrong_type", f"{name} may not be null", field=name)
            return None
        return getattr(self, f"_{field.type}")(name, field, given)

    def fields(self, at: str, fields: Mapping[str, FieldSpec], given: Any, *, is_open: bool, field: FieldSpec) -> Any:
        if not isinstance(given, dict):
            raise self._wrong(at, field, given)
        missing = [name for name, spec in fields.items() if spec.required and given.get(name) in (None, "")]
        if missing:
            raise Problem("required", f"{at}.{missing[0]} is required", field=f"{at}.{missing[0]}")
        held = {name: spec.default for name, spec in fields.items() if spec.default is not None}
        for name, value in given.items():
            if name in fields:
                held[name] = self.value(f"{at}.{name}", fields[name], value)
            elif is_open:
                held[name] = value
        return held

    def _text(self, name: str, field: FieldSpec, given: Any) -> str:
        if not isinstance(given, str):
            raise self._wrong(name, field, given)
        if field.maximum is not None and len(given) > field.maximum:
            raise Problem("invalid", f"{name} is too long: at most {field.maximum} characters", field=name)
        return given

    def _integer(self, name: str, field: FieldSpec, given: Any) -> int:
        if self._loose and isinstance(given, str) and re.fullmatch(r"-?\d+", given):
            given = int(given)
        if isinstance(given, Decimal) and given == given.to_integral_value():
            given = int(given)
        if not isinstance(given, int) or isinstance(given, bool):
            raise self._wrong(name, field, given)
        return given

    def _decimal(self, name: str, field: FieldSpec, given: Any) -> Any:
        if self._loose and isinstance(given, str):
            given = self._number(name, field, given)
        if isinstance(given, bool) or not isinstance(given, int | Decimal | float):
            raise self._wrong(name, field, given)
        return given

    def _decimal_text(self, name: str, field: FieldSpec, given: Any) -> str:
        if isinstance(given, bool) or not isinstance(given, str | int | Decimal | float):
            raise self._wrong(name, field, given)
        self._number(name, field, str(given))
        return str(given)

    def _number(self, name: str, field: FieldSpec, given: str) -> Decimal:
        try:
            return Decimal(given)
        except InvalidOperation as error:
            raise self._wrong(name, field, given) from error

    def _boolean(self, name: str, field: FieldSpec, given: Any) -> bool:
        if self._loose and given in ("true", "false"):
            return bool(given == "true")
        if not isinstance(given, bool):
            raise self._wrong(name, field, given)
        return given

    def _date(self, name: str, field: FieldSpec, given: Any) -> Any:
        return self._moment_value(name, field, given, field.moment or "date")

    def _datetime(self, name: str, field: FieldSpec, given: Any) -> Any:
        return self._moment_value(name, field, given, field.moment or self._moment)

    def _moment_value(self, name: str, field: FieldSpec, given: Any, form: Moment) -> Any:
        is_number = form in ("epoch_s", "epoch_ms")
        if is_number and not self._loose and (isinstance(given, bool) or not isinstance(given, int)):
            raise self._wrong(name, field, given)
        if not is_number and not isinstance(given, str):
            raise self._wrong(name, field, given)
        try:
            return moments.written(moments.read(given, form), form)
        except (ValueError, OverflowError) as error:
            raise self._wrong(name, field, given) from error

    def _enum(self, name: str, field: FieldSpec, given: Any) -> Any:
        if self._loose and isinstance(given, str):
            given = next((value for value in field.values if str(value) == given), given)
        if given not in field.values or isinstance(given, bool) is not isinstance(field.values[0], bool):
            allowed = ", ".join(map(str, field.values))
            raise Problem("not_allowed", f"{name} must be one of {allowed}", field=name, given=str(given)[:80])
        return given

    def _uuid(self, name: str, field: FieldSpec, given: Any) -> str:
        if not isinstance(given, str) or not _UUID.fullmatch(given):
            raise self._wrong(name, field, given)
        return given

    def _ref(self, name: str, field: FieldSpec, given: Any) -> Any:
        if field.form == "object":
            if not isinstance(given, dict) or given.get(field.id_key) in (None, ""):
                raise Problem("wrong_type", f"{name} must be an object with {field.id_key}", field=name)
            given = given[field.id_key]
        if isinstance(given, dict | list | bool):
            raise self._wrong(name, field, given)
        found = self._find(field.to, field.by, given)
        if found is None:
            raise Problem("bad_reference", f"{name}: there is no {field.to} {given}", field=name, given=str(given)[:80])
        return found

    def _list(self, name: str, field: FieldSpec, given: Any) -> list[Any]:
        if not isinstance(given, list):
            raise self._wrong(name, field, given)
        if field.item is None:
            return list(given)
        held = [self.value(f"{name}.{index}", field.item, item) for index, item in enumerate(given)]
        if field.item_id is not None:
            for item in held:
                if item.get(field.item_id.field) is None:
                    item[field.item_id.field] = new_id(field.item_id, self._store, self._account, name)
        return held

    def _object(self, name: str, field: FieldSpec, given: Any) -> Any:
        is_open = field.open or not field.fields
        return self.fields(name, field.fields, given, is_open=is_open, field=field)

    def _any(self, _name: str, _field: FieldSpec, given: Any) -> Any:
        return given

    def _wrong(self, name: str, field: FieldSpec, given: Any) -> Problem:
        return Problem(
            "wrong_type", f"{name} must be of type {field.type}, not {str(given)[:60]!r}", field=name,
            given=str(given)[:80], wanted=field.type,
        )  # fmt: skip
