"""A form drawn from a blueprint's pydantic settings model: title, description, choices and defaults are the model's."""

import types
import typing
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from django import forms
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from apps.backoffice.columns import as_json, words
from apps.backoffice.forms import JSONTextField
from apps.connectors.models import Connection

_INPUT = {"class": "tl-input"}


class SettingsForm(forms.Form):
    """After `is_valid()`, `.settings` is the plain dict that the model accepts."""

    has_defaults = True

    is_enabled = forms.BooleanField(label="Switched on", required=False, initial=True)
    reason = forms.CharField(
        label="Reason", max_length=300, widget=forms.TextInput(attrs=_INPUT), help_text="Kept in the history."
    )

    def __init__(
        self,
        data: Any = None,
        *,
        model: type[BaseModel],
        customer: Any,
        settings: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.model = model
        self.settings: dict[str, Any] = {}
        connections = [
            (str(row.pk), f"{row.name} ({row.connector})") for row in Connection.objects.filter(customer=customer)
        ]
        for name, info in model.model_fields.items():
            self.fields[name] = _field(name, info, (settings or {}).get(name, PydanticUndefined), connections)
        self.order_fields(["is_enabled", *model.model_fields, "reason"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        given = {name: cleaned[name] for name in self.model.model_fields if cleaned.get(name) not in (None, "")}
        try:
            self.settings = self.model.model_validate(given).model_dump(mode="json")
        except ValidationError as error:
            for problem in error.errors():
                name = str(problem["loc"][0]) if problem["loc"] else None
                self.add_error(name if name in self.fields else None, str(problem["msg"]).removeprefix("Value error, "))
        return cleaned


def _field(name: str, info: FieldInfo, value: Any, connections: list[tuple[str, str]]) -> forms.Field:
    kind = _bare(info.annotation)
    initial = _initial(info, value)
    common: dict[str, Any] = {
        "label": info.title or words(name),
        "help_text": info.description or "",
        "required": False,
        "initial": initial,
    }
    if name.endswith(("connection", "connection_id")):
        return _choice([("", "Choose by role"), *connections], **common)
    if get_origin(kind) is Literal:
        return _choice([(str(one), words(str(one))) for one in get_args(kind)], **common)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice([(str(one.value), words(str(one.value))) for one in kind], **common)
    if kind is bool:
        return forms.BooleanField(**common)
    if kind is int:
        return forms.IntegerField(widget=forms.NumberInput(attrs=_INPUT), **common)
    if kind is Decimal or kind is float:
        return forms.DecimalField(widget=forms.NumberInput(attrs={**_INPUT, "step": "any"}), **common)
    if kind is str:
        return forms.CharField(widget=forms.TextInput(attrs=_INPUT), **common)
    if get_origin(kind) is list and get_args(kind) == (str,):
        return LinesField(
            widget=forms.Textarea(attrs={**_INPUT, "rows": 3}), **{**common, "initial": "\n".join(initial or [])}
        )
    return (
        JSONTextField(**{**common, "initial": as_json(initial)})
        if kind is dict or get_origin(kind) is dict
        else _text(**common)
    )


class LinesField(forms.CharField):
    """One value a line."""

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


def _choice(choices: list[tuple[str, str]], **common: Any) -> forms.Field:
    return forms.ChoiceField(choices=choices, widget=forms.Select(attrs=_INPUT), **common)


def _text(**common: Any) -> forms.Field:
    return forms.CharField(widget=forms.TextInput(attrs=_INPUT), **common)


def _bare(annotation: Any) -> Any:
    """The annotation without `| None` and without constraints."""
    if get_origin(annotation) is typing.Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [one for one in get_args(annotation) if one is not type(None)]
        return _bare(inner[0]) if len(inner) == 1 else str
    return annotation


def _initial(info: FieldInfo, value: Any) -> Any:
    if value is not PydanticUndefined:
        return value
    default = info.get_default(call_default_factory=True)
    return None if default is PydanticUndefined else default
