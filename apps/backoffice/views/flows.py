"""Installing a blueprint, its settings, and the preview that writes nothing."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from apps.accounts.models import Customer
from apps.backoffice.settings_form import SettingsForm
from apps.backoffice.views.common import page, require
from apps.core import clock
from apps.core.errors import AppError
from apps.flows import services
from apps.flows.blueprints import BLUEPRINTS
from apps.flows.models import Flow


def choose(request: HttpRequest, customer_id: int) -> HttpResponse:
    require(request, "flows.add_flow")
    customer = get_object_or_404(Customer, pk=customer_id)
    installed = set(Flow.objects.filter(customer=customer).values_list("blueprint", flat=True))
    cards = [{"blueprint": one, "is_installed": one.slug in installed} for one in BLUEPRINTS.values()]
    return page(
        request, "backoffice/flow_choose.html", title=f"Install a flow for {customer}", customer=customer, cards=cards
    )


def install(request: HttpRequest, customer_id: int, blueprint: str) -> HttpResponse:
    require(request, "flows.add_flow")
    customer = get_object_or_404(Customer, pk=customer_id)
    chosen = BLUEPRINTS.get(blueprint)
    if chosen is None:
        raise Http404(f"no blueprint {blueprint}; there are {', '.join(BLUEPRINTS)}")
    form = SettingsForm(request.POST or None, model=chosen.settings_model, customer=customer)
    if form.is_valid():
        actor: Any = request.user
        try:
            flow = services.install_blueprint(
                customer,
                blueprint=blueprint,
                settings=form.settings,
                actor=actor,
                reason=form.cleaned_data["reason"],
                now=clock.now(),
            )
        except AppError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{chosen.title} is installed. Look at the preview before you rely on it.")
            return redirect("admin:flows_flow_change", object_id=flow.pk)
    back = reverse("admin:accounts_customer_change", args=[customer.pk])
    title = f"{chosen.title} for {customer}"
    return page(
        request, "backoffice/flow_settings.html", title=title, blueprint=chosen, form=form, back=back, verb="Install"
    )


def settings(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, "flows.change_flow")
    flow = get_object_or_404(Flow.objects.select_related("customer"), pk=pk)
    chosen = BLUEPRINTS[flow.blueprint]
    form = SettingsForm(
        request.POST or None,
        model=chosen.settings_model,
        customer=flow.customer,
        settings=flow.settings,
        initial={"is_enabled": flow.is_enabled},
    )
    back = reverse("admin:flows_flow_change", args=[flow.pk])
    if form.is_valid():
        actor: Any = request.user
        try:
            services.update_settings(
                flow,
                settings=form.settings,
                is_enabled=form.cleaned_data["is_enabled"],
                actor=actor,
                reason=form.cleaned_data["reason"],
            )
        except AppError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The settings are in force from the next thing the flow works on.")
            return redirect(back)
    title = f"Settings of {chosen.title} · {flow.customer}"
    return page(
        request, "backoffice/flow_settings.html", title=title, blueprint=chosen, form=form, back=back, verb="Save"
    )


def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Exactly what the flow would do and write now; nothing is written."""
    require(request, "flows.view_flow")
    flow = get_object_or_404(Flow.objects.select_related("customer"), pk=pk)
    found, problem = None, ""
    try:
        found = services.preview(flow, now=clock.now())
    except AppError as error:
        problem = error.message
    return page(
        request,
        "backoffice/flow_preview.html",
        title=f"Preview: {BLUEPRINTS[flow.blueprint].title} · {flow.customer}",
        flow=flow,
        preview=found,
        problem=problem,
        back=reverse("admin:flows_flow_change", args=[flow.pk]),
    )
