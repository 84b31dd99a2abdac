"""Time to invoice: approved work becomes draft invoices in the ERP, each hour once.

What there is to bill: billable. What was billed: billed. Amounts: invoice_planning. One transaction makes invoices, their
lines, what each line bills and the intents to write them: invoice_records. What keeps it from being billed: invoice_cases.
What becomes of it when the ERP voids the invoice: voids.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max

from apps.canonical.models import Billing, Expense, Invoice, InvoiceLine, Proposal, TimeEntry
from apps.connectors.models import Connection
from apps.core.errors import AppError
from apps.core.problems import clear
from apps.core.statements import refresh_statistics
from apps.core.work import wake
from apps.core.work.kinds import CONTROL
from apps.flows.blueprints import BillWhen, TimeToInvoiceSettings
from apps.flows.models import Flow
from apps.flows.rules.lines import ItemKind
from apps.flows.services import billable, voids
from apps.flows.services.billed import counting, note_seen
from apps.flows.services.invoice_cases import (
    UnmappedTaxes,
    check_amounts,
    group_key,
    hours_of,
    report_case,
    report_homeless,
    report_unbilled,
    report_unmapped,
    worth,
)
from apps.flows.services.invoice_planning import GroupPlanner, Shared, UnmappedTaxError
from apps.flows.services.invoice_records import Planning, record_drafts
from apps.flows.services.locks import lock_billing
from apps.flows.services.systems import (
    FlowIncompleteError,
    has_read_all,
    open_client_matches,
    require_unambiguous,
    system,
    target,
)
from apps.mappings.selectors import specs
from apps.syncs.models import Sync, SyncRun
from apps.syncs.models.pulls import RunStatus

_ONCE_MORE = timedelta(seconds=2)
_MANY = 2_000
_WRITTEN = [model._meta.db_table for model in (Invoice, InvoiceLine, Billing)]
_CONTROL_AFTER = timedelta(minutes=1)
"""Changes within it are looked at together; whatever woke the flow may have moved the totals."""


def react(flow: Flow, *, now: datetime) -> datetime | None:
    """Draft what is ready. Returns when to look again while work is still settling, or now when there is more than fits one go."""
    settings = TimeToInvoiceSettings.model_validate(flow.settings)
    wake(CONTROL, flow.customer_id, due_at=now + _CONTROL_AFTER)
    voids.follow(flow, settings)
    check_amounts(flow)
    wait = _settling(flow, settings, now)
    if wait is not None:
        return wait
    return now if bill(flow, settings, now=now) else None


def _settling(flow: Flow, settings: TimeToInvoiceSettings, now: datetime) -> datetime | None:
    """While time or expenses are being read, or were changed a moment ago, wait: one approval is one draft, not one per page."""
    reading = _syncs_of_work(flow)
    if (
        any(sync.latest_success_at is None for sync in reading)
        or SyncRun.objects.filter(sync__in=reading, status=RunStatus.RUNNING, pages__gt=0).exists()
    ):
        return now + _ONCE_MORE
    quiet = timedelta(seconds=settings.settle_seconds)
    fresh = {"customer_id": flow.customer_id, "approval": "approved", "updated_at__gt": now - quiet}
    latest = [
        found
        for model, name in ((TimeEntry, "time_entry"), (Expense, "expense"))
        if (found := model.objects.filter(~counting(name), **fresh).aggregate(latest=Max("updated_at"))["latest"])
        is not None
    ]
    again = max(latest) + quiet if latest else None
    return again if again is not None and again > now else None


def _syncs_of_work(flow: Flow) -> list[Sync]:
    """The syncs that bring time and expenses."""
    found: list[Sync] = []
    for connection in Connection.objects.filter(customer_id=flow.customer_id):
        objects = [spec.object for spec in specs(connection, "in") if spec.entity in {"time_entry", "expense"}]
        if objects:
            found += Sync.objects.filter(connection=connection, is_enabled=True, object_name__in=objects)
    return found


def bill(flow: Flow, settings: TimeToInvoiceSettings, *, now: datetime) -> bool:
    """Plan and record the drafts that can be made now, some thousand entries to a transaction. A group that can't be billed does not
    hold up the others. Returns whether to go on at once: this was as much as is done in one go."""
    trace = f"flow:{flow.pk}:setup"
    try:
        erp = _erp(flow, settings)
    except FlowIncompleteError as error:
        report_case(flow, trace, error.code, f"Nothing can be invoiced: {error.message}", {"error": error.message})
        return False
    clear(customer_id=flow.customer_id, trace_keys=[trace], note="The flow is complete again.")
    until = _until(flow, settings, now)
    report_homeless(flow, billable.homeless(flow, until=until))
    biller = _Biller(flow, settings, erp, now)
    with biller.alone():
        changed = billable.changed_groups(flow, settings, until=until)
        for groups in billable.rounds(changed):
            biller.bill(groups)
        biller.note_settled(changed)
    for part in billable.parts(flow, settings, until=until, without=[group.home for group in changed]):
        if biller.count >= billable.MOST_ENTRIES:
            break
        with biller.alone():
            biller.bill(billable.unbilled_groups(flow, settings, part, until=until))
    else:
        report_unmapped(flow, erp, biller.taxes_missing)
    if biller.count >= _MANY:
        refresh_statistics(*_WRITTEN)
    return biller.count >= billable.MOST_ENTRIES


def _erp(flow: Flow, settings: TimeToInvoiceSettings) -> Connection:
    erp = system(flow.customer_id, settings.erp_connection, ("erp", "billing"))
    if erp is None:
        raise FlowIncompleteError("no connection wears the role erp; connect the ERP or choose it in the flow")
    if target(erp, "invoice") is None:
        raise FlowIncompleteError(f"{erp.name} can't make invoices; choose another ERP in the flow")
    clients = target(erp, "client")
    if clients is not None and not has_read_all(clients):
        raise FlowIncompleteError(
            f"the clients of {erp.name} have not been read completely yet; it goes on by itself then"
        )
    return erp


def _until(flow: Flow, settings: TimeToInvoiceSettings, now: datetime) -> date | None:
    """The first day that is not billed yet: weeks and months are billed when they are over, in the customer's time zone."""
    today = now.astimezone(ZoneInfo(flow.customer.time_zone)).date()
    if settings.bill is BillWhen.WEEKLY:
        return today - timedelta(days=today.weekday())
    return today.replace(day=1) if settings.bill is BillWhen.MONTHLY else None


