"""Connections to customers' systems."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from apps.backoffice.base import RecordAdmin, link
from apps.backoffice.columns import pill, when
from apps.backoffice.forms import ClosedPeriodsForm
from apps.backoffice.site import site
from apps.backoffice.verbs import Call, Verb
from apps.connectors import consents, lifecycle, services, subscriptions
from apps.connectors.budgets import CONCURRENCY
from apps.connectors.models import BudgetWindow, Connection
from apps.core import clock
from apps.core.errors import PermanentError
from apps.exceptions.selectors import OPEN
from apps.flows.models import Flow
from apps.syncs.models import DeliveryAttempt
from apps.syncs.services.subscribing import webhook_url

_HAS_NO_CONSENT = {Connection.Status.NEEDS_REAUTHORISATION}
_CAN_PAUSE = {Connection.Status.NEW, Connection.Status.OK, Connection.Status.FAILING}


class TestFailedError(PermanentError):
    """The vendor did not let us in; the message says why."""

    code = "test_failed"


def _test(connection: Connection, call: Call) -> None:
    found = services.test_connection(connection, now=call.now, actor=call.actor, reason=call.reason)
    if found is None:
        connection.refresh_from_db()
        raise TestFailedError(connection.status_reason)


@admin.register(Connection, site=site)
class ConnectionAdmin(RecordAdmin):
    page_template = "backoffice/connection.html"
    list_display = ("what", "customer_link", "state", "roles_shown", "open_cases", "success")
    list_display_links = ("what",)
    list_select_related = ("customer",)
    list_filter = ("status", "connector", "customer")
    search_fields = ("name", "connector", "account_name", "customer__name")
    ordering = ("customer__name", "name")
    verbs = (
        Verb(
            name="test",
            title="Test now",
            permission="connectors.test_connection",
            effect=lambda connection: f"Asks {connection.manifest.connector.name} who we are; changes nothing.",
            run=_test,
            icon="network_check",
            tone="primary",
            done="works",
        ),
        Verb(
            name="pause",
            title="Pause",
            permission="connectors.pause_connection",
            effect=lambda connection: "No call is made until it is resumed. What is due waits; nothing is lost.",
            run=lambda connection, call: services.pause(connection, actor=call.actor, reason=call.reason, now=call.now),
            icon="pause_circle",
            applies=lambda connection: connection.status in _CAN_PAUSE,
            done="paused",
        ),
        Verb(
            name="resume",
            title="Resume",
            permission="connectors.pause_connection",
            effect=lambda connection: "Calls are made again, and what waited goes on by itself.",
            run=lambda connection, call: services.resume(
                connection, actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="play_circle",
            tone="primary",
            applies=lambda connection: connection.status == Connection.Status.PAUSED,
            done="resumed",
        ),
        Verb(
            name="closed-periods",
            title="Closed periods",
            permission="connectors.set_closed_periods",
            effect=lambda connection: "Invoices and credits that would be dated in a closed period are dated anew or held, as you choose.",
            run=lambda connection, call: services.set_closed_periods(
                connection,
                closed_through=call.data["closed_through"],
                policy=call.data["policy"],
                actor=call.actor,
                reason=call.reason,
                now=call.now,
            ),
            icon="event_busy",
            form=ClosedPeriodsForm,
            applies=lambda connection: bool({"erp", "billing"} & set(connection.roles)),
            on_list=False,
            done="set",
        ),
        Verb(
            name="webhooks-on",
            title="Switch webhooks on",
            permission="connectors.change_connection",
            effect=lambda connection: "The vendor is asked to tell us changes at once; this is renewed before it ends.",
            run=lambda connection, call: services.switch_webhooks(
                connection, on=True, actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="notifications_active",
            applies=lambda connection: bool(subscriptions.spec_of(connection)) and not subscriptions.is_on(connection),
            done="will be told of changes",
        ),
        Verb(
            name="webhooks-off",
            title="Switch webhooks off",
            permission="connectors.change_connection",
            effect=lambda connection: "The subscriptions are ended at the vendor; changes come with the next schedule.",
            run=lambda connection, call: services.switch_webhooks(
                connection, on=False, actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="notifications_off",
            applies=subscriptions.is_on,
            done="no longer told of changes",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        unsettled = Q(cases__status__in=OPEN)
        return (
            super()
            .get_queryset(request)
            .defer("credentials")
            .annotate(open_case_count=Count("cases", filter=unsettled))
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("connectors.add_connection"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A connection begins with its customer."""
        return redirect("admin:accounts_customer_changelist")

    def page(self, request: HttpRequest, row: Connection) -> dict[str, Any]:
        manifest = row.manifest
        method = manifest.method(str(row.config.get("auth_method", "")))
        may_change = request.user.has_perm("connectors.change_connection")
        return {
            "manifest": manifest,
            "method": method,
            "consent_ends_at": None if row.status in _HAS_NO_CONSENT else consents.ends_at(row),
            "status_words": _status_words(row),
            "buttons": _buttons(row, method.kind) if may_change else [],
            "missing": services.missing_variables(row)
            if row.status != Connection.Status.NEW or row.credentials
            else [],
            "may_change": may_change,
            "may_sync": request.user.has_perm("syncs.start_run"),
            "syncs": list(row.syncs.all()),
            "cases": list(row.cases.filter(status__in=OPEN).order_by("-latest_at")[:10]),
            "calls": list(
                DeliveryAttempt.objects.filter(delivery__connection=row).select_related("delivery").order_by("-id")[:10]
            ),
            "budget": list(BudgetWindow.objects.filter(account_key=row.account_key)),
            "webhook_url": webhook_url(row) if manifest.webhooks else "",
            "sunset": lifecycle.sunset_of(row),
            "can_subscribe": subscriptions.spec_of(row) is not None,
            "subscriptions": subscriptions.shown(row),
            "flows": [flow for flow in Flow.objects.filter(customer=row.customer) if _uses(flow, row)],
            "config": {
                key: value for key, value in row.config.items() if value and key not in ("auth_method", "webhooks")
            },
            "now": clock.now(),
        }

    @display(description="Connection", ordering="name")
    def what(self, connection: Connection) -> str:
        icon = reverse("admin:catalog-icon", args=[connection.connector])
        return format_html(
            '<span class="tl-named"><img src="{}" alt="" width="24" height="24">{}</span>', icon, connection.name
        )

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, connection: Connection) -> str:
        return link(connection.customer)

    @display(description="State", ordering="status")
    def state(self, connection: Connection) -> str:
        return pill(connection.get_status_display(), connection.status)

    @display(description="Used as")
    def roles_shown(self, connection: Connection) -> str:
        return ", ".join(connection.roles) or "–"

    @display(description="Open cases", ordering="open_case_count")
    def open_cases(self, connection: Any) -> str:
        return str(connection.open_case_count or "–")

    @display(description="Last success", ordering="latest_success_at")
    def success(self, connection: Connection) -> str:
        return when(connection.latest_success_at, clock.now())


