"""The form that changes when a sync runs by itself."""

from typing import Any

from django import forms

from apps.backoffice.forms import ReasonForm


class ScheduleForm(ReasonForm):
    is_enabled = forms.BooleanField(label="Read by itself", required=False)
    every_minutes = forms.IntegerField(
        label="Every … minutes",
        min_value=1,
        max_value=7 * 24 * 60,
        widget=forms.NumberInput(attrs={"class": "tl-input"}),
        help_text="Webhooks bring changes at once where the vendor has them; the schedule is the safety net.",
    )
    field_order = ["is_enabled", "every_minutes", "reason"]

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, rows=rows, **kwargs)
        self.fields["is_enabled"].initial = rows[0].is_enabled
        self.fields["every_minutes"].initial = rows[0].every_minutes
