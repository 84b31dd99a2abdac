"""How records are translated: mappings, value maps, and who owns which field."""

from typing import Any

import yaml
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.decorators import display

from apps.backoffice.base import EditableAdmin, RecordAdmin, link
from apps.backoffice.columns import pill, when, words
from apps.backoffice.forms import ReasonForm
from apps.backoffice.site import site
from apps.backoffice.verbs import Verb
from apps.core.errors import AppError
from apps.mappings import services
from apps.mappings.models import Mapping, Stewardship, ValueMap


class PlanField(forms.CharField):
    """A mapping as YAML (JSON is YAML too); says in which line it is wrong."""

    widget = forms.Textarea(attrs={"class": "tl-input tl-code", "rows": 30, "spellcheck": "false"})

    def clean(self, value: Any) -> dict[str, Any]:
        text = super().clean(value)
        try:
            parsed = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise forms.ValidationError(f"Not valid YAML: {error}")
        if not isinstance(parsed, dict):
            raise forms.ValidationError("A mapping has keys: object, entity, direction, fields.")
        return parsed


class PlanForm(ReasonForm):
    spec = PlanField(label="Mapping", help_text="The language is described in docs/mappings.md.")
    note = forms.CharField(
        label="Note", required=False, max_length=300, widget=forms.TextInput(attrs={"class": "tl-input"})
    )
    field_order = ["spec", "note", "reason"]

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, rows=rows, **kwargs)
        self.fields["spec"].initial = yaml.safe_dump(rows[0].spec, sort_keys=False, allow_unicode=True)
        self.fields["note"].initial = rows[0].note


@admin.register(Mapping, site=site)
class MappingAdmin(RecordAdmin):
    page_template = "backoffice/mapping.html"
    list_display = ("what", "customer_link", "connection_link", "version", "state", "changed")
    list_select_related = ("customer", "connection")
    list_filter = ("direction", "entity", "is_active", "customer")
    search_fields = ("object_name", "entity", "connection__name", "note")
    ordering = ("customer__name", "object_name")
    verbs = (
        Verb(
            name="edit",
            title="Edit",
            permission="mappings.change_mapping",
            effect=lambda mapping: "A new version is in force from the next run. What waits is tried again.",
            run=lambda mapping, call: services.save_mapping(
                connection=mapping.connection,
                spec=call.data["spec"],
                note=call.data["note"],
                actor=call.actor,
                reason=call.reason,
            ),
            icon="edit",
            tone="primary",
            form=PlanForm,
            is_wide=True,
            on_list=False,
            done="saved",
        ),
    )

    def page(self, request: HttpRequest, row: Mapping) -> dict[str, Any]:
        return {"plan": yaml.safe_dump(row.spec, sort_keys=False, allow_unicode=True)}

    @display(description="Mapping", ordering="object_name")
    def what(self, mapping: Mapping) -> str:
        arrow = "→" if mapping.direction == Mapping.Direction.IN else "←"
        return f"{words(mapping.object_name)} {arrow} {words(mapping.entity)}"

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, mapping: Mapping) -> str:
        return link(mapping.customer)

    @display(description="Connection", ordering="connection__name")
    def connection_link(self, mapping: Mapping) -> str:
        return link(mapping.connection)

    @display(description="State", ordering="is_active")
    def state(self, mapping: Mapping) -> str:
        return pill("in force", "ok") if mapping.is_active else pill("switched off", "paused")

    @display(description="Changed", ordering="updated_at")
    def changed(self, mapping: Mapping) -> str:
        return when(mapping.updated_at, timezone.now())


class LineForm(forms.Form):
    """One line of a value map."""

    source = forms.CharField(label="From", max_length=200, widget=forms.TextInput(attrs={"class": "tl-input"}))
    target = forms.CharField(label="To", max_length=200, widget=forms.TextInput(attrs={"class": "tl-input"}))
    reason = forms.CharField(label="Reason", max_length=300, widget=forms.TextInput(attrs={"class": "tl-input"}))


@admin.register(ValueMap, site=site)
class ValueMapAdmin(RecordAdmin):
    page_template = "backoffice/value_map.html"
    list_display = ("what", "customer_link", "connection_shown", "lines", "changed")
    list_select_related = ("customer", "connection")
    list_filter = ("name", "customer")
    search_fields = ("name", "title", "customer__name")
    ordering = ("customer__name", "name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("mappings.add_valuemap"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["customer", "connection", "name", "title"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/line/", view(self.line_view), name="mappings_valuemap_line"),
            path("<int:pk>/remove/", view(self.remove_view), name="mappings_valuemap_remove"),
            *super().get_urls(),
        ]

    def page(self, request: HttpRequest, row: ValueMap) -> dict[str, Any]:
        return {
            "lines": sorted(row.entries.items()),
            "form": LineForm(),
            "may_change": request.user.has_perm("mappings.change_valuemap"),
        }

    def line_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row, back = self._row(request, pk)
        form = LineForm(request.POST)
        if not form.is_valid():
            messages.error(request, "From, to and a reason are all needed.")
            return redirect(back)
        line = form.cleaned_data
        return self._write(
            request,
            back,
            f"{line['source']} → {line['target']} is kept; what waited for it goes on by itself.",
            lambda: services.set_value(
                customer=row.customer,
                name=row.name,
                source=line["source"],
                target=line["target"],
                connection=row.connection,
                actor=request.user,  # type: ignore[arg-type]
                reason=line["reason"],
            ),
        )

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row, back = self._row(request, pk)
        source = request.POST.get("source", "")
        return self._write(
            request,
            back,
            f"{source} is removed.",
            lambda: services.remove_value(
                customer=row.customer,
                name=row.name,
                source=source,
                connection=row.connection,
                actor=request.user,  # type: ignore[arg-type]
                reason=request.POST.get("reason") or "removed by staff",
            ),
        )

    def _row(self, request: HttpRequest, pk: int) -> tuple[ValueMap, str]:
        if request.method != "POST" or not request.user.has_perm("mappings.change_valuemap"):
            raise PermissionDenied
        row = get_object_or_404(ValueMap.objects.select_related("customer", "connection"), pk=pk)
        return row, reverse("admin:mappings_valuemap_change", args=[pk])

    def _write(self, request: HttpRequest, back: str, text: str, act: Any) -> HttpResponse:
        try:
            act()
        except AppError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, text)
        return redirect(back)

    @display(description="Value map", ordering="name")
    def what(self, value_map: ValueMap) -> str:
        return value_map.title or words(value_map.name)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, value_map: ValueMap) -> str:
        return link(value_map.customer)

    @display(description="For", ordering="connection")
    def connection_shown(self, value_map: ValueMap) -> str:
        return str(value_map.connection or "all connections")

    @display(description="Lines")
    def lines(self, value_map: ValueMap) -> str:
        return str(len(value_map.entries))

    @display(description="Changed", ordering="updated_at")
    def changed(self, value_map: ValueMap) -> str:
        return when(value_map.updated_at, timezone.now())


@admin.register(Stewardship, site=site)
class StewardshipAdmin(EditableAdmin):
    list_display = ("entity", "field", "owner_role", "customer_link", "steward")
    list_select_related = ("customer", "steward")
    list_filter = ("entity", "owner_role", "customer")
    search_fields = ("entity", "field", "customer__name")
    ordering = ("customer__name", "entity", "field")

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, stewardship: Stewardship) -> str:
        return link(stewardship.customer)
