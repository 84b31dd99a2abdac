"""The mapping editor: a draft changed line by line, tried on stored records, published as a new version."""

from typing import Any

import yaml
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from apps.backoffice.columns import words
from apps.backoffice.forms import ReasonForm
from apps.backoffice.line_form import LineForm, asks_to_redraw, can_edit, line_of, state_of, state_of_post
from apps.backoffice.mapping_editor import Desk
from apps.backoffice.views.common import page, require
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.errors import AppError
from apps.mappings import selectors, services
from apps.mappings.editing import stamp, with_line, with_line_moved, without_line
from apps.mappings.engine import MappingSpecError, load_mapping, load_mapping_yaml
from apps.mappings.models import Mapping
from apps.mappings.services.plans import plain, wrong_fields
from apps.syncs.models import SourceRecord
from apps.syncs.services import try_on_many

_PERMISSION = "mappings.change_mapping"


class YamlForm(forms.Form):
    plan = forms.CharField(
        label="Mapping",
        help_text="The language is described in docs/mappings.md.",
        widget=forms.Textarea(attrs={"class": "tl-input tl-code", "rows": 30, "spellcheck": "false"}),
    )


class PublishForm(ReasonForm):
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"class": "tl-input"}),
        help_text="Shown on the mapping's page.",
    )
    again = forms.BooleanField(
        label="Apply it to the stored records as well, in the background",
        required=False,
        help_text="Otherwise only what arrives from now on, and what waited for a repair, is mapped by it.",
    )
    seen = forms.CharField(widget=forms.HiddenInput)
    field_order = ["reason", "note", "again", "seen"]


def of_connection(request: HttpRequest, pk: int) -> HttpResponse:
    """All mappings of a connection: the connector's own, and those the customer has instead."""
    require(request, "mappings.view_mapping")
    connection = get_object_or_404(Connection.objects.select_related("customer"), pk=pk)
    own = {(row.object_name, row.entity, row.direction): row for row in connection.mappings.all()}
    pairs: list[tuple[str, str, str]] = [
        (spec.object, spec.entity, spec.direction) for spec in selectors.default_specs(connection.connector)
    ]
    pairs += [key for key in own if key not in pairs]
    rows = [{"object": key[0], "entity": key[1], "direction": key[2], "own": own.get(key)} for key in pairs]
    return page(
        request,
        "backoffice/mappings_of_connection.html",
        title=f"Mappings of {connection.name}",
        connection=connection,
        rows=rows,
        may_change=request.user.has_perm(_PERMISSION),
    )


def begin(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, _PERMISSION)
    connection = get_object_or_404(Connection, pk=pk)
    if request.method != "POST":
        return redirect("admin:connection-mappings", pk=pk)
    try:
        row = services.begin_draft(
            connection=connection,
            object_name=request.POST.get("object", "")[:100],
            entity=request.POST.get("entity", ""),
            direction="out" if request.POST.get("direction") == "out" else "in",
            actor=request.user,  # type: ignore[arg-type]
        )
    except AppError as error:
        messages.error(request, error.message)
        return redirect("admin:connection-mappings", pk=pk)
    return redirect("admin:mapping-editor", pk=row.pk)


def editor(request: HttpRequest, pk: int) -> HttpResponse:
    row = _draft(request, pk)
    if row is None:
        return redirect("admin:mappings_mapping_change", object_id=pk)
    desk = Desk(row, record=_record(request), now=clock.now())
    trial, problem = desk.trial()
    context = {
        "title": f"Edit: {_title(row)}",
        "desk": desk,
        "original": row,
        "lines": desk.lines(trial.explanation.fields if trial else ()),
        "trial": trial,
        "problem": problem,
        "raw": desk.raw(),
        "seen": stamp(desk.plan),
        "is_changed": desk.plan != row.spec or row.version == 0,
    }
    if request.htmx:  # type: ignore[attr-defined]
        return TemplateResponse(request, "backoffice/fragments/mapping_lines.html", context)
    return page(request, "backoffice/mapping_editor.html", unfilled=desk.unfilled(), **context)


def lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a line up or down, or take it out."""
    row = _draft(request, pk)
    if row is None or request.method != "POST":
        return redirect("admin:mapping-editor", pk=pk)
    plan: dict[str, Any] = row.draft or {}
    verb, _, number = request.POST.get("do", "").partition("-")
    if number.isdigit() and int(number) < len(plan["fields"]):
        index = int(number)
        changed = (
            without_line(plan, index) if verb == "remove" else with_line_moved(plan, index, -1 if verb == "up" else 1)
        )
        _keep(request, row, changed, request.POST.get("seen", ""), _DONE.get(verb, "Moved."))
    return redirect(_editor_url(pk, _record(request)))


_DONE = {"remove": "The line is taken out of the draft."}


def line(request: HttpRequest, pk: int, index: int | None = None) -> HttpResponse:
    """One line as a form. Drawn again while it is filled in; saved into the draft when it makes sense."""
    row = _draft(request, pk)
    if row is None:
        return redirect("admin:mappings_mapping_change", object_id=pk)
    plan: dict[str, Any] = row.draft or {}
    present = plan["fields"][index] if index is not None and index < len(plan["fields"]) else None
    if index is not None and (present is None or not can_edit(present)):
        messages.error(request, "This line is edited as YAML, or is gone.")
        return redirect("admin:mapping-editor", pk=pk)
    desk = Desk(row, record=_record(request), now=clock.now())
    if request.method == "POST":
        state, seen = state_of_post(request.POST), request.POST.get("seen", "")
    else:
        shown = present or desk.suggested_line(request.GET.get("to", ""), request.GET.get("from", ""))
        state, seen = state_of(shown, row.direction), stamp(plan)
    written, errors = line_of(state, plan)
    redraws = request.method != "POST" or asks_to_redraw(request.POST)
    if not redraws and not errors:
        changed = with_line(plan, index, written)
        if _keep(request, row, changed, seen, f"{written['to']} is in the draft."):
            return redirect(_editor_url(pk, desk.chosen))
    form = LineForm(
        state, direction=row.direction, objects=desk.objects(), value_maps=sorted(selectors.value_maps(desk.connection))
    )
    context = {
        "title": f"{'Change' if index is not None else 'Add'} a line: {_title(row)}",
        "original": row,
        "desk": desk,
        "form": form,
        "errors": {} if redraws else errors,
        "result": _result(desk, plan, written, errors),
        "seen": seen,
        "sources": desk.sources(),
        "back": _editor_url(pk, desk.chosen),
        "index": index,
    }
    if request.htmx:  # type: ignore[attr-defined]
        return TemplateResponse(request, "backoffice/fragments/mapping_line.html", context)
    return page(request, "backoffice/mapping_line.html", **context)


def as_yaml(request: HttpRequest, pk: int) -> HttpResponse:
    row = _draft(request, pk)
    if row is None:
        return redirect("admin:mappings_mapping_change", object_id=pk)
    plan: dict[str, Any] = row.draft or {}
    text = yaml.safe_dump(plan, sort_keys=False, allow_unicode=True, width=120)
    form = YamlForm(request.POST or None, initial={"plan": text})
    if form.is_valid():
        try:
            spec = load_mapping_yaml(form.cleaned_data["plan"], name=_title(row))
            written = yaml.safe_load(form.cleaned_data["plan"])
            if wrong_fields(spec):
                raise services.BadMappingError("; ".join(message for _, _, message in wrong_fields(spec)))
        except (MappingSpecError, AppError) as error:
            form.add_error("plan", str(error))
        else:
            if _keep(request, row, plain(written), request.POST.get("seen", ""), "The draft is kept."):
                return redirect("admin:mapping-editor", pk=pk)
    return page(
        request,
        "backoffice/mapping_yaml.html",
        title=f"As YAML: {_title(row)}",
        original=row,
        form=form,
        seen=request.POST.get("seen") or stamp(plan),
        back=_editor_url(pk, None),
    )


def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows what would come out differently, asks why, and puts the draft in force."""
    row = _draft(request, pk)
    if row is None:
        return redirect("admin:mappings_mapping_change", object_id=pk)
    form = PublishForm(request.POST or None, rows=[row], initial={"seen": stamp(row.draft or {}), "note": row.note})
    if form.is_valid():
        data = form.cleaned_data
        try:
            services.publish_draft(
                row,
                seen=data["seen"],
                actor=request.user,  # type: ignore[arg-type]
                reason=data["reason"],
                note=data["note"],
                again=data["again"],
            )
        except AppError as error:
            messages.error(request, error.message)
            return redirect("admin:mapping-editor", pk=pk)
        messages.success(request, "The new version is in force from the next run.")
        return redirect("admin:mappings_mapping_change", object_id=pk)
    comparison, problem = None, ""
    if row.direction == Mapping.Direction.IN:
        try:
            comparison = try_on_many(row.connection, load_mapping(row.draft or {}, name="draft"))
        except (AppError, MappingSpecError) as error:
            problem = str(error)
    else:
        form.fields.pop("again")
    stored = SourceRecord.objects.filter(connection=row.connection, object_name=row.object_name).count()
    return page(
        request,
        "backoffice/mapping_publish.html",
        title=f"Publish version {row.version + 1}: {_title(row)}",
        original=row,
        form=form,
        comparison=comparison,
        problem=problem,
        stored=stored,
        next_version=row.version + 1,
        back=_editor_url(pk, None),
    )


