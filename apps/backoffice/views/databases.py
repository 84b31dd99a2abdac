"""Databases in the staff admin: which tables are read, and what is written into a warehouse."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from apps.backoffice.views.common import page, require
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.errors import AppError
from apps.tabular.forms import TableForm, WarehouseForm
from apps.tabular.models import Layout, Warehouse
from apps.tabular.services.exporting import set_up_warehouse
from apps.tabular.services.tables import choose_table, describe, list_tables, suggest_table


def tables(request: HttpRequest, pk: int) -> HttpResponse:
    """The kinds of records, and the table each is read from."""
    require(request, "connectors.change_connection")
    connection = _connection(pk, "sql")
    chosen = {row.object_name: row.options.get("table", "") for row in Layout.objects.filter(connection=connection)}
    rows = [
        {"name": name, "title": spec.title, "table": chosen.get(name, "")}
        for name, spec in connection.manifest.objects.items()
    ]
    return page(request, "backoffice/tables.html", title=f"Tables of {connection}", connection=connection, rows=rows)


def table(request: HttpRequest, pk: int, object_name: str) -> HttpResponse:
    """Choose the table, then its columns."""
    require(request, "connectors.change_connection")
    connection = _connection(pk, "sql")
    if object_name not in connection.manifest.objects:
        raise Http404(f"no kind of record {object_name}")
    before = Layout.objects.filter(connection=connection, object_name=object_name).first()
    chosen = request.GET.get("table") or (before.options.get("table", "") if before else "")
    found: list[str] = []
    form = None
    try:
        found = list_tables(connection)
        if chosen:
            columns = describe(connection, chosen)
            proposed = suggest_table(connection, object_name, columns)
            if before is not None and before.options.get("table") == chosen:
                proposed = {
                    "fields": {name: column["field"] for name, column in before.columns.items()},
                    "keys": before.keys,
                    "modified": before.options.get("modified", ""),
                }
            form = TableForm(
                request.POST or None, connection=connection, object_name=object_name, columns=columns, proposed=proposed
            )
            if form.is_valid():
                actor: Any = request.user
                choose_table(
                    connection,
                    object_name=object_name,
                    table=chosen,
                    columns=form.chosen,
                    keys=form.keys,
                    modified=form.cleaned_data["modified"],
                    known=columns,
                    actor=actor,
                    reason="chosen by staff",
                    now=clock.now(),
                )
                messages.success(request, f"{chosen} is read now.")
                return redirect("admin:connection-tables", pk=pk)
    except AppError as error:
        messages.error(request, error.message)
    return page(
        request,
        "backoffice/table.html",
        title=f"{connection.manifest.objects[object_name].title} from {connection}",
        connection=connection,
        tables=found,
        chosen=chosen,
        form=form,
    )


def warehouse(request: HttpRequest, pk: int) -> HttpResponse:
    """What is written where and how often, and how far it is."""
    require(request, "tabular.change_warehouse")
    connection = _connection(pk, "warehouse")
    row = Warehouse.objects.filter(connection=connection).first()
    names = ("schema", "scope", "entities", "with_history", "every_minutes", "is_enabled")
    initial = {name: getattr(row, name) for name in names} if row else {}
    form = WarehouseForm(request.POST or None, initial=initial)
    if form.is_valid():
        actor: Any = request.user
        try:
            set_up_warehouse(connection, **form.cleaned_data, actor=actor, reason="set up by staff", now=clock.now())
        except AppError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "Saved. It is brought into step now.")
            return redirect("admin:connection-warehouse", pk=pk)
    return page(
        request,
        "backoffice/warehouse.html",
        title=f"Warehouse of {connection}",
        connection=connection,
        warehouse=row,
        tables=list(row.tables.all()) if row else [],
        form=form,
    )


def _connection(pk: int, kind: str) -> Connection:
    connection = get_object_or_404(Connection.objects.select_related("customer"), pk=pk)
    if connection.manifest.client.kind != kind:
        raise Http404(f"{connection} is another kind of system")
    return connection
