"""Cases: what went wrong, in plain words, with everything needed to repair it on one page."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from apps.backoffice.base import RecordAdmin, link
from apps.backoffice.columns import money, pill, when
from apps.backoffice.forms import AssignForm, PlainForm
from apps.backoffice.naming import connector_name, names_of, record_url
from apps.backoffice.site import site
from apps.backoffice.subjects import subject_of
from apps.backoffice.verbs import MOST_ROWS, Verb
from apps.core import clock
from apps.exceptions import selectors, services
from apps.exceptions.models import Cause, ExceptionCase
from apps.exceptions.reasons import reason_for
from apps.syncs.models import Delivery

_CASES_SHOWN = 50
_OF_THE_WRITE = frozenset({"edit", "confirm", "absent"})


def is_unsettled(case: ExceptionCase) -> bool:
    return case.status in selectors.OPEN


class AnswerForm(PlainForm):
    """The choice a question case asks for."""

    answer = forms.ChoiceField(label="Answer", widget=forms.Select(attrs={"class": "tl-input"}))

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, rows=rows, **kwargs)
        question = selectors.question_for(rows[0])
        field = self.fields["answer"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose…"), *(question.options if question else [])]
        if question:
            field.label, field.help_text = question.text, question.help


@admin.register(Cause, site=site)
class CauseAdmin(RecordAdmin):
    """Cases that one repair may end, together."""

    page_template = "backoffice/cause.html"
    list_before_template = "backoffice/parts/causes.html"
    list_display = ("what", "system", "severity", "open_cases", "customers", "money_at_risk", "since")
    list_display_links = ("what",)
    list_filter = ("reason", "connector")
    search_fields = ("key",)
    search_help_text = "Search words of what went wrong"
    verbs = (
        Verb(
            name="retry",
            title="Retry all",
            permission="exceptions.retry_case",
            effect=lambda cause: (
                f"{min(cause.open_count, MOST_ROWS)} open cases of {cause.customer_count} "
                f"customer{'s' if cause.customer_count != 1 else ''} are tried again, the oldest first, each from where it "
                "stopped. Writes that may have arrived are asked about before they are sent."
            ),
            run=lambda cause, call: services.retry_cause(
                cause, actor=call.actor, reason=call.reason, now=call.now, most=MOST_ROWS
            ),
            icon="refresh",
            tone="primary",
            applies=lambda cause: cause.open_count > 0,
            on_list=False,
            done="being tried again",
        ),
    )

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["-open_count", "oldest_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cause]:
        found: QuerySet[Any] = selectors.causes()
        return (
            found
            if request.resolver_match and "object_id" in request.resolver_match.kwargs
            else found.filter(open_count__gt=0)
        )

    def page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        cases = list(
            ExceptionCase.objects.filter(cause=row, status__in=selectors.OPEN)
            .select_related("customer", "connection", "assigned_to")
            .order_by("opened_at")[:_CASES_SHOWN]
        )
        reason = reason_for(row.reason)
        return {
            "title": str(row),
            "system": connector_name(row.connector) if row.connector else "",
            "reason": reason,
            "cases": cases,
            "customers": selectors.customers_of(row),
            "severity_label": reason.severity.label,
            "owner_label": reason.owner.label,
        }

    @display(description="What goes wrong", ordering="key")
    def what(self, cause: Cause) -> str:
        return format_html("{}<div class='tl-sub'>{}</div>", reason_for(cause.reason).title, cause.key or "–")

    @display(description="System", ordering="connector")
    def system(self, cause: Cause) -> str:
        return connector_name(cause.connector) if cause.connector else "–"

    @display(description="Severity")
    def severity(self, cause: Cause) -> str:
        found = reason_for(cause.reason).severity
        return pill(found.label, found)

    @display(description="Open cases", ordering="open_count")
    def open_cases(self, cause: Any) -> str:
        return f"{cause.open_count:,}"

    @display(description="Customers", ordering="customer_count")
    def customers(self, cause: Any) -> str:
        return f"{cause.customer_count:,}"

    @display(description="Money at risk", ordering="total")
    def money_at_risk(self, cause: Any) -> str:
        if cause.currency_count > 1:
            return "several currencies"
        return money(cause.total, cause.currency or "")

    @display(description="Oldest", ordering="oldest_at")
    def since(self, cause: Any) -> str:
        return when(cause.oldest_at, clock.now()) if cause.oldest_at else "–"


@admin.register(ExceptionCase, site=site)
class CaseAdmin(RecordAdmin):
    page_template = "backoffice/case.html"
    list_display = ("what", "customer_link", "state", "money_at_risk", "seen", "owner", "age")
    list_display_links = ("what",)
    list_select_related = ("customer", "connection", "assigned_to")
    list_filter = ("status", "reason", "audience", "customer", "assigned_to")
    search_fields = ("title", "trace_key", "customer__name")
    search_help_text = "Search words of the case, or a customer"
    date_hierarchy = "opened_at"
    ordering = ("-latest_at",)
    verbs = (
        Verb(
            name="retry",
            title="Retry",
            permission="exceptions.retry_case",
            effect=lambda case: "The step that failed is tried again, from where it stopped.",
            run=lambda case, call: services.retry_case(case, actor=call.actor, reason=call.reason, now=call.now),
            icon="refresh",
            tone="primary",
            applies=is_unsettled,
            done="being tried again",
        ),
        Verb(
            name="ignore",
            title="Ignore",
            permission="exceptions.ignore_case",
            effect=lambda case: "The case is closed without a repair. The record stays as it is in the other system.",
            run=lambda case, call: services.ignore_case(case, actor=call.actor, reason=call.reason, now=call.now),
            icon="visibility_off",
            applies=is_unsettled,
            done="ignored",
        ),
        Verb(
            name="assign",
            title="Assign",
            permission="exceptions.assign_case",
            effect=lambda case: "The colleague becomes the owner of the case.",
            run=lambda case, call: services.assign_case(case, user=call.data["user"], actor=call.actor),
            icon="person_add",
            form=AssignForm,
            applies=is_unsettled,
            done="assigned",
        ),
        Verb(
            name="answer",
            title="Answer",
            permission="exceptions.answer_case",
            effect=lambda case: "The answer is kept in the value map, and everything that waits for it goes on.",
            run=lambda case, call: services.answer_question(
                case, answer=call.data["answer"], actor=call.actor, now=call.now
            ),
            icon="forum",
            form=AnswerForm,
            applies=lambda case: is_unsettled(case) and selectors.question_for(case) is not None,
            on_list=False,
            done="answered",
        ),
    )

    def page_verbs(self, request: HttpRequest, row: ExceptionCase) -> list[dict[str, str]]:
        """Without the answer: the question stands on the page itself."""
        return [button for button in super().page_verbs(request, row) if button["name"] != "answer"]

    def page(self, request: HttpRequest, row: ExceptionCase) -> dict[str, Any]:
        question = selectors.question_for(row) if is_unsettled(row) else None
        reason = reason_for(row.reason)
        subject = subject_of(row)
        return {
            "reason": reason,
            "question": question,
            "may_answer": request.user.has_perm("exceptions.answer_case"),
            "subject": subject,
            "buttons": self._delivery_verbs(request, subject.row) if subject and subject.kind == "delivery" else [],
            "is_unsettled": is_unsettled(row),
            "alike": selectors.alike(row),
            "severity_label": reason.severity.label,
            "owner_label": reason.owner.label,
            "subtitle": reason.title,
            "record_url": record_url(row.entity, row.record_id) if row.entity else "",
            "record_name": names_of([(row.entity, row.record_id)]).get((row.entity, row.record_id), "")
            if row.record_id
            else "",
        }

    def _delivery_verbs(self, request: HttpRequest, delivery: Any) -> list[dict[str, str]]:
        """What may be done to the write itself, beside the verbs of the case (whose own retry is the write's retry)."""
        offered = self.admin_site.get_model_admin(Delivery).page_verbs(request, delivery)
        return [{**button, "tone": ""} for button in offered if button["name"] in _OF_THE_WRITE]

    @display(description="What happened", ordering="title")
    def what(self, case: ExceptionCase) -> str:
        return case.title

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, case: ExceptionCase) -> str:
        return link(case.customer)

    @display(description="State", ordering="status")
    def state(self, case: ExceptionCase) -> str:
        return pill(case.get_status_display(), case.status)

    @display(description="Money at risk", ordering="amount")
    def money_at_risk(self, case: ExceptionCase) -> str:
        return money(case.amount or None, case.currency)

    @display(description="Seen", ordering="occurrences")
    def seen(self, case: ExceptionCase) -> str:
        return f"{case.occurrences}×"

    @display(description="Owner", ordering="assigned_to")
    def owner(self, case: ExceptionCase) -> str:
        return str(case.assigned_to or "–")

    @display(description="Since", ordering="opened_at")
    def age(self, case: ExceptionCase) -> str:
        return when(case.opened_at, clock.now())
