"""Connecting a customer's system, step by step: choose, enter credentials, test, choose what is read."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from apps.accounts.models import Customer
from apps.backoffice.forms import ObjectsForm
from apps.backoffice.views.catalog import _manifest, card
from apps.backoffice.views.common import page, require
from apps.connectors import services
from apps.connectors.forms import ConnectionForm
from apps.connectors.manifest import Manifest, all_manifests
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.errors import AppError
from apps.syncs.services import choose_objects


def choose(request: HttpRequest, customer_id: int) -> HttpResponse:
    require(request, "connectors.add_connection")
    customer = get_object_or_404(Customer, pk=customer_id)
    cards = [card(manifest) for manifest in all_manifests()]
    return page(
        request,
        "backoffice/connect_choose.html",
        title=f"Connect a system of {customer}",
        customer=customer,
        cards=cards,
    )


def enter(request: HttpRequest, customer_id: int, slug: str) -> HttpResponse:
    require(request, "connectors.add_connection")
    customer = get_object_or_404(Customer, pk=customer_id)
    manifest = _manifest(slug)
    form = ConnectionForm(request.POST or None, manifest=manifest)
    if form.is_valid():
        if Connection.objects.filter(customer=customer, name=form.name).exists():
            form.add_error("name", f"{customer} has a connection of this name already; choose another.")
        else:
            return _create(request, customer, manifest, form)
    return page(
        request,
        "backoffice/connect_enter.html",
        title=f"Connect {manifest.connector.name} of {customer}",
        customer=customer,
        manifest=manifest,
        card=card(manifest),
        form=form,
        fields=form_rows(form),
    )


def credentials(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter new credentials for an existing connection, and test them at once."""
    require(request, "connectors.change_connection")
    connection = get_object_or_404(Connection.objects.select_related("customer"), pk=pk)
    form = ConnectionForm(request.POST or None, manifest=connection.manifest, connection=connection, with_name=False)
    if form.is_valid():
        services.update_credentials(
            connection,
            credentials=form.credentials,
            config=form.config,
            actor=request.user,  # type: ignore[arg-type]
            reason="credentials entered by staff",
            now=clock.now(),
        )
        connection.refresh_from_db()
        return _test(request, connection, "admin:connectors_connection_change")
    return page(
        request,
        "backoffice/connect_enter.html",
        title=f"Credentials of {connection}",
        customer=connection.customer,
        manifest=connection.manifest,
        card=card(connection.manifest),
        connection=connection,
        form=form,
        fields=form_rows(form),
    )


def objects(request: HttpRequest, pk: int) -> HttpResponse:
    """Which roles the connection wears and which objects are read, how often."""
    require(request, "connectors.change_connection")
    connection = get_object_or_404(Connection.objects.select_related("customer"), pk=pk)
    form = ObjectsForm(request.POST or None, connection=connection)
    if form.is_valid():
        actor: Any = request.user
        services.set_roles(connection, roles=form.cleaned_data["roles"], actor=actor, reason="chosen by staff")
        chosen = choose_objects(
            connection,
            objects=form.cleaned_data["objects"],
            every_minutes=form.cleaned_data["every_minutes"],
            actor=actor,
            reason="chosen by staff",
            now=clock.now(),
        )
        messages.success(request, f"{len(chosen)} objects are read from {connection} now.")
        return redirect("admin:connectors_connection_change", object_id=connection.pk)
    return page(
        request,
        "backoffice/connect_objects.html",
        title=f"What is read from {connection}",
        connection=connection,
        card=card(connection.manifest),
        form=form,
    )


def variable(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Choose the vendor account (organisation, site, company) when the log-in offers several."""
    require(request, "connectors.change_connection")
    connection = get_object_or_404(Connection.objects.select_related("customer"), pk=pk)
    if request.method == "POST":
        actor: Any = request.user
        try:
            services.choose_variable(
                connection, name=name, value=request.POST.get("value", ""), actor=actor, now=clock.now()
            )
        except AppError as error:
            messages.error(request, error.message)
            return redirect("admin:connection-variable", pk=pk, name=name)
        connection.refresh_from_db()
        return _test(request, connection, "admin:connection-objects")
    choices, problem = [], ""
    try:
        choices = list(services.client_for(connection).choices(name))
    except AppError as error:
        problem = error.message
    return page(
        request,
        "backoffice/connect_variable.html",
        title=f"Which account of {connection.manifest.connector.name}?",
        connection=connection,
        choices=choices,
        problem=problem,
    )


def form_rows(form: ConnectionForm) -> list[dict[str, Any]]:
    """The form's fields with what the manifest says about each: where to find it, for which log-in it is."""
    specs = {spec.name: spec for spec in form.specs}
    return [{"field": field, "spec": specs.get(field.name)} for field in form]


def _create(request: HttpRequest, customer: Customer, manifest: Manifest, form: ConnectionForm) -> HttpResponse:
    actor: Any = request.user
    try:
        connection = services.create_connection(
            customer=customer,
            connector=manifest.slug,
            name=form.name,
            roles=form.roles,
            config=form.config,
            credentials=form.credentials,
            actor=actor,
            reason="connected by staff",
            now=clock.now(),
        )
    except AppError as error:
        messages.error(request, error.message)
        return redirect(request.path)
    if manifest.method(connection.config.get("auth_method", "")).kind == "oauth2_code":
        return redirect("admin:connectors_connection_change", object_id=connection.pk)
    return _test(request, connection, "admin:connection-objects")


def _test(request: HttpRequest, connection: Connection, then: str) -> HttpResponse:
    actor: Any = request.user
    found = services.test_connection(
        connection, now=clock.now(), actor=actor, reason="tested after entering credentials"
    )
    connection.refresh_from_db()
    if found is None:
        messages.error(request, f"{connection.manifest.connector.name} did not let us in: {connection.status_reason}")
        return redirect("admin:connectors_connection_change", object_id=connection.pk)
    messages.success(request, f"It works: signed in to {found.account_name or connection.manifest.connector.name}.")
    return redirect(then, connection.pk)