@admin.register(BudgetWindow, site=site)
class BudgetWindowAdmin(RecordAdmin):
    list_display = ("account_key", "name", "used", "limit", "per_seconds", "blocked_until", "calls_now")
    search_fields = ("account_key",)
    list_filter = ("name",)

    @display(description="Under way")
    def calls_now(self, row: BudgetWindow) -> str:
        moment = clock.now().timestamp()
        return str(sum(until > moment for _, until in row.under_way)) if row.name == CONCURRENCY else "–"


def _status_words(connection: Connection) -> str:
    name = connection.manifest.connector.name
    return {
        Connection.Status.NEW: f"Not tested yet. Give {name} its credentials, then test it.",
        Connection.Status.OK: f"Working. {name} answers and lets us in.",
        Connection.Status.FAILING: f"{name} does not answer as it should. It is tried again by itself.",
        Connection.Status.NEEDS_REAUTHORISATION: f"{name} no longer accepts our access. A person has to renew it.",
        Connection.Status.PAUSED: "Paused: no call is made until it is resumed.",
    }[Connection.Status(connection.status)]


def _buttons(connection: Connection, kind: str) -> list[dict[str, str]]:
    consent = {
        "title": f"Sign in at {connection.manifest.connector.vendor}",
        "icon": "key",
        "tone": "primary",
        "url": reverse("admin:connection-consent", args=[connection.pk]),
    }
    keys = {
        "title": "Credentials",
        "icon": "password",
        "tone": "",
        "url": reverse("admin:connection-credentials", args=[connection.pk]),
    }
    objects = {
        "title": "What is read",
        "icon": "checklist",
        "tone": "",
        "url": reverse("admin:connection-objects", args=[connection.pk]),
    }
    own = {
        "files": ("Upload a file", "upload_file", "admin:file-upload"),
        "sql": ("Tables", "table_view", "admin:connection-tables"),
        "warehouse": ("Warehouse", "warehouse", "admin:connection-warehouse"),
    }.get(connection.manifest.client.kind)
    first = []
    if own is not None:
        title, icon, name = own
        first = [{"title": title, "icon": icon, "tone": "primary", "url": reverse(name, args=[connection.pk])}]
    rest = [keys] if connection.manifest.client.kind == "warehouse" else [keys, objects]
    return [*([consent] if kind == "oauth2_code" else []), *first, *rest]


def _uses(flow: Flow, connection: Connection) -> bool:
    """A flow uses the connections whose role it names; without a choice in its settings, all of the customer's."""
    named = {value for key, value in flow.settings.items() if value and key.endswith(("connection", "connection_id"))}
    return not named or connection.pk in named or str(connection.pk) in named