def discard(request: HttpRequest, pk: int) -> HttpResponse:
    row = _draft(request, pk)
    if row is not None and request.method == "POST":
        connection_id = row.connection_id
        services.discard_draft(row)
        messages.success(request, "The draft is dropped; what is in force stays.")
        return redirect("admin:connection-mappings", pk=connection_id)
    return redirect("admin:mapping-editor", pk=pk)


def _draft(request: HttpRequest, pk: int) -> Mapping | None:
    """The mapping with its draft; None when it has none."""
    if not request.user.has_perm(_PERMISSION):
        raise PermissionDenied(f"this needs the permission {_PERMISSION}")
    row = get_object_or_404(Mapping.objects.select_related("connection__customer", "customer"), pk=pk)
    return row if row.draft is not None else None


def _keep(request: HttpRequest, row: Mapping, plan: dict[str, Any], seen: str, said: str) -> bool:
    try:
        services.save_draft(row, draft=plan, seen=seen)
    except AppError as error:
        messages.error(request, error.message)
        return False
    messages.success(request, said)
    return True


def _result(desk: Desk, plan: dict[str, Any], written: dict[str, Any], errors: dict[str, list[str]]) -> dict[str, Any]:
    """What the line makes of the chosen record at this moment."""
    if desk.chosen is None or errors:
        return {"incomplete": next(iter(errors.values()))[0] if errors else ""}
    alone = {key: plan[key] for key in ("object", "entity", "direction")} | {"fields": [written]}
    try:
        trace = desk.trace_of(alone)
    except (AppError, MappingSpecError) as error:
        return {"problem": str(error)}
    return {"trace": trace}


def _record(request: HttpRequest) -> int | None:
    chosen = request.GET.get("record") or request.POST.get("record") or ""
    return int(chosen) if chosen.isdigit() else None


def _editor_url(pk: int, record: int | None) -> str:
    url = reverse("admin:mapping-editor", args=[pk])
    return f"{url}?{urlencode({'record': record})}" if record is not None else url


def _title(row: Mapping) -> str:
    arrow = "→" if row.direction == Mapping.Direction.IN else "←"
    return f"{words(row.object_name)} {arrow} {words(row.entity)}, {row.connection.name}"
