"""Questions only the customer can answer."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Customer
from apps.core import clock
from apps.exceptions.services import answer_question
from apps.portal import selectors
from apps.portal.access import is_partial, portal_page, user_of
from apps.portal.forms import AnswerForm
from apps.portal.views.pages import draw, draw_part

_ANSWER = "portal.answer"


@require_safe
@portal_page()
def questions(request: HttpRequest, customer: Customer) -> HttpResponse:
    return _page(request, customer)


@require_safe
@portal_page()
def question(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """One question alone: where a mail leads."""
    found = selectors.open_question(customer, pk)
    if found is None:
        return _settled_meanwhile(request, now=clock.now())
    return draw(
        request,
        customer,
        "portal/questions.html",
        title="A question",
        section="questions",
        questions=[(found[1], AnswerForm(found[1]))],
        can_answer=user_of(request).has_perm(_ANSWER),
        is_alone=True,
    )


@require_POST
@portal_page(_ANSWER)
def answer(request: HttpRequest, customer: Customer, pk: int) -> HttpResponse:
    """Keep the answer; what waited for it goes on by itself."""
    now = clock.now()
    found = selectors.open_question(customer, pk)
    if found is None:
        return _settled_meanwhile(request, now=now)
    case, question = found
    form = AnswerForm(question, request.POST)
    if not form.is_valid():
        if is_partial(request):
            return draw_part(
                request, "portal/questions.html#question", now=now, question=question, form=form, can_answer=True
            )
        return _page(request, customer, failed=(pk, form))
    answer_question(case, answer=form.cleaned_data["answer"], actor=user_of(request), now=now)
    label = form.answer_label
    if is_partial(request):
        left = selectors.question_count(customer)
        return draw_part(request, "portal/questions.html#answered", now=now, question=question, label=label, left=left)
    messages.success(request, f"Thank you. “{label}” is kept; what was waiting is on its way.")
    return redirect("portal:questions")


def _page(request: HttpRequest, customer: Customer, failed: tuple[int, AnswerForm] | None = None) -> HttpResponse:
    open_questions = selectors.open_questions(customer)
    forms = {question.pk: AnswerForm(question) for question in open_questions}
    if failed is not None:
        forms[failed[0]] = failed[1]
    return draw(
        request,
        customer,
        "portal/questions.html",
        title="Questions",
        section="questions",
        questions=[(question, forms[question.pk]) for question in open_questions],
        can_answer=user_of(request).has_perm(_ANSWER),
        status=422 if failed else 200,
    )


def _settled_meanwhile(request: HttpRequest, *, now: object) -> HttpResponse:
    """Another person answered first, or the record changed: no error, since nothing is left to do."""
    text = "This question has been settled meanwhile."
    if is_partial(request):
        return HttpResponse(f'<p class="card card-body text-secondary mb-0" role="status">{text}</p>')
    messages.info(request, text)
    return redirect("portal:questions")
