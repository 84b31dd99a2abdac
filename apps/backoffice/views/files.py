"""Files in the staff admin: upload, confirm the columns, read differently, fetch what was set aside."""

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse

from apps.backoffice.views.common import page, require
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.errors import AppError
from apps.tabular.forms import ColumnsForm, ReadingForm, UploadForm
from apps.tabular.models import DataFile, FileStatus
from apps.tabular.services.corrections import bad_rows_file
from apps.tabular.services.layouts import confirm_layout, suggest
from apps.tabular.services.staging import read_differently
from apps.tabular.uploads import preview_of, take_upload, template_download

_PAGE = "admin:tabular_datafile_change"


def upload(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, "tabular.add_datafile")
    connection = get_object_or_404(Connection.objects.select_related("customer"), pk=pk)
    if connection.manifest.client.kind != "files":
        raise Http404("this connection takes no files")
    form = UploadForm(request.POST or None, request.FILES or None, connections=[connection])
    if form.is_valid():
        actor: Any = request.user
        try:
            received = take_upload(form, actor=actor, now=clock.now())
        except AppError as error:
            messages.error(request, error.message)
            return redirect(request.path)
        if not received.is_new:
            messages.info(request, "This very file came before. Nothing is taken over twice.")
        if received.file.status == FileStatus.NEEDS_LAYOUT:
            return redirect("admin:file-columns", pk=received.file.pk)
        return redirect(_PAGE, object_id=received.file.pk)
    return page(
        request,
        "backoffice/file_form.html",
        title=f"Upload a file for {connection.customer}",
        back=("admin:connectors_connection_change", connection.pk),
        form=form,
        submit="Upload",
        is_upload=True,
        templates=connection,
    )


def template(request: HttpRequest, pk: int, object_name: str, kind: str) -> HttpResponse:
    """A table with the right headings, to fill in."""
    require(request, "tabular.add_datafile")
    connection = get_object_or_404(Connection, pk=pk)
    try:
        return template_download(connection, object_name, kind)
    except AppError as error:
        raise Http404(error.message)


def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm what the columns hold; proposals with their reasons."""
    require(request, "tabular.change_datafile")
    file = _file(pk)
    if not file.object_name:
        return redirect("admin:file-reading", pk=pk)
    suggestion = suggest(file)
    form = ColumnsForm(request.POST or None, file=file, suggestion=suggestion)
    if form.is_valid() and "look" not in request.POST:
        actor: Any = request.user
        try:
            confirm_layout(
                file,
                object_name=file.object_name,
                columns=form.columns,
                keys=form.keys,
                actor=actor,
                reason="confirmed by staff",
                now=clock.now(),
            )
        except AppError as error:
            messages.error(request, error.message)
        else:
            return redirect(_PAGE, object_id=pk)
    return page(
        request,
        "backoffice/file_columns.html",
        title=f"Columns of {file}",
        file=file,
        form=form,
        suggestion=suggestion,
        preview=preview_of(file, form),
    )


def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is; once it is done, the page is loaded anew."""
    require(request, "tabular.view_datafile")
    file = _file(pk)
    if file.status not in (FileStatus.RECEIVED, FileStatus.READY):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return TemplateResponse(request, "backoffice/fragments/file_progress.html", {"file": file})


def reading(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, "tabular.change_datafile")
    file = _file(pk)
    form = ReadingForm(request.POST or None, file=file)
    if form.is_valid():
        actor: Any = request.user
        try:
            read_differently(
                file,
                overrides=form.overrides,
                object_name=form.cleaned_data["kind"],
                actor=actor,
                reason="changed by staff",
                now=clock.now(),
            )
        except AppError as error:
            messages.error(request, error.message)
        return redirect(_PAGE, object_id=pk)
    return page(
        request,
        "backoffice/file_form.html",
        title=f"How {file} is read",
        back=(_PAGE, file.pk),
        form=form,
        submit="Read it again",
        is_upload=False,
    )


def bad_rows(request: HttpRequest, pk: int) -> HttpResponseBase:
    require(request, "tabular.view_datafile")
    file = _file(pk)
    try:
        content = bad_rows_file(file)
    except AppError as error:
        messages.error(request, error.message)
        return redirect(_PAGE, object_id=pk)
    stem = file.name.rpartition(".")[0] or file.name
    return FileResponse(
        content, as_attachment=True, filename=f"{stem}-set-aside.csv", content_type="text/csv; charset=utf-8"
    )


def _file(pk: int) -> DataFile:
    return get_object_or_404(DataFile.objects.select_related("connection", "customer"), pk=pk)
