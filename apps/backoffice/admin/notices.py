"""The delivery log: what was told to whom, and what became of it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from apps.backoffice.base import RecordAdmin, link
from apps.backoffice.columns import pill, when
from apps.backoffice.forms import PlainForm
from apps.backoffice.site import site
from apps.backoffice.verbs import Verb
from apps.core import clock
from apps.notices import services
from apps.notices.drawing import shown
from apps.notices.models import Notice, NoticeKind, NoticeStatus

_UNDER_WAY = (NoticeStatus.PENDING, NoticeStatus.SENDING)


@admin.register(Notice, site=site)
class NoticeAdmin(RecordAdmin):
    page_template = "backoffice/notice.html"
    list_display = ("what", "to", "customer_link", "kind", "state", "tries", "made", "went")
    list_display_links = ("what",)
    list_select_related = ("customer", "recipient", "acknowledged_by")
    list_filter = ("status", "kind", "channel", "customer")
    search_fields = ("subject", "address", "customer__name")
    search_help_text = "Search words of the subject, an address, or a customer"
    ordering = ("-pk",)
    verbs = (
        Verb(
            name="again",
            title="Send again",
            permission="notices.send_notice",
            effect=lambda notice: f"A copy goes to {notice.address} at once. Links in it are made anew.",
            run=lambda notice, call: services.send_again(notice, now=call.now),
            icon="forward_to_inbox",
            tone="primary",
            form=PlainForm,
            applies=lambda notice: notice.status not in _UNDER_WAY,
            done="on its way",
        ),
        Verb(
            name="acknowledge",
            title="Acknowledge",
            permission="notices.acknowledge_notice",
            effect=lambda notice: "You look after it: for a day nobody is alerted of these cases again, even if they open anew.",
            run=lambda notice, call: services.acknowledge(notice, actor=call.actor, now=call.now),
            icon="task_alt",
            form=PlainForm,
            applies=lambda notice: notice.kind == NoticeKind.ALERT and notice.acknowledged_at is None,
            done="acknowledged",
        ),
    )

    def page(self, request: HttpRequest, row: Notice) -> dict[str, Any]:
        button = {"title": "Mail of this partner", "icon": "tune", "tone": "", "url": reverse("admin:mail")}
        return {"parts": [part for part in shown(row) if part["kind"] != "data"], "buttons": [button]}

    @display(description="Subject", ordering="subject")
    def what(self, notice: Notice) -> str:
        return notice.subject

    @display(description="To", ordering="address")
    def to(self, notice: Notice) -> str:
        return f"{notice.recipient} <{notice.address}>" if notice.recipient else notice.address

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, notice: Notice) -> str:
        return link(notice.customer) if notice.customer else "–"

    @display(description="State", ordering="status")
    def state(self, notice: Notice) -> str:
        return pill(notice.get_status_display(), notice.status)

    @display(description="Tries", ordering="attempts")
    def tries(self, notice: Notice) -> str:
        return str(notice.attempts or "–")

    @display(description="Made", ordering="created_at")
    def made(self, notice: Notice) -> str:
        return when(notice.created_at, clock.now())

    @display(description="Sent", ordering="sent_at")
    def went(self, notice: Notice) -> str:
        return when(notice.sent_at, clock.now()) if notice.sent_at else "–"
