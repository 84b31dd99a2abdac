"""The operator's console on the public host: partners and due work. Never a partner's own data."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from apps.accounts.models import User
from apps.backoffice.base import EditableAdmin, RecordAdmin
from apps.backoffice.brand import BrandForm, save_brand
from apps.backoffice.columns import pill, when
from apps.backoffice.fleet import Fleet, health_of
from apps.backoffice.partners import NewPartnerForm, create
from apps.backoffice.people import PersonMixin
from apps.backoffice.site import operator_site
from apps.backoffice.verbs import Verb
from apps.core import clock
from apps.core.errors import AppError
from apps.core.models import DueWork, Lane
from apps.partners.models import Domain, Partner, SetupState
from apps.partners.selectors import base_url, head_of
from apps.partners.services import retry_set_up


@admin.register(Partner, site=operator_site)
class PartnerAdmin(RecordAdmin):
    page_template = "backoffice/partner.html"
    list_display = ("what", "address", "customers", "health", "is_active", "since")
    list_display_links = ("what",)
    list_filter = ("is_active",)
    search_fields = ("name", "brand_name", "schema_name", "domains__domain")
    ordering = ("name",)
    verbs = (
        Verb(
            name="set_up",
            title="Try again",
            permission="partners.add_partner",
            effect=lambda partner: "The set-up goes on from where it stopped; what is made already stays.",
            run=lambda partner, call: retry_set_up(partner, reason=call.reason),
            icon="refresh",
            tone="primary",
            applies=lambda partner: partner.setup_state is SetupState.FAILED,
            on_list=False,
            done="being set up",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).exclude(schema_name="public").defer("logo", "favicon")
        rows = rows.select_related("setup").annotate(head=head_of("schema_name"))
        return rows.prefetch_related("domains")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("partners.add_partner"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.brand_view)
        setup = self.admin_site.admin_view(self.setup_view)
        return [
            path("<int:pk>/brand/", view, name="partners_partner_brand"),
            path("<int:pk>/setup/", setup, name="partners_partner_setup"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            return redirect("admin:index")
        form = NewPartnerForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            try:
                made = create(form)
            except AppError as error:
                form.add_error(None, error.message)
            else:
                partner = self.get_queryset(request).get(pk=made.partner.pk)
                title = f"{partner} is being set up"
                return self._page(
                    request, "backoffice/partner_created.html", made=made, title=title, **self._setup(partner)
                )
        return self._page(request, "backoffice/partner_new.html", form=form, title="New partner")

    def setup_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far the set-up is; asked for again by the page until the partner is ready or a person has to act."""
        partner = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, partner):
            raise PermissionDenied
        return TemplateResponse(request, "backoffice/fragments/partner_setup.html", self._setup(partner))

    def _setup(self, partner: Partner) -> dict[str, Any]:
        return {
            "partner": partner,
            "setup": getattr(partner, "setup", None),
            "is_under_way": partner.setup_state is SetupState.UNDER_WAY,
            "address": f"{base_url(partner)}/admin/",
        }

    def brand_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        partner = get_object_or_404(Partner, pk=pk)
        if not request.user.has_perm("partners.change_partner"):
            return redirect("admin:index")
        form = BrandForm(request.POST or None, request.FILES or None, instance=partner)
        if form.is_valid() and save_brand(form, partner):
            messages.success(request, f"The brand of {partner} is changed.")
            return redirect("admin:partners_partner_change", pk)
        return self._page(
            request, "backoffice/brand.html", form=form, partner=partner, title=f"Brand of {partner}", shades={}
        )

    def page(self, request: HttpRequest, row: Partner) -> dict[str, Any]:
        buttons = []
        if request.user.has_perm("partners.change_partner"):
            url = reverse("admin:partners_partner_brand", args=[row.pk])
            buttons = [{"title": "Brand", "icon": "palette", "tone": "", "url": url}]
        return {
            "domains": list(row.domains.all()),
            "fleet": _fleet(row),
            **self._setup(row),
            "due": list(DueWork.objects.filter(schema_name=row.schema_name).order_by("due_at")[:20]),
            "buttons": buttons,
            "base_url": base_url(row),
        }

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )

    @display(description="Partner", ordering="name")
    def what(self, partner: Partner) -> str:
        return f"{partner.name}"

    @display(description="Address")
    def address(self, partner: Partner) -> str:
        domains: list[Domain] = list(partner.domains.all())
        chosen = next((domain for domain in domains if domain.is_primary), domains[0] if domains else None)
        return f"{chosen.domain}" if chosen else "–"

    @display(description="Customers")
    def customers(self, partner: Partner) -> str:
        return str(_fleet(partner).customers)

    @display(description="Health")
    def health(self, partner: Partner) -> str:
        fleet = _fleet(partner)
        if not partner.is_ready:
            return pill(partner.setup_state, "failing" if partner.setup_state is SetupState.FAILED else "running")
        if fleet.problem:
            return pill(fleet.problem, "paused" if fleet.is_behind else "failing")
        parts = [_counted(fleet.open_cases, "open case"), _counted(fleet.troubled_connections, "failing connection")]
        parts = [part for part in parts if part]
        shown = (
            pill(", ".join(parts), "failing" if fleet.troubled_connections else "open")
            if parts
            else pill("in order", "ok")
        )
        if fleet.age_seconds is None:
            return shown
        return format_html('{} <span class="tl-muted">{} s ago</span>', shown, round(fleet.age_seconds))

    @display(description="Since", ordering="created_at")
    def since(self, partner: Partner) -> str:
        return when(partner.created_at, clock.now())


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""


def _fleet(partner: Any) -> Fleet:
    """Asked once a row, though two columns show it."""
    if not hasattr(partner, "fleet"):
        # Before its own tables are there, a query would find those of `public`.
        partner.fleet = health_of(partner.schema_name, head=partner.head) if partner.is_ready else Fleet()
    fleet: Fleet = partner.fleet
    return fleet


@admin.register(Domain, site=operator_site)
class DomainAdmin(EditableAdmin):
    list_display = ("domain", "partner", "is_primary")
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__name")

    @display(description="Partner", ordering="tenant__name")
    def partner(self, domain: Domain) -> str:
        url = reverse("admin:partners_partner_change", args=[domain.tenant_id])
        return format_html('<a href="{}">{}</a>', url, domain.tenant)


@admin.register(DueWork, site=operator_site)
class DueWorkAdmin(RecordAdmin):
    list_display = ("schema_name", "kind", "key", "lane_shown", "due", "claimed", "attempts", "trouble")
    list_filter = ("kind", "lane", "schema_name")
    search_fields = ("schema_name", "kind", "key", "error")
    ordering = ("due_at",)

    @display(description="Lane", ordering="lane")
    def lane_shown(self, work: DueWork) -> str:
        return Lane(work.lane).name.lower()

    @display(description="Due", ordering="due_at")
    def due(self, work: DueWork) -> str:
        return when(work.due_at, clock.now())

    @display(description="Claimed until", ordering="lease_until")
    def claimed(self, work: DueWork) -> str:
        return when(work.lease_until, clock.now()) if work.lease_until else "–"

    @display(description="Trouble", ordering="error")
    def trouble(self, work: DueWork) -> str:
        return pill(work.error[:80], "failing") if work.error else "–"


@admin.register(User, site=operator_site)
class OperatorUserAdmin(PersonMixin, EditableAdmin):
    list_display = ("email", "name", "role", "is_active", "last_login")
    search_fields = ("email", "name")
    fieldsets = ((None, {"fields": ("name", "email", "role", "is_active")}),)
