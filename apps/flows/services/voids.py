"""What the ERP voids is unbilled again, once; what it makes valid again counts again; what then is billed twice is said.

Nothing here bills. Work is released or taken back under the flow's billing lock, and the next look at what is unbilled, in
the same reaction or after a crash in the next one, finds it like any other work.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.canonical.models import Billing, Invoice, InvoiceStatus
from apps.core.errors import PermanentError
from apps.core.problems import clear
from apps.core.work import wake
from apps.core.work.kinds import REACT
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.models import Flow
from apps.flows.rules.voids import VoidFact, VoidPolicy, VoidStep, next_step
from apps.flows.services.billed import IS_ON_VOID, IS_VOID
from apps.flows.services.invoice_cases import report_case
from apps.flows.services.locks import lock_billing

_ZERO = Decimal(0)
_LOOK_BACK = timedelta(days=1)


class InvoiceNotVoidError(PermanentError):
    code = "invoice_not_void"


@transaction.atomic
def follow(flow: Flow, settings: TimeToInvoiceSettings) -> None:
    """Look at the invoices of ours that were voided or made valid again, and do what that means for their work."""
    lock_billing(flow.pk)
    ours = Invoice.objects.filter(customer_id=flow.customer_id, is_produced_here=True)
    billings = Billing.objects.filter(line__invoice=OuterRef("pk"))
    released = Exists(billings.filter(released_at__isnull=False))
    valid_again = list(ours.exclude(IS_VOID).filter(released).select_related("contract", "client").order_by("pk"))
    void = list(
        ours.filter(IS_VOID)
        .filter(Exists(billings.filter(released_at__isnull=True)))
        .select_related("contract", "client")
        .order_by("pk")
    )
    for invoice in [
        *valid_again,
        *void,
    ]:  # first what counts again: the work of a copy voided meanwhile is billed by it
        _follow(flow, settings, invoice, is_void=invoice in void)
    _close(flow, ours)


def _follow(flow: Flow, settings: TimeToInvoiceSettings, invoice: Invoice, *, is_void: bool) -> None:
    rows = Billing.objects.filter(line__invoice=invoice)
    standing = rows.filter(released_at__isnull=True)
    fact = VoidFact(
        is_void=is_void,
        standing=standing.count(),
        released=rows.filter(released_at__isnull=False).count(),
        was_undone_before=standing.filter(_earlier_undone()).exists(),
    )
    match next_step(fact, _policy(invoice, settings)):
        case VoidStep.RELEASE:
            _release(flow, invoice)
        case VoidStep.ASK:
            _ask(flow, invoice, again=fact.was_undone_before)
        case VoidStep.TAKE_BACK:
            _take_back(flow, invoice)


def _policy(invoice: Invoice, settings: TimeToInvoiceSettings) -> VoidPolicy:
    version = invoice.contract.versions.order_by("-effective_date", "-number").first() if invoice.contract else None
    return VoidPolicy(version.voided) if version else settings.voided


def _earlier_undone() -> Exists:
    """Of a billing: its record had been released already when it was made. Both moments are the database's own."""
    return Exists(Billing.objects.filter(_same_record(), released_at__lt=OuterRef("created_at")))


def _same_record() -> Q:
    return (
        Q(time_entry__isnull=False, time_entry=OuterRef("time_entry"))
        | Q(expense__isnull=False, expense=OuterRef("expense"))
        | Q(milestone__isnull=False, milestone=OuterRef("milestone"))
    )


def _release(flow: Flow, invoice: Invoice) -> None:
    Billing.objects.filter(line__invoice=invoice, released_at__isnull=True).update(released_at=Now())
    note = f"{invoice} was voided; its work is unbilled again."
    clear(customer_id=flow.customer_id, trace_keys=[void_trace(flow.pk, invoice.pk)], note=note)


