"""Forms of the confirmation pages and of the staff's settings pages."""

import json
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.backoffice.columns import as_json
from apps.connectors.models import ClosedPeriodPolicy, Connection

_SHORT = {"class": "tl-input"}


class ReasonForm(forms.Form):
    """Asks why. `rows` are the rows the verb is about, for forms that start from them."""

    reason = forms.CharField(
        label="Reason",
        max_length=300,
        widget=forms.TextInput(attrs={**_SHORT, "autocomplete": "off", "placeholder": "Kept in the history"}),
        help_text="One sentence for whoever reads the history later.",
    )

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.rows = rows


class JSONTextField(forms.CharField):
    """A JSON object, edited as text; says in which line it is wrong."""

    widget = forms.Textarea(attrs={"class": "tl-input tl-code", "rows": 18, "spellcheck": "false"})

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value)
        try:
            parsed = json.loads(text)
        except json.JSONDecodeError as error:
            raise forms.ValidationError(f"Not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.")
        if not isinstance(parsed, dict):
            raise forms.ValidationError("An object in braces is needed: { … }.")
        return parsed


class BodyForm(ReasonForm):
    """Edit a delivery's body; starts from what would be sent now."""

    body = JSONTextField(label="Body", help_text="Sent as it stands here, instead of the body the mapping makes.")
    field_order = ["body", "reason"]

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, rows=rows, **kwargs)
        row = rows[0]
        self.fields["body"].initial = as_json(row.payload_override or row.payload or {})


class ExternalIdForm(ReasonForm):
    external_id = forms.CharField(
        label="Id in the vendor's system",
        max_length=255,
        widget=forms.TextInput(attrs=_SHORT),
        help_text="Copy it from the vendor's record; later changes are then written to that record.",
    )
    field_order = ["external_id", "reason"]


class AssignForm(forms.Form):
    """Who owns the case from now on."""

    user = forms.ModelChoiceField(
        label="Owner",
        queryset=User.objects.none(),
        widget=forms.Select(attrs=_SHORT),
        empty_label="Choose a colleague",
    )

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.rows = rows
        field = self.fields["user"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(is_active=True, is_staff=True).order_by("name", "email")


class ClosedPeriodsForm(ReasonForm):
    """Through which day the books are closed, and what becomes of documents that fall there."""

    closed_through = forms.DateField(
        label="Closed through",
        required=False,
        widget=forms.DateInput(attrs={**_SHORT, "type": "date"}),
        help_text="The last closed day; empty: nothing is closed. Where the ledger tells it, each test of the connection reads it anew.",
    )
    policy = forms.ChoiceField(
        label="Documents in a closed period",
        choices=ClosedPeriodPolicy.choices,
        widget=forms.Select(attrs=_SHORT),
        help_text="The days of the work stay on the lines as they are.",
    )
    field_order = ["closed_through", "policy", "reason"]

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, rows=rows, **kwargs)
        self.fields["closed_through"].initial = rows[0].books_closed_through
        self.fields["policy"].initial = rows[0].closed_period_policy


class PlainForm(forms.Form):
    """Nothing beyond the confirmation itself is asked."""

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.rows = rows


class ObjectsForm(forms.Form):
    """The roles a connection wears, the objects read from it, and how often."""

    roles = forms.MultipleChoiceField(
        label="Used as", widget=forms.CheckboxSelectMultiple, help_text="What this system is for the customer."
    )
    objects = forms.MultipleChoiceField(
        label="Read",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="In this order, so that references are known.",
    )
    every_minutes = forms.IntegerField(
        label="Every … minutes",
        min_value=1,
        max_value=7 * 24 * 60,
        initial=15,
        widget=forms.NumberInput(attrs=_SHORT),
        help_text="Webhooks bring changes at once where the vendor has them; the schedule is the safety net.",
    )

    def __init__(self, data: Any = None, *, connection: Connection, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        manifest = connection.manifest
        syncs = list(connection.syncs.all())
        readable = [(name, spec.title) for name, spec in manifest.objects.items() if spec.read]
        roles, objects = self.fields["roles"], self.fields["objects"]
        assert isinstance(roles, forms.MultipleChoiceField) and isinstance(objects, forms.MultipleChoiceField)
        roles.choices = [(str(role), str(role)) for role in manifest.connector.roles]
        objects.choices = readable
        roles.initial = connection.roles
        objects.initial = [sync.object_name for sync in syncs if sync.is_enabled] or [name for name, _ in readable]
        if syncs:
            self.fields["every_minutes"].initial = syncs[0].every_minutes
