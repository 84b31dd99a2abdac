"""Customers and people."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from apps.accounts.models import Customer, User
from apps.backoffice.base import EditableAdmin, link
from apps.backoffice.columns import pill, when
from apps.backoffice.people import PersonForm, PersonMixin
from apps.backoffice.site import site
from apps.connectors.models import Connection
from apps.core import clock
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import OPEN
from apps.flows.models import Flow
from apps.flows.selectors import totals_summary
from apps.syncs.models import Sync, SyncRun


def _count(rows: Any) -> Any:
    """Rows of the customer, counted in a subquery: several joins in one query would multiply each other."""
    counted = (
        rows.filter(customer=OuterRef("pk")).order_by().values("customer").annotate(number=Count("*")).values("number")
    )
    return Coalesce(Subquery(counted), 0)


@admin.register(Customer, site=site)
class CustomerAdmin(EditableAdmin):
    page_template = "backoffice/customer.html"
    has_edit_page = True
    list_display = ("what", "health", "systems", "cases", "currency", "live")
    list_display_links = ("what",)
    list_filter = ("is_active", "currency", "country")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = ((None, {"fields": ("name", "slug", "currency", "time_zone", "country", "is_active", "went_live_at")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        troubled = Q(status__in=(Connection.Status.FAILING, Connection.Status.NEEDS_REAUTHORISATION))
        return (
            super()
            .get_queryset(request)
            .annotate(
                connection_count=_count(Connection.objects.all()),
                troubled_count=_count(Connection.objects.filter(troubled)),
                case_count=_count(ExceptionCase.objects.filter(status__in=OPEN)),
            )
        )

    def page(self, request: HttpRequest, row: Customer) -> dict[str, Any]:
        connections = list(Connection.objects.defer("credentials").filter(customer=row))
        open_cases = ExceptionCase.objects.filter(customer=row, status__in=OPEN).select_related("connection")
        buttons = []
        if request.user.has_perm("connectors.add_connection"):
            url = reverse("admin:connect-choose", args=[row.pk])
            buttons.append({"title": "Add connection", "icon": "add_link", "tone": "primary", "url": url})
        if request.user.has_perm("flows.add_flow"):
            url = reverse("admin:flow-choose", args=[row.pk])
            buttons.append({"title": "Install a flow", "icon": "account_tree", "tone": "", "url": url})
        return {
            "connections": connections,
            "flows": list(Flow.objects.filter(customer=row)),
            "syncs": list(
                Sync.objects.filter(customer=row).select_related("connection").order_by("connection_id", "position")
            ),
            "cases": list(open_cases.order_by("-amount", "opened_at")[:10]),
            "case_count": row.case_count,  # type: ignore[attr-defined]
            "runs": list(SyncRun.objects.filter(customer=row).select_related("sync__connection").order_by("-id")[:8]),
            "people": list(row.users.all()),
            "totals": totals_summary(row),
            "buttons": buttons,
            "now": clock.now(),
        }

    @display(description="Customer", ordering="name")
    def what(self, customer: Customer) -> str:
        return customer.name

    @display(description="Health")
    def health(self, customer: Any) -> str:
        if not customer.connection_count:
            return pill("nothing connected", "plain")
        if customer.troubled_count:
            return pill(f"{customer.troubled_count} of {customer.connection_count} systems fail", "failing")
        return pill("has open cases", "open") if customer.case_count else pill("in step", "ok")

    @display(description="Systems", ordering="connection_count")
    def systems(self, customer: Any) -> str:
        return str(customer.connection_count or "–")

    @display(description="Open cases", ordering="case_count")
    def cases(self, customer: Any) -> str:
        if not customer.case_count:
            return "–"
        url = f"{reverse('admin:exceptions_exceptioncase_changelist')}?customer__id__exact={customer.pk}"
        return format_html('<a href="{}">{}</a>', url, customer.case_count)

    @display(description="Live since", ordering="went_live_at")
    def live(self, customer: Customer) -> str:
        return when(customer.went_live_at, clock.now()) if customer.went_live_at else pill("setting up", "new")


@admin.register(User, site=site)
class UserAdmin(PersonMixin, EditableAdmin):
    form = PersonForm
    list_display = ("person", "email", "role_shown", "belongs_to", "is_active", "seen")
    list_display_links = ("person",)
    list_select_related = ("customer",)
    list_filter = ("role", "is_active", "customer")
    search_fields = ("email", "name", "customer__name")
    ordering = ("name", "email")
    fieldsets = ((None, {"fields": ("name", "email", "role", "customer", "is_active")}),)

    @display(description="Person", ordering="name")
    def person(self, user: User) -> str:
        return user.name or user.email

    @display(description="Role", ordering="role")
    def role_shown(self, user: User) -> str:
        return user.get_role_display()

    @display(description="Belongs to", ordering="customer__name")
    def belongs_to(self, user: User) -> str:
        return link(user.customer) if user.customer else pill("our staff", "plain")

    @display(description="Last log-in", ordering="last_login")
    def seen(self, user: User) -> str:
        return when(user.last_login, clock.now())
