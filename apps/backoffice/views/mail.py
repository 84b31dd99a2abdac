"""How mails leave: whose name they carry, what became of the latest, and a test to oneself."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import connection as database
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.backoffice.views.common import page, require
from apps.core import clock
from apps.notices import selectors, services
from apps.notices.drawing import brand_of
from apps.partners.models import Partner


def mail(request: HttpRequest) -> HttpResponse:
    require(request, "notices.view_notice")
    may_send = request.user.has_perm("notices.send_notice")
    if request.method == "POST":
        require(request, "notices.send_notice")
        actor: Any = request.user
        notice = services.send_test(actor, now=clock.now())
        messages.success(request, f"A test is on its way to {notice.address}.")
        return redirect("admin:notices_notice_change", notice.pk)
    brand = brand_of(Partner.objects.get(schema_name=database.schema_name))  # type: ignore[attr-defined]
    counts = selectors.counts_since(clock.now() - timedelta(days=7))
    return page(
        request,
        "backoffice/mail.html",
        title="Mail",
        brand_of_mail=brand,
        counts=counts,
        leaves=selectors.mail_leaves(),
        may_send=may_send,
    )