class _Biller:
    """Bills groups, and remembers over all of them what one case tells of many."""

    def __init__(self, flow: Flow, settings: TimeToInvoiceSettings, erp: Connection, now: datetime) -> None:
        self.taxes_missing = UnmappedTaxes()
        self.count = 0
        """Pieces of work that were billed."""
        self._unsettled: dict[ItemKind, set[int]] = {ItemKind.TIME: set(), ItemKind.EXPENSE: set()}
        """Billed before, and not as it should be: corrected just now, or waiting."""
        self._flow = flow
        self._settings = settings
        self._clients = target(erp, "client")
        self._shared = Shared(erp)
        self._now = now

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A transaction in which nobody else bills for the flow."""
        with transaction.atomic():
            lock_billing(self._flow.pk)
            yield

    def bill(self, groups: list[billable.Group]) -> None:
        billable.complete(groups, self._shared.cards)
        matches = open_client_matches(self._flow.customer_id)
        drafts: list[Planning] = []
        healed: list[str] = []
        for group in groups:
            drafts += self._plan(group, matches, healed)
        clear(customer_id=self._flow.customer_id, trace_keys=healed, note="It could be billed.")
        record_drafts(self._flow, self._settings, drafts, self._shared.erp, self._now)
        self.count += sum(len(one.draft.shares) for one in drafts)

    def note_settled(self, changed: list[billable.Group]) -> None:
        """What was looked at and needs no correction anywhere isn't looked at again before it changes again."""
        for group in changed:  # moved: what is left to do for it is in another group
            self._unsettled[ItemKind.TIME] |= {record.pk for record in [*group.time, *group.left_time]}
            self._unsettled[ItemKind.EXPENSE] |= {record.pk for record in [*group.expenses, *group.left_expenses]}
        time, expenses = self._unsettled[ItemKind.TIME], self._unsettled[ItemKind.EXPENSE]
        note_seen([entry for group in changed for entry in group.changed_time if entry.pk not in time])
        note_seen([one for group in changed for one in group.changed_expenses if one.pk not in expenses])

    def _plan(self, group: billable.Group, matches: dict[int, list[Proposal]], healed: list[str]) -> Iterator[Planning]:
        flow, currency = self._flow, billable.currency_of(group, self._flow)
        trace = f"flow:{flow.pk}:{group_key(group)}"
        client = group.client
        if client is None:
            self._leave(group)
            _wait(flow, trace, group, currency, "not_billable_yet", "approved work has no client to bill", hours=True)
            return
        try:
            require_unambiguous(client, self._clients, matches=matches)
            planned = GroupPlanner(self._settings, group, self._shared, client, currency).plan()
        except UnmappedTaxError as error:
            self._leave(group)
            self.taxes_missing.asked.add(error.code)
            self.taxes_missing.add(error, group, currency)
            return
        except AppError as error:  # incomplete, terms that contradict each other, a currency nobody knows
            self._leave(group)
            code = error.code if isinstance(error, FlowIncompleteError) else "not_billable_yet"
            _wait(flow, trace, group, currency, code, error.message)
            return
        for kind, ids in self._unsettled.items():
            ids |= planned.unsettled(kind)
        if planned.tax_code:
            self.taxes_missing.asked.add(planned.tax_code)
        healed += report_unbilled(flow, trace, group, planned, currency)
        for draft in planned.plan.drafts:
            yield Planning(group, draft, client, planned)

    def _leave(self, group: billable.Group) -> None:
        """It waits as it is."""
        self._unsettled[ItemKind.TIME] |= {entry.pk for entry in group.changed_time}
        self._unsettled[ItemKind.EXPENSE] |= {expense.pk for expense in group.changed_expenses}


def _wait(
    flow: Flow, trace: str, group: billable.Group, currency: str, code: str, message: str, *, hours: bool = False
) -> None:
    report_case(
        flow,
        trace,
        code,
        f"{group.label}: {message}",
        {"hours": str(hours_of(group))} if hours else {"error": message},
        amount=worth(group),
        currency=currency,
    )
