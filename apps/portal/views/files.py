"""The customer's files: upload, confirm the columns, see what became of them, correct what was set aside."""

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Customer
from apps.core import clock
from apps.core.errors import AppError
from apps.portal.access import is_partial, portal_page, user_of
from apps.portal.views.pages import draw, draw_part
from apps.tabular.forms import ColumnsForm, ReadingForm, UploadForm
from apps.tabular.models import DataFile, FileStatus
from apps.tabular.services.corrections import bad_rows_file
from apps.tabular.services.layouts import confirm_layout, suggest
from apps.tabular.services.staging import read_differently
from apps.tabular.uploads import connections_with_files, preview_of, take_upload, template_download

_CONNECT = "portal.connect"
_SHOWN = 50


@portal_page()
def files(request: HttpRequest, customer: Customer) -> HttpResponse:
    """The latest files, and the form that takes another."""
    connections = connections_with_files(customer.pk)
    if not connections:
        raise Http404
    may_upload = user_of(request).has_perm(_CONNECT)
    form = UploadForm(request.POST or None, request.FILES or None, connections=connections)
    if request.method == "POST":
        if not may_upload:
            raise Http404
        if form.is_valid():
            return _upload(request, form)
    found = DataFile.objects.filter(customer=customer).order_by("-pk")[:_SHOWN]
    return draw(
        request,
        customer,
        "portal/files.html",
        title="Files",
        section="connections",
        files=list(found),
        form=form,
        may_upload=may_upload,
        kinds=connections[0].manifest.objects,
        status=422 if form.errors else 200,
    )


@require_safe
@portal_page()
def template(request: HttpRequest, customer: Customer, object_name: str, kind: str) -> HttpResponse:
    """A table with the right headings, to fill in. Every connection that takes files knows the same kinds."""
    connections = connections_with_files(customer.pk)
    if not connections:
        raise Http404
    try:
        return template_download(connections[0], object_name, kind)
    except AppError as error:
        raise Http404(error.message)


def _upload(request: HttpRequest, form: UploadForm) -> HttpResponse:
    try:
        received = take_upload(form, actor=user_of(request), now=clock.now())
    except AppError as error:
        messages.error(request, error.message)
        return redirect("portal:files")
    if not received.is_new:
        messages.info(request, "This very file came before. Nothing is taken over twice; here is what became of it.")
    return redirect("portal:file", pk=received.file.pk)


@portal_page()
def file(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """One file: its columns to confirm, its progress, or its result."""
    found = _file(customer, pk)
    may_change = user_of(request).has_perm(_CONNECT)
    if is_partial(request) and found.status in (FileStatus.RECEIVED, FileStatus.READY):
        return draw_part(request, "portal/file.html#progress", now=clock.now(), file=found)
    if is_partial(request):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    wants_columns = found.status == FileStatus.NEEDS_LAYOUT or (
        found.status == FileStatus.LOADED and "columns" in request.GET
    )
    suggestion = suggest(found) if wants_columns and found.object_name else None
    form = ColumnsForm(request.POST or None, file=found, suggestion=suggestion) if suggestion and may_change else None
    problem = ""
    if form is not None and form.is_valid() and "look" not in request.POST:
        try:
            confirm_layout(
                found,
                object_name=found.object_name,
                columns=form.columns,
                keys=form.keys,
                actor=user_of(request),
                reason="confirmed in the portal",
                now=clock.now(),
            )
        except AppError as error:
            problem = error.message
        else:
            return redirect("portal:file", pk=pk)
    return _draw(request, customer, found, form=form, suggestion=suggestion, may_change=may_change, problem=problem)


@require_POST
@portal_page(_CONNECT)
def reading(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Read it again, in the way the person says."""
    found = _file(customer, pk)
    form = ReadingForm(request.POST, file=found)
    if not form.is_valid():
        messages.error(request, "Choose one of the offered ways, and a line between 1 and 60.")
        return redirect("portal:file", pk=pk)
    try:
        read_differently(
            found,
            overrides=form.overrides,
            object_name=form.cleaned_data["kind"],
            actor=user_of(request),
            reason="changed in the portal",
            now=clock.now(),
        )
    except AppError as error:
        messages.error(request, error.message)
    return redirect("portal:file", pk=pk)


@require_safe
@portal_page()
def bad_rows(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """The rows that were set aside, as a CSV to correct. Written whole before it is sent: the walls are up while it is read."""
    found = _file(customer, pk)
    try:
        content = bad_rows_file(found)
    except AppError as error:
        messages.error(request, error.message)
        return redirect("portal:file", pk=pk)
    return csv_download(content, found)


def csv_download(content: Any, file: DataFile) -> HttpResponse:
    stem = file.name.rpartition(".")[0] or file.name
    answer: Any = FileResponse(
        content, as_attachment=True, filename=f"{stem}-set-aside.csv", content_type="text/csv; charset=utf-8"
    )
    return answer  # type: ignore[no-any-return]


def _file(customer: Customer, pk: int) -> DataFile:
    return get_object_or_404(DataFile.objects.select_related("connection", "customer"), customer=customer, pk=pk)


def _draw(
    request: HttpRequest, customer: Customer, found: DataFile, *, form: Any, problem: str, **more: Any
) -> HttpResponse:
    return draw(
        request,
        customer,
        "portal/file.html",
        title=found.name,
        section="connections",
        file=found,
        form=form,
        preview=preview_of(found, form) if form is not None else None,
        problem=problem,
        kind=found.connection.manifest.objects[found.object_name].title if found.object_name else "",
        reading=ReadingForm(file=found) if more["may_change"] and found.status != FileStatus.READY else None,
        status=422 if problem else 200,
        **more,
    )
