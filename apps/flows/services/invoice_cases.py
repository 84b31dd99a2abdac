"""What keeps approved work from being invoiced, said as cases that close themselves."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.db.models.functions import Coalesce

from apps.canonical.models import Invoice, InvoiceStatus
from apps.connectors.models import Connection
from apps.core.problems import Problem, clear, report
from apps.flows.models import Flow
from apps.flows.services import billable
from apps.flows.services.billed import IS_VOID
from apps.flows.services.invoice_planning import Planned, UnmappedTaxError

_ZERO = Decimal(0)


@dataclass(slots=True)
class UnmappedTaxes:
    """Tax codes that were needed, and the work that waits for those the ERP's counterpart of which is unknown."""

    asked: set[str] = field(default_factory=set)
    waiting: dict[str, list[tuple[str, Decimal, str]]] = field(default_factory=dict)
    """Code → (whose work, what it is worth, currency)."""
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, error: UnmappedTaxError, group: billable.Group, currency: str) -> None:
        self.waiting.setdefault(error.code, []).append((group.label, worth(group), currency))
        self.messages[error.code] = error.message


def report_unmapped(flow: Flow, erp: Connection, unmapped: UnmappedTaxes) -> None:
    """One case a tax code, however many projects wait for it: one answer releases them all."""
    for code, waiting in sorted(unmapped.waiting.items()):
        labels = sorted({label for label, _, _ in waiting})
        currencies = {currency for _, _, currency in waiting}
        message = unmapped.messages[code]
        report_case(
            flow,
            f"flow:{flow.pk}:tax:{code}",
            "value_unmapped",
            f"{message}. Waiting: {', '.join(labels[:5])}{' …' if len(labels) > 5 else ''}",
            {
                "problems": [
                    {
                        "code": "value_unmapped",
                        "field": "tax_code",
                        "source": "tax_code",
                        "value": code,
                        "message": message,
                        "value_map": "tax_codes",
                        "map_key": code,
                    }
                ],
                "waiting": [
                    {"for": label, "amount": str(amount), "currency": currency} for label, amount, currency in waiting
                ],
            },
            amount=sum((amount for _, amount, _ in waiting), _ZERO) if len(currencies) == 1 else None,
            currency=currencies.pop() if len(currencies) == 1 else "",
            connection=erp,
        )
    known = [f"flow:{flow.pk}:tax:{code}" for code in unmapped.asked - unmapped.waiting.keys()]
    clear(customer_id=flow.customer_id, trace_keys=known, note="The tax code is known now.")


def check_amounts(flow: Flow) -> None:
    """What the ERP made of our drafts must be what we planned: the lines are ours, the totals now the ERP's."""
    ours = Invoice.objects.filter(customer_id=flow.customer_id, is_produced_here=True)
    agreed: list[str] = []
    for invoice in (
        ours.filter(status__in=[InvoiceStatus.DRAFT, InvoiceStatus.POSTED])
        .exclude(IS_VOID)
        .annotate(
            lines_amount=Coalesce(Sum("lines__amount"), _ZERO), lines_tax=Coalesce(Sum("lines__tax_amount"), _ZERO)
        )
    ):
        trace = f"flow:{flow.pk}:amounts:{invoice.pk}"
        sign = -1 if invoice.kind == "credit_note" and invoice.untaxed_amount < 0 else 1
        if invoice.untaxed_amount == invoice.lines_amount * sign and invoice.tax_amount == invoice.lines_tax * sign:
            agreed.append(trace)
            continue
        report_case(
            flow,
            trace,
            "amount_differs",
            f"{invoice}: the ERP has {invoice.untaxed_amount} + {invoice.tax_amount} tax, the work comes to "
            f"{invoice.lines_amount} + {invoice.lines_tax} tax {invoice.currency}",
            {"invoice": invoice.pk},
            amount=invoice.total_amount,
            currency=invoice.currency,
        )
    clear(customer_id=flow.customer_id, trace_keys=agreed, note="The amounts agree.")
    void = [f"flow:{flow.pk}:amounts:{pk}" for pk in ours.filter(IS_VOID).values_list("pk", flat=True)]
    clear(customer_id=flow.customer_id, trace_keys=void, note="The invoice was voided.")


def report_homeless(flow: Flow, found: billable.Homeless) -> None:
    trace = f"flow:{flow.pk}:no-project"
    if not found.count:
        clear(customer_id=flow.customer_id, trace_keys=[trace], note="All approved time has a project.")
        return
    report_case(
        flow,
        trace,
        "not_billable_yet",
        f"{found.hours.normalize():f} approved hours in {found.count} entries have no project and can't be billed",
        {"entries": list(found.some), "hours": str(found.hours)},
    )


def report_unbilled(flow: Flow, trace: str, group: billable.Group, planned: Planned, currency: str) -> list[str]:
    """One case a reason and group, naming what it concerns. Returns the keys of those there is no reason for any more."""
    found: dict[str, list[str]] = defaultdict(list)
    for unbilled in planned.plan.problems:
        found[str(unbilled.reason)].append(unbilled.id)
    for record_id, reason in planned.problems:  # billed before, and can't be corrected as it is now
        found[str(reason)].append(record_id)
    rate_trace, other_trace = f"{trace}:rate", f"{trace}:other"
    missing = found.pop("no_rate", [])
    if missing:
        ids = set(missing)
        entries = [entry for entry in [*group.time, *group.changed_time] if str(entry.pk) in ids]
        people = sorted({str(entry.resource) for entry in entries})
        hours = sum((entry.hours for entry in entries), _ZERO)
        report_case(
            flow,
            rate_trace,
            "missing_rate",
            f"{group.label}: {hours.normalize():f} approved hours have no rate ({', '.join(people)})",
            {"entries": missing[:100], "people": people, "hours": str(hours)},
            currency=currency,
        )
    if found:
        words = "; ".join(f"{len(some)} × {reason.replace('_', ' ')}" for reason, some in sorted(found.items()))
        report_case(
            flow,
            other_trace,
            "not_billable_yet",
            f"{group.label}: {words}",
            {reason: some[:100] for reason, some in found.items()},
            currency=currency,
        )
    return [trace, *([] if missing else [rate_trace]), *([] if found else [other_trace])]


def report_case(
    flow: Flow,
    trace: str,
    reason: str,
    title: str,
    detail: dict[str, Any],
    *,
    amount: Decimal | None = None,
    currency: str = "",
    connection: Connection | None = None,
    invoice: Invoice | None = None,
) -> None:
    report(
        Problem(
            customer_id=flow.customer_id,
            connection_id=connection.pk if connection else None,
            trace_key=trace,
            reason=reason,
            title=title,
            subject_kind="invoice" if invoice else "flow",
            subject_id=invoice.pk if invoice else flow.pk,
            entity="invoice" if invoice else "",
            record_id=invoice.pk if invoice else None,
            amount=amount,
            currency=currency,
            detail=detail,
        )
    )


def group_key(group: billable.Group) -> str:
    return ":".join(map(str, group.home))


def hours_of(group: billable.Group) -> Decimal:
    return sum((entry.hours for entry in group.time), _ZERO)


def worth(group: billable.Group) -> Decimal:
    """Roughly what is at stake: hours at the time system's rates, and the expenses."""
    hours = sum((entry.hours * (entry.billable_rate or _ZERO) for entry in group.time), _ZERO)
    return hours + sum((expense.amount for expense in group.expenses), _ZERO)
