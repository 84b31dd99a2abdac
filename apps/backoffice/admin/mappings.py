"""How records are translated: mappings, value maps, and who owns which field."""

from typing import Any

import yaml
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from apps.backoffice.base import EditableAdmin, RecordAdmin, link
from apps.backoffice.columns import pill, when, words
from apps.backoffice.forms import PlainForm
from apps.backoffice.site import site
from apps.backoffice.verbs import Verb
from apps.core import clock
from apps.core.errors import AppError
from apps.mappings import services
from apps.mappings.models import Mapping, Stewardship, ValueMap
from apps.syncs.models import SourceRecord


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
            name="again",
            title="Apply to stored records",
            permission="mappings.change_mapping",
            effect=lambda mapping: (
                f"All stored {words(mapping.object_name).lower()} of {mapping.connection} are mapped again by version "
                f"{mapping.version}, in the background. Only what comes out differently is written."
            ),
            run=lambda mapping, call: services.apply_again(mapping),
            icon="replay",
            form=PlainForm,
            applies=lambda mapping: mapping.is_active and mapping.direction == Mapping.Direction.IN,
            on_list=False,
            done="begun",
        ),
        Verb(
            name="default",
            title="Back to the connector's",
            permission="mappings.change_mapping",
            effect=lambda mapping: "The connector's own mapping is in force from the next run. The versions stay in the history.",
            run=lambda mapping, call: services.use_default(mapping, actor=call.actor, reason=call.reason),
            icon="undo",
            applies=lambda mapping: mapping.is_active,
            on_list=False,
            done="switched off",
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.version_view)
        return [path("<int:pk>/version/", view, name="mappings_mapping_version"), *super().get_urls()]

    def page(self, request: HttpRequest, row: Mapping) -> dict[str, Any]:
        may_change = request.user.has_perm("mappings.change_mapping")
        versions = row.history.filter(version__gt=0).order_by("-history_id").select_related("history_user")
        return {
            "plan": yaml.safe_dump(row.spec, sort_keys=False, allow_unicode=True),
            "may_change": may_change,
            "versions": list(versions[:20]),
            "waiting": _waiting(row),
        }

    def version_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Takes an earlier version (or none: what is in force) as the draft, and opens the editor."""
        row = get_object_or_404(Mapping.objects.select_related("connection"), pk=pk)
        if request.method != "POST" or not request.user.has_perm("mappings.change_mapping"):
            raise PermissionDenied
        number = request.POST.get("version", "")
        try:
            if number.isdigit():
                services.draft_from_version(row, version=int(number))
            else:
                services.begin_draft(
                    connection=row.connection,
                    object_name=row.object_name,
                    entity=row.entity,
                    direction=row.direction,
                    actor=request.user,  # type: ignore[arg-type]
                )
        except AppError as error:
            messages.error(request, error.message)
            return redirect("admin:mappings_mapping_change", object_id=pk)
        return redirect("admin:mapping-editor", pk=pk)

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
        if mapping.is_active:
            return pill("in force", "ok")
        return pill("switched off", "paused") if mapping.version else pill("draft only", "draft")

    @display(description="Changed", ordering="updated_at")
    def changed(self, mapping: Mapping) -> str:
        return when(mapping.updated_at, clock.now())


def _waiting(row: Mapping) -> int | None:
    """How many stored records the background work has still to map again; None when there is none."""
    if row.replay_after is None:
        return None
    stored = SourceRecord.objects.filter(connection_id=row.connection_id, object_name=row.object_name)
    return stored.filter(pk__gt=row.replay_after).count()


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
        return when(value_map.updated_at, clock.now())


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
