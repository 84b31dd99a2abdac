"""Control totals, kept up to date: worked out from facts, stored row by row, and a difference is a case.

Nothing here decides or repairs: `apps.flows.rules.control_totals` says what adds up, a person or the flow mends it, and the
next look closes the case.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from apps.core.money import UnknownCurrencyError, minor_units
from apps.core.problems import Problem, clear, report
from apps.flows.models import ControlTotal, Flow
from apps.flows.rules.control_totals import WORDS, Book, Explanation, State, Total, Why
from apps.flows.services import control_facts as facts

DAILY = timedelta(days=1)
_MOST_CASES = 100
_MOST_EXPLAINED = 100
_NAMED = 3
_Key = tuple[str, int | None, Any, str]


def control(customer_id: int, *, now: datetime) -> datetime | None:
    """Work out the customer's totals anew. Returns when to look again: daily at least, sooner while something settles. A
    customer whose work is not invoiced by a flow has none."""
    flow = (
        Flow.objects.select_related("customer")
        .filter(customer_id=customer_id, blueprint=Flow.Blueprint.TIME_TO_INVOICE, is_enabled=True)
        .first()
    )
    if flow is None:
        return None
    totals = totals_of(flow)
    _keep(flow, totals, now=now)
    settling = [total.settled_at() for total in totals if total.state(now) is State.SETTLING]
    return min([now + DAILY, *(at for at in settling if at is not None)])


def totals_of(flow: Flow) -> list[Total]:
    book = Book()
    book.work(facts.work_facts(flow), facts.line_facts(flow))
    book.documents(facts.document_facts(flow))
    book.payments(facts.invoice_facts(flow), facts.untied_payments(flow))
    return book.totals()


@transaction.atomic
def _keep(flow: Flow, totals: list[Total], *, now: datetime) -> None:
    stored = ControlTotal.objects.filter(customer_id=flow.customer_id)
    known = {_key(row): row for row in stored.select_for_update(of=("self",))}
    current: list[ControlTotal] = []
    changed: list[ControlTotal] = []
    for total in totals:
        row = known.pop(_key_of(total), None) or _begun(flow, total, now)
        before = {name: getattr(row, name) for name in _WRITTEN}
        _fill(row, total, now)
        current.append(row)
        if row.pk and before != {name: getattr(row, name) for name in _WRITTEN}:
            changed.append(row)
    healed = [row for row in known.values() if row.is_told]
    stored.filter(pk__in=[row.pk for row in known.values()]).delete()
    healed += _told(current, changed)
    ControlTotal.objects.bulk_update(changed, _WRITTEN, batch_size=500)
    stored.update(computed_at=now)
    ControlTotal.objects.bulk_create(row for row in current if not row.pk)
    _tell(flow, [row for row in current if row.state == State.BREAK])
    clear(customer_id=flow.customer_id, trace_keys=[_trace(row) for row in healed], note="The totals agree again.")


_WRITTEN = [
    "state", "parts", "hours_difference", "amount_difference", "explanations", "explained_count", "unvalued_count",
    "unconfirmed_since", "state_since", "is_told",
]  # fmt: skip


def _told(rows: list[ControlTotal], changed: list[ControlTotal]) -> list[ControlTotal]:
    """Mark what a case is open for. Returns those that are in order again; what settles keeps its case until it is."""
    healed = []
    for row in rows:
        if row.state == State.BREAK and not row.is_told:
            row.is_told = True
        elif row.is_told and row.state in (State.BALANCED, State.UNCONFIRMED):
            row.is_told = False
            healed.append(row)
        else:
            continue
        if row.pk and row not in changed:
            changed.append(row)
    return healed


def _key(row: ControlTotal) -> _Key:
    return row.equation, row.project_id, row.month, row.currency


def _key_of(total: Total) -> _Key:
    return str(total.equation), total.place.project_id or None, total.place.month, total.place.currency


def _begun(flow: Flow, total: Total, now: datetime) -> ControlTotal:
    equation, project_id, month, currency = _key_of(total)
    return ControlTotal(
        customer_id=flow.customer_id,
        equation=equation,
        project_id=project_id,
        month=month,
        currency=currency,
        state_since=now,
        computed_at=now,
    )


def _fill(row: ControlTotal, total: Total, now: datetime) -> None:
    state = total.state(now)
    if row.state != state:
        row.state, row.state_since = str(state), now
    places = _places(total.place.currency)
    row.parts = [
        {
            "name": name,
            "hours": f"{part.hours.normalize():f}",
            "amount": f"{part.amount:.{places}f}",
            "count": part.count,
        }
        for name, part in total.parts.items()
    ]
    row.hours_difference, row.amount_difference = total.hours_difference, total.amount_difference
    largest = sorted(total.explanations, key=lambda one: (-abs(one.amount), -abs(one.hours), one.entity, one.id))
    row.explanations = [_explained(one, places) for one in largest[:_MOST_EXPLAINED]]
    row.explained_count = len(largest)
    row.unvalued_count = total.unvalued
    row.unconfirmed_since = total.oldest_unconfirmed_at


def _explained(one: Explanation, places: int) -> dict[str, Any]:
    hours, amount = f"{one.hours.normalize():f}", f"{one.amount:.{places}f}"
    return {"entity": one.entity, "id": one.id, "why": str(one.why), "hours": hours, "amount": amount}


def _places(currency: str) -> int:
    """Decimals shown; four where nobody knows the currency, so that nothing is hidden by rounding."""
    try:
        return minor_units(currency)
    except UnknownCurrencyError:
        return 4


def _tell(flow: Flow, broken: list[ControlTotal]) -> None:
    """A case for each total that does not add up; the largest hundred, should everything be out at once. Those beyond stand in
    the list, and follow when the first ones are closed."""
    for row in sorted(broken, key=lambda row: -abs(row.amount_difference))[:_MOST_CASES]:
        report(
            Problem(
                customer_id=flow.customer_id,
                trace_key=_trace(row),
                reason="totals_differ",
                title=_title(row),
                subject_kind="control_total",
                subject_id=row.pk,
                amount=abs(row.amount_difference) or None,
                currency=row.currency,
                detail={"explanations": row.explanations, "explained": row.explained_count, "parts": row.parts},
            )
        )


def _title(row: ControlTotal) -> str:
    where = f"{row.project.name if row.project else 'no single project'}, {row.month:%B %Y}"
    differences = [f"{row.hours_difference.normalize():f} h"] if row.hours_difference else []
    differences += (
        [f"{row.amount_difference:.{_places(row.currency)}f} {row.currency}"] if row.amount_difference else []
    )
    named = [f"{one['entity'].replace('_', ' ')} {one['id']}: {WORDS[Why(one['why'])]}" for one in row.explanations]
    more = f" and {row.explained_count - _NAMED} more" if row.explained_count > _NAMED else ""
    size = f" by {' and '.join(differences)}" if differences else ""
    return f"{row.get_equation_display().split(':')[0]} of {where} does not add up{size}: {'; '.join(named[:_NAMED])}{more}"


def _trace(row: ControlTotal) -> str:
    return f"control:{row.equation}:{row.project_id or 0}:{row.month:%Y-%m}:{row.currency}"