def _take_back(flow: Flow, invoice: Invoice) -> None:
    """Its billings count again, except of work that was billed anew meanwhile: that would be billed twice."""
    released = Billing.objects.filter(line__invoice=invoice, released_at__isnull=False)
    anew = Billing.objects.filter(released_at__isnull=True, sequence__gt=OuterRef("sequence")).exclude(IS_ON_VOID)
    is_anew = Exists(anew.filter(_same_record()))
    twice = list(released.filter(is_anew).select_related("time_entry", "expense"))
    Billing.objects.filter(pk__in=[row.pk for row in released.exclude(pk__in=[row.pk for row in twice])]).update(
        released_at=None
    )
    if not twice:
        clear(
            customer_id=flow.customer_id,
            trace_keys=[twice_trace(flow.pk, invoice.pk)],
            note="The work is billed once: the other invoice was voided.",
        )
        return
    others = (
        Invoice.objects.filter(
            Exists(
                Billing.objects.filter(line__invoice=OuterRef("pk"), released_at__isnull=True).filter(
                    Q(time_entry__in=[row.time_entry_id for row in twice if row.time_entry_id])
                    | Q(expense__in=[row.expense_id for row in twice if row.expense_id])
                )
            )
        )
        .exclude(IS_VOID)
        .order_by("pk")
    )
    names = [str(other) for other in others]
    report_case(
        flow,
        twice_trace(flow.pk, invoice.pk),
        "billed_twice",
        f"{invoice} is valid again in the ERP, but its work was billed anew on {', '.join(names)} after it was voided",
        {"invoice": invoice.pk, "others": [other.pk for other in others]},
        amount=sum((row.amount for row in twice), _ZERO),
        currency=invoice.currency,
        invoice=invoice,
    )


def _ask(flow: Flow, invoice: Invoice, *, again: bool) -> None:
    rows = list(Billing.objects.filter(line__invoice=invoice, released_at__isnull=True))
    hours = sum((row.hours for row in rows), _ZERO).normalize()
    words = "was voided, as was the invoice before it for the same work" if again else "was voided in the ERP"
    state = "uncredited" if invoice.kind == Invoice.Kind.CREDIT_NOTE else "unbilled"
    report_case(
        flow,
        void_trace(flow.pk, invoice.pk),
        "invoice_voided",
        f"{invoice} for {invoice.client or 'an unknown client'} {words}: {hours:f} h in {len(rows)} entries are {state}",
        {"invoice": invoice.pk, "entries": len(rows), "hours": str(hours)},
        amount=sum((row.amount for row in rows), _ZERO),
        currency=invoice.currency,
        invoice=invoice,
    )


def _close(flow: Flow, ours: QuerySet[Invoice]) -> None:
    """Cases whose cause is gone: made valid again before anybody decided, or the one that billed a second time was voided."""
    since = (flow.latest_success_at or flow.starts_at) - _LOOK_BACK
    recent = ours.exclude(status=InvoiceStatus.PLANNED).filter(updated_at__gte=since)
    clear(
        customer_id=flow.customer_id,
        trace_keys=[void_trace(flow.pk, pk) for pk in recent.exclude(IS_VOID).values_list("pk", flat=True)],
        note="The invoice is valid again.",
    )
    clear(
        customer_id=flow.customer_id,
        trace_keys=[twice_trace(flow.pk, pk) for pk in recent.filter(IS_VOID).values_list("pk", flat=True)],
        note="The work is billed once: this invoice was voided.",
    )


@transaction.atomic
def bill_again(invoice_id: int, *, actor: User | None, reason: str, now: datetime) -> None:
    """A person decided: the work of a voided invoice is unbilled again, and billed with the next draft. Asked twice it is
    the same as once. Raises InvoiceNotVoidError."""
    invoice = Invoice.objects.get(pk=invoice_id)
    flow = Flow.objects.get(customer_id=invoice.customer_id, blueprint=Flow.Blueprint.TIME_TO_INVOICE)
    lock_billing(flow.pk)
    if not Invoice.objects.filter(IS_VOID, pk=invoice.pk).exists():
        raise InvoiceNotVoidError(f"{invoice} is valid in the ERP; void it there before its work is billed again")
    _release(flow, invoice)
    wake(REACT, invoice.customer_id)


def void_trace(flow_id: int, invoice_id: int) -> str:
    return f"flow:{flow_id}:voided:{invoice_id}"


def twice_trace(flow_id: int, invoice_id: int) -> str:
    return f"flow:{flow_id}:twice:{invoice_id}"
