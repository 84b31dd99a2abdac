"""Flows: the rules that carry a won deal to the invoice, installed per customer."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.decorators import display

from apps.backoffice.base import RecordAdmin, link
from apps.backoffice.columns import money, pill, shown, when, words
from apps.backoffice.forms import PlainForm
from apps.backoffice.naming import names_of, record_url
from apps.backoffice.site import site
from apps.backoffice.verbs import Verb
from apps.core import clock
from apps.flows import services
from apps.flows.blueprints import BLUEPRINTS
from apps.flows.models import ControlTotal, Flow, FlowItem, ItemStatus
from apps.flows.rules.control_totals import WORDS, Why
from apps.syncs.models import Delivery


@admin.register(Flow, site=site)
class FlowAdmin(RecordAdmin):
    page_template = "backoffice/flow.html"
    list_display = ("what", "customer_link", "state", "running", "held", "success")
    list_select_related = ("customer",)
    list_filter = ("blueprint", "is_enabled", "customer")
    search_fields = ("customer__name", "blueprint")
    ordering = ("customer__name", "blueprint")
    verbs = (
        Verb(
            name="run",
            title="Run now",
            permission="flows.run_flow",
            effect=lambda flow: "Looks for work now instead of waiting. What it finds is planned, then written.",
            run=lambda flow, call: services.run_flow(flow, actor=call.actor, now=call.now),
            icon="play_arrow",
            tone="primary",
            form=PlainForm,
            applies=lambda flow: flow.is_enabled,
            done="woken",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        counted = {
            name: Count("items", filter=Q(items__status=status))
            for name, status in (("running_count", ItemStatus.RUNNING), ("held_count", ItemStatus.HELD))
        }
        return super().get_queryset(request).annotate(**counted)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("flows.add_flow"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A flow begins with its customer."""
        return redirect("admin:accounts_customer_changelist")

    def page(self, request: HttpRequest, row: Flow) -> dict[str, Any]:
        blueprint = BLUEPRINTS[row.blueprint]
        buttons = [_button("Preview", "preview", reverse("admin:flow-preview", args=[row.pk]))]
        if request.user.has_perm("flows.change_flow"):
            buttons.append(_button("Settings", "tune", reverse("admin:flow-settings", args=[row.pk])))
        items = row.items.order_by("-id")
        return {
            "blueprint": blueprint,
            "settings_shown": settings_shown(blueprint, row.settings),
            "buttons": buttons,
            "items": list(items[:25]),
            "held_items": list(items.filter(status=ItemStatus.HELD)[:10]),
            "title": f"{blueprint.title} · {row.customer}",
        }

    @display(description="Flow", ordering="blueprint")
    def what(self, flow: Flow) -> str:
        return flow.get_blueprint_display()

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, flow: Flow) -> str:
        return link(flow.customer)

    @display(description="State", ordering="is_enabled")
    def state(self, flow: Flow) -> str:
        return pill("on", "ok") if flow.is_enabled else pill("switched off", "paused")

    @display(description="Under way", ordering="running_count")
    def running(self, flow: Any) -> str:
        return str(flow.running_count or "–")

    @display(description="Held", ordering="held_count")
    def held(self, flow: Any) -> str:
        return pill(flow.held_count, "held") if flow.held_count else "–"

    @display(description="Last success", ordering="latest_success_at")
    def success(self, flow: Flow) -> str:
        return when(flow.latest_success_at, clock.now())


@admin.register(FlowItem, site=site)
class FlowItemAdmin(RecordAdmin):
    page_template = "backoffice/flow_item.html"
    list_display = ("what", "customer_link", "flow_name", "state", "created")
    list_select_related = ("customer", "flow")
    list_filter = ("status", "flow__blueprint", "customer")
    search_fields = ("title",)
    date_hierarchy = "created_at"
    ordering = ("-id",)

    def page(self, request: HttpRequest, row: FlowItem) -> dict[str, Any]:
        deliveries = Delivery.objects.filter(origin=f"flow:{row.flow_id}", origin_item_id=row.pk)
        return {
            "deliveries": list(deliveries.select_related("connection").order_by("id")),
            "record_url": record_url(row.entity, row.record_id),
            "record_name": names_of([(row.entity, row.record_id)]).get((row.entity, row.record_id), ""),
        }

    @display(description="What", ordering="title")
    def what(self, item: FlowItem) -> str:
        return item.title

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, item: FlowItem) -> str:
        return link(item.customer)

    @display(description="Flow")
    def flow_name(self, item: FlowItem) -> str:
        return link(item.flow, item.flow.get_blueprint_display())

    @display(description="State", ordering="status")
    def state(self, item: FlowItem) -> str:
        return pill(item.get_status_display(), item.status)

    @display(description="Since", ordering="created_at")
    def created(self, item: FlowItem) -> str:
        return when(item.created_at, clock.now())


