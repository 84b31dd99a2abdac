"""The partner's own brand, changed by its owner; shows at once on this page, in the portal and in mails."""

from django.contrib import messages
from django.db import connection as database
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.backoffice.brand import BrandForm, save_brand
from apps.backoffice.views.common import page, require
from apps.partners.colours import scale
from apps.partners.models import Partner


def edit(request: HttpRequest) -> HttpResponse:
    require(request, "partners.change_brand")
    partner = Partner.objects.get(schema_name=database.schema_name)  # type: ignore[attr-defined]
    form = BrandForm(request.POST or None, request.FILES or None, instance=partner)
    if form.is_valid() and save_brand(form, partner):
        messages.success(request, "The brand is changed, for staff and customers.")
        return redirect("admin:brand")
    shades = scale(partner.brand_colour)
    return page(request, "backoffice/brand.html", title="Brand", form=form, partner=partner, shades=shades)
