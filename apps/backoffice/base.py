"""Common ground of the staff admin: read-only lists of machine-written rows, records with a page of their own."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.backoffice.long_lists import BoundedPaginator, LongChangeList, bounded_filters
from apps.backoffice.verbs import ConfirmedActionMixin


class ReasonedForm(forms.ModelForm[Any]):
    """A model's form that also asks why; the answer is kept in the history."""

    change_reason = forms.CharField(
        label="Reason", max_length=300, widget=UnfoldAdminTextInputWidget, help_text="Kept in the history."
    )


class PageMixin:
    """A record's page instead of a form. With `has_edit_page` the ordinary form stays reachable at `edit/`."""

    page_template = ""
    has_edit_page = False
    edit_title = "Edit"

    def page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page's template needs beside the row itself (`original`)."""
        return {}

    def get_urls(self) -> list[URLPattern]:
        opts = self.model._meta  # type: ignore[attr-defined]
        view = self.admin_site.admin_view(self.edit_view)  # type: ignore[attr-defined]
        own = [path("<path:object_id>/edit/", view, name=f"{opts.app_label}_{opts.model_name}_edit")]
        return [*(own if self.has_edit_page else []), *super().get_urls()]  # type: ignore[misc]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.page_template:
            return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[misc, no-any-return]
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if row is None:
            raise Http404(f"no {self.model._meta.verbose_name} {object_id}")  # type: ignore[attr-defined]
        if not self.has_view_permission(request, row):  # type: ignore[attr-defined]
            raise PermissionDenied
        return TemplateResponse(request, self.page_template, self.page_context(request, row))

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_change_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        return super().change_view(request, object_id)  # type: ignore[misc, no-any-return]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        opts = self.model._meta  # type: ignore[attr-defined]
        name = f"admin:{opts.app_label}_{opts.model_name}"
        verbs = self.page_verbs(request, row)  # type: ignore[attr-defined]
        if self.has_edit_page and self.has_change_permission(request, row):  # type: ignore[attr-defined]
            edit = {"title": self.edit_title, "icon": "edit", "tone": "", "url": reverse(f"{name}_edit", args=[row.pk])}
            verbs = [*verbs, edit]
        return {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": opts,
            "original": row,
            "title": str(row),
            "verbs": verbs,
            "history_url": reverse(f"{name}_history", args=[row.pk]) if hasattr(self.model, "history") else "",  # type: ignore[attr-defined]
            "is_machine_written": not self.has_change_permission(request, row),  # type: ignore[attr-defined]
            **self.page(request, row),
        }


class LongListMixin:
    """A list that opens as quickly over a million rows as over ten."""

    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator
    list_before_template = "backoffice/parts/bounded_list.html"
    quick_filters: Mapping[str, frozenset[str] | None] = {}
    """Parameters an index serves, with the values it does that for (None: any): the whole table is looked through for them."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LongChangeList]:
        return LongChangeList

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return bounded_filters(self.model, super().get_list_filter(request))  # type: ignore[attr-defined, misc]


class RecordAdmin(LongListMixin, PageMixin, ConfirmedActionMixin, SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Machine-written: looked at, and changed through verbs only."""

    show_facets = False
    list_filter_submit = False
    compressed_fields = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_history_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.has_view_permission(request, obj))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        extra = {**(extra_context or {}), "show_history": hasattr(self.model, "history")}
        answer: HttpResponse = super().changeform_view(request, object_id, form_url, extra)
        return answer

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return history_page(self, super().history_view, request, object_id, extra_context)


class EditableAdmin(LongListMixin, PageMixin, ConfirmedActionMixin, SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Configured by people: ordinary forms, every save with a reason in the history."""

    form = ReasonedForm
    warn_unsaved_form = True

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        return [*shown, ("Why", {"fields": ("change_reason",)})]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        extra = {**(extra_context or {}), "show_history": hasattr(self.model, "history")}
        answer: HttpResponse = super().changeform_view(request, object_id, form_url, extra)
        return answer

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return history_page(self, super().history_view, request, object_id, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj._change_reason = form.cleaned_data["change_reason"]
        super().save_model(request, obj, form, change)


def history_page(admin: Any, show: Any, request: HttpRequest, object_id: str, extra: Any) -> HttpResponse:
    """Not every model keeps a history; those that do not have no such page."""
    if not hasattr(admin.model, "history"):
        raise Http404(f"{admin.model._meta.verbose_name_plural} keep no history")
    answer: HttpResponse = show(request, object_id, extra)
    return answer


def link(row: Any, text: Any = None) -> str:
    """A link to the row's page; plain text when there is no row."""
    if row is None:
        return "–"
    opts = row._meta
    return format_html(
        '<a href="{}">{}</a>',
        reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk]),
        text or str(row),
    )