_PART_WORDS = {
    "approved": "Approved",
    "invoiced": "Invoiced",
    "unbilled": "To be invoiced or credited",
    "written_off": "Written off",
    "delivered": "Delivered",
    "in_ledger": "In the ledger",
    "voided": "Voided there",
    "unconfirmed": "Not yet read again",
    "paid": "Paid",
    "open": "Open",
    "settled_otherwise": "Settled otherwise, as by a credit",
}


@admin.register(ControlTotal, site=site)
class ControlTotalAdmin(RecordAdmin):
    page_template = "backoffice/control_total.html"
    list_display = ("what", "customer_link", "project_link", "month_shown", "state_shown", "difference", "since")
    list_select_related = ("customer", "project")
    list_filter = ("state", "equation", "currency", "customer")
    search_fields = ("project__name", "project__code", "customer__name")
    search_help_text = "Search a project or a customer"
    date_hierarchy = "month"
    ordering = ("-month", "customer__name", "project__name", "equation")

    def page(self, request: HttpRequest, row: ControlTotal) -> dict[str, Any]:
        names = names_of([(one["entity"], one["id"]) for one in row.explanations])
        left, *right = [{**part, "title": _PART_WORDS[part["name"]]} for part in row.parts]
        return {
            "title": f"{_equation(row)} · {row.project or 'no single project'} · {row.month:%B %Y}",
            "left": left,
            "right": right,
            "has_hours": row.equation == ControlTotal.Equation.WORK,
            "explanations": [
                {
                    **one,
                    "name": names.get((one["entity"], one["id"]), f"{words(one['entity'])} {one['id']}"),
                    "url": record_url(one["entity"], one["id"]),
                    "words": WORDS[Why(one["why"])],
                }
                for one in row.explanations
            ],
            "hidden_count": row.explained_count - len(row.explanations),
        }

    @display(description="Total", ordering="equation")
    def what(self, row: ControlTotal) -> str:
        return _equation(row)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, row: ControlTotal) -> str:
        return link(row.customer)

    @display(description="Project", ordering="project__name")
    def project_link(self, row: ControlTotal) -> str:
        return link(row.project)

    @display(description="Month", ordering="month")
    def month_shown(self, row: ControlTotal) -> str:
        return f"{row.month:%b %Y}"

    @display(description="State", ordering="state")
    def state_shown(self, row: ControlTotal) -> str:
        return pill(row.get_state_display(), row.state)

    @display(description="Difference", ordering="amount_difference")
    def difference(self, row: ControlTotal) -> str:
        hours = f"{row.hours_difference.normalize():f} h" if row.hours_difference else ""
        amount = money(row.amount_difference, row.currency) if row.amount_difference else ""
        return ", ".join(filter(None, [hours, amount])) or "–"

    @display(description="Since", ordering="state_since")
    def since(self, row: ControlTotal) -> str:
        return when(row.state_since, clock.now())


def _equation(row: ControlTotal) -> str:
    return str(row.get_equation_display()).split(":")[0]


def settings_shown(blueprint: Any, settings: dict[str, Any]) -> list[tuple[str, str]]:
    """The settings as (title, value), in the order of the blueprint."""
    fields = blueprint.settings_model.model_fields
    return [(field.title or name, shown(settings.get(name, field.default))) for name, field in fields.items()]


def _button(title: str, icon: str, url: str) -> dict[str, str]:
    return {"title": title, "icon": icon, "tone": "", "url": url}
