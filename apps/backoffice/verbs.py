"""Verbs: what a person may do to a machine-written row. Each confirms, asks why, and calls one service a row."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.backoffice.forms import ReasonForm
from apps.core import clock
from apps.core.errors import AppError

# One service call per row inside one request: more than this would run into the router's time limit.
MOST_ROWS = 500
ROWS_SHOWN = 50
MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Call:
    """Who does it, when, why, and what the confirmation form asked beside the reason."""

    actor: Any
    now: datetime
    reason: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that may be done to a row. `effect` says in plain words what will happen to it."""

    name: str
    title: str
    permission: str
    effect: Callable[[Any], str]
    run: Callable[[Any, Call], object]
    icon: str = "bolt"
    tone: str = ""
    form: Callable[..., forms.Form] = ReasonForm
    applies: Callable[[Any], bool] = lambda row: True
    on_list: bool = True
    is_wide: bool = False
    done: str = "done"

    def button(self, url: str) -> dict[str, str]:
        return {"title": self.title, "icon": self.icon, "tone": self.tone, "url": url, "name": self.name}


@dataclass(slots=True)
class Tally:
    """What became of the rows."""

    done: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)


class ConfirmedActionMixin:
    """Gives a ModelAdmin its verbs: as list actions and as buttons of the record's page, through one confirmation."""

    verbs: tuple[Verb, ...] = ()
    confirm_template = "backoffice/confirm.html"

    def get_urls(self) -> list[URLPattern]:
        opts = self.model._meta  # type: ignore[attr-defined]
        view = self.admin_site.admin_view(self.verb_view)  # type: ignore[attr-defined]
        name = f"{opts.app_label}_{opts.model_name}_do"
        return [path("<path:object_id>/do/<slug:verb>/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's own actions are left out on purpose: nothing is deleted in bulk here."""
        return {
            verb.name: (self._list_action(verb), verb.name, f"{verb.title}…")
            for verb in self.verbs
            if verb.on_list and request.user.has_perm(verb.permission)
        }

    def page_verbs(self, request: HttpRequest, row: Any) -> list[dict[str, str]]:
        """The buttons this person may press on this row now."""
        opts = self.model._meta  # type: ignore[attr-defined]
        name = f"admin:{opts.app_label}_{opts.model_name}_do"
        return [
            verb.button(reverse(name, args=[row.pk, verb.name]))
            for verb in self.verbs
            if verb.applies(row) and request.user.has_perm(verb.permission)
        ]

    def verb_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        chosen = next((candidate for candidate in self.verbs if candidate.name == verb), None)
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        if chosen is None or row is None:
            raise Http404(f"no {verb} of {object_id}")
        if not request.user.has_perm(chosen.permission):
            raise PermissionDenied
        form = self._form(chosen, request, [row], confirmed=request.method == "POST")
        if form.is_bound and form.is_valid():
            self._report(request, chosen, self._run(chosen, [row], self._call(request, form)))
            return HttpResponseRedirect(self._after(request, row))
        return self._confirm_page(request, chosen, [row], form, back=self._after(request, row))

    def _list_action(self, verb: Verb) -> Callable[..., HttpResponse | None]:
        def act(admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
            if not request.user.has_perm(verb.permission):
                raise PermissionDenied
            rows = list(queryset[: MOST_ROWS + 1])
            if len(rows) > MOST_ROWS:
                text = f"At most {MOST_ROWS} at a time: narrow the list with a filter, or repeat."
                messages.error(request, text)
                return None
            form = self._form(verb, request, rows, confirmed="confirmed" in request.POST)
            if form.is_bound and form.is_valid():
                self._report(request, verb, self._run(verb, rows, self._call(request, form)))
                return None
            return self._confirm_page(request, verb, rows, form, back=request.get_full_path(), many=True)

        act.__name__ = verb.name
        return act

    def _form(self, verb: Verb, request: HttpRequest, rows: list[Any], *, confirmed: bool) -> forms.Form:
        return verb.form(request.POST if confirmed else None, rows=rows)

    def _call(self, request: HttpRequest, form: forms.Form) -> Call:
        data = dict(form.cleaned_data)
        return Call(actor=request.user, now=clock.now(), reason=data.pop("reason", ""), data=data)

    def _run(self, verb: Verb, rows: list[Any], call: Call) -> Tally:
        tally = Tally()
        for row in rows:
            if not verb.applies(row):
                tally.skipped += 1
                continue
            try:
                verb.run(row, call)
                tally.done += 1
            except AppError as error:
                tally.failures.append(f"{row}: {error.message}")
        return tally

    def _report(self, request: HttpRequest, verb: Verb, tally: Tally) -> None:
        if tally.done:
            messages.success(request, f"{verb.title}: {tally.done} {verb.done}.")
        if tally.skipped:
            messages.warning(
                request, f"{verb.title}: {tally.skipped} left alone, since it does not apply to their state."
            )
        for failure in tally.failures[:MOST_FAILURES]:
            messages.error(request, failure)

    def _confirm_page(
        self, request: HttpRequest, verb: Verb, rows: list[Any], form: forms.Form, *, back: str, many: bool = False
    ) -> HttpResponse:
        lines = [
            {"title": str(row), "effect": verb.effect(row) if verb.applies(row) else "", "applies": verb.applies(row)}
            for row in rows[:ROWS_SHOWN]
        ]
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.model._meta,  # type: ignore[attr-defined]
            "title": verb.title,
            "verb": verb,
            "lines": lines,
            "more": max(len(rows) - ROWS_SHOWN, 0),
            "count": sum(1 for row in rows if verb.applies(row)),
            "form": form,
            "back": back,
            "many": many,
            "selected": [row.pk for row in rows] if many else [],
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, self.confirm_template, context)

    def _after(self, request: HttpRequest, row: Any) -> str:
        opts = self.model._meta  # type: ignore[attr-defined]
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
