"""The connection form, drawn from a manifest's `fields`. Secrets go in and never come out."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.connectors.manifest import Manifest
from apps.connectors.manifest.about import FormField
from apps.connectors.models import Connection, VendorApp

METHOD = "auth_method"
NAME = "name"
ROLES = "roles"


class ConnectionForm(forms.Form):
    """Fields: `name`, `roles`, `auth_method` (when there are several), then the manifest's. After `is_valid()`:
    `.name`, `.roles`, `.config` and `.credentials` are what `create_connection` and `update_credentials` take."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        manifest: Manifest,
        connection: Connection | None = None,
        with_name: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(data, **kwargs)
        self.manifest = manifest
        self.connection = connection
        if with_name:
            self._add_general()
        if len(manifest.auth) > 1:
            self.fields[METHOD] = forms.ChoiceField(
                label="Way to log in",
                choices=[(method.name, method.title) for method in manifest.auth],
                initial=(connection.config.get(METHOD) if connection else None) or manifest.auth[0].name,
                help_text=" ".join(f"{method.title}: {method.help}" for method in manifest.auth if method.help),
            )
        app = VendorApp.objects.filter(connector=manifest.slug).first()
        held = {**(app.config if app else {}), **(app.credentials if app else {})}
        self.specs = [spec for spec in manifest.fields if not (spec.level == "app" and held.get(spec.name))]
        for spec in self.specs:
            self.fields[spec.name] = _form_field(spec, connection)

    def _add_general(self) -> None:
        connection, about = self.connection, self.manifest.connector
        self.fields[NAME] = forms.CharField(
            label="Name", max_length=120, initial=connection.name if connection else about.name, help_text="For people."
        )
        self.fields[ROLES] = forms.MultipleChoiceField(
            label="Used as",
            choices=[(str(role), str(role).upper() if len(role) <= 4 else str(role).title()) for role in about.roles],
            initial=connection.roles if connection else [str(about.roles[0])],
            widget=forms.CheckboxSelectMultiple,
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        method = cleaned.get(METHOD) or self.manifest.auth[0].name
        for spec in self.specs:
            if spec.name in self.errors or (spec.methods and method not in spec.methods):
                continue
            value = str(cleaned.get(spec.name) or "")
            if value or (spec.secret and self._is_stored(spec)):
                continue
            if spec.required:
                self.add_error(spec.name, ValidationError(_hint(spec, "This is needed."), code="required"))
        return cleaned

    @property
    def name(self) -> str:
        return str(self.cleaned_data.get(NAME, ""))

    @property
    def roles(self) -> list[str]:
        return list(self.cleaned_data.get(ROLES, []))

    @property
    def config(self) -> dict[str, Any]:
        found = {spec.name: self.cleaned_data.get(spec.name, "") for spec in self._used() if not spec.secret}
        return found | ({METHOD: self.cleaned_data[METHOD]} if METHOD in self.cleaned_data else {})

    @property
    def credentials(self) -> dict[str, str]:
        """Only the secrets that were typed: an empty one means "leave it"."""
        return {
            spec.name: value for spec in self._used() if spec.secret and (value := self.cleaned_data.get(spec.name))
        }

    def _used(self) -> list[FormField]:
        method = self.cleaned_data.get(METHOD) or self.manifest.auth[0].name
        return [spec for spec in self.specs if not spec.methods or method in spec.methods]

    def _is_stored(self, spec: FormField) -> bool:
        return bool(self.connection and (self.connection.credentials or {}).get(spec.name))


class VendorAppForm(forms.Form):
    """The fields of level `app`: the partner's registered application at the vendor."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, manifest: Manifest, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.specs = [spec for spec in manifest.fields if spec.level == "app"]
        for spec in self.specs:
            self.fields[spec.name] = _form_field(spec, None)

    @property
    def config(self) -> dict[str, Any]:
        return {spec.name: self.cleaned_data.get(spec.name, "") for spec in self.specs if not spec.secret}

    @property
    def credentials(self) -> dict[str, str]:
        return {spec.name: value for spec in self.specs if spec.secret and (value := self.cleaned_data.get(spec.name))}


def _form_field(spec: FormField, connection: Connection | None) -> forms.Field:
    common: dict[str, Any] = {"label": spec.title, "required": False, "help_text": _help(spec)}
    if spec.secret:
        stored = bool(connection and (connection.credentials or {}).get(spec.name))
        text = "Stored. Leave empty to keep it." if stored else ""
        attributes = {"autocomplete": "new-password", "placeholder": text, "spellcheck": "false"}
        # render_value=False: not even what was just typed comes back in the page.
        password = forms.PasswordInput(attrs=attributes, render_value=False)
        return forms.CharField(widget=password, validators=_validators(spec), strip=True, **common)
    initial = (connection.config.get(spec.name) if connection else None) or spec.default
    if spec.choices:
        return forms.ChoiceField(choices=list(spec.choices.items()), initial=initial, **common)
    attributes = {"placeholder": spec.example, "spellcheck": "false"}
    widget = forms.TextInput(attrs=attributes)
    return forms.CharField(widget=widget, initial=initial, validators=_validators(spec), strip=True, **common)


def _validators(spec: FormField) -> list[Any]:
    if not spec.pattern:
        return []
    pattern = re.compile(spec.pattern)

    def check(value: str) -> None:
        if value and not pattern.fullmatch(value):
            example = f" It looks like {spec.example}." if spec.example else ""
            raise ValidationError(_hint(spec, f"This does not look like a {spec.title}.{example}"), code="pattern")

    return [check]


def _help(spec: FormField) -> str:
    return " ".join(filter(None, [spec.help, f"Example: {spec.example}" if spec.example else ""]))


def _hint(spec: FormField, text: str) -> str:
    return " ".join(filter(None, [text, f"Where to find it: {spec.where}" if spec.where else ""]))
