"""Files that were handed over, and what became of them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.backoffice.base import RecordAdmin, link
from apps.backoffice.columns import pill
from apps.backoffice.site import site
from apps.tabular.models import DataFile, FileStatus


@admin.register(DataFile, site=site)
class DataFileAdmin(RecordAdmin):
    page_template = "backoffice/file.html"
    list_display = ("name", "customer_link", "holds", "rows", "aside", "state", "received_at")
    list_select_related = ("customer", "connection")
    list_filter = ("status", "channel", "customer")
    search_fields = ("name", "customer__name")
    date_hierarchy = "received_at"
    ordering = ("-pk",)

    def page(self, request: HttpRequest, row: DataFile) -> dict[str, Any]:
        may_change = request.user.has_perm("tabular.change_datafile")
        buttons = []
        if may_change and row.chunk_count and row.status in (FileStatus.NEEDS_LAYOUT, FileStatus.LOADED):
            is_new = row.status == FileStatus.NEEDS_LAYOUT
            title = "Confirm its columns" if is_new else "Read its columns differently"
            buttons.append(
                {
                    "title": title,
                    "icon": "view_column",
                    "tone": "primary" if is_new else "",
                    "url": reverse("admin:file-columns", args=[row.pk]),
                }
            )
        if may_change and row.status != FileStatus.READY:
            address = reverse("admin:file-reading", args=[row.pk])
            buttons.append({"title": "How it is read", "icon": "tune", "tone": "", "url": address})
        if row.status == FileStatus.LOADED and row.set_aside and row.chunk_count:
            address = reverse("admin:file-bad-rows", args=[row.pk])
            buttons.append({"title": "Download rows set aside", "icon": "download", "tone": "", "url": address})
        if row.status == FileStatus.REFUSED and request.user.has_perm("tabular.add_datafile"):
            address = reverse("admin:file-upload", args=[row.connection_id])
            buttons.append({"title": "Upload another file", "icon": "upload_file", "tone": "primary", "url": address})
        return {"buttons": buttons}

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, file: DataFile) -> str:
        return link(file.customer)

    @display(description="Holds", ordering="object_name")
    def holds(self, file: DataFile) -> str:
        return file.kind_title

    @display(description="Set aside")
    def aside(self, file: DataFile) -> str:
        return str(file.set_aside or "–")

    @display(description="State", ordering="status")
    def state(self, file: DataFile) -> str:
        return pill(file.get_status_display(), file.status)
