"""What there is to bill, gathered from the tables: groups of work under the same terms, some thousand entries at a time.

Groups are gathered under the flow's billing lock, so nothing in them is billed or written off by anybody else meanwhile.
However many groups a part has, it costs the same number of statements.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Min, Q, QuerySet, Sum

from apps.canonical.models import (
    Approval,
    Billing,
    Client,
    Contract,
    ContractVersion,
    Expense,
    Invoice,
    Project,
    TimeEntry,
)
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.models import Flow
from apps.flows.services.agreed import Cards, Spent
from apps.flows.services.billed import IS_VOID, Billed, Home, billed, counting, home_of, written_off, written_off_ids

_ZERO = Decimal(0)
# A change is stamped when its page began to be read, and may be committed after the billing that is stamped later. One that the
# billing saw, or that was found to need no correction, is not looked at again.
_OVERLAP = timedelta(minutes=15)
MOST_ENTRIES = 50_000
"""Of one reaction, and of one group; the next one goes on."""
_PART = 2_000
_RELATED = ("project__contract__client", "project__client", "resource")
"""Fetched once each, not joined: a hundred thousand entries share a thousand projects and a dozen people."""


@dataclass(slots=True)
class Group:
    """Work that is billed under the same terms: a contract's, or a project's without one."""

    home: Home
    contract: Contract | None
    projects: dict[int, Project] = field(default_factory=dict)
    time: list[TimeEntry] = field(default_factory=list)
    expenses: list[Expense] = field(default_factory=list)
    changed_time: list[TimeEntry] = field(default_factory=list)
    changed_expenses: list[Expense] = field(default_factory=list)
    """Billed here already, and perhaps changed since."""
    left_time: list[TimeEntry] = field(default_factory=list)
    left_expenses: list[Expense] = field(default_factory=list)
    """Billed here, and moved since to work with other terms, perhaps another client's: credited here, billed there."""
    versions: list[ContractVersion] = field(default_factory=list)
    """Of the contract, in the order they take effect."""
    spent: Spent = field(default_factory=Spent)
    billed_time: dict[int, Billed] = field(default_factory=dict)
    billed_expenses: dict[int, Billed] = field(default_factory=dict)
    """What was billed of each so far, by id."""

    @property
    def label(self) -> str:
        return str(self.contract) if self.contract else ", ".join(sorted(str(p) for p in self.projects.values()))

    @property
    def client(self) -> Client | None:
        found = next((project.client for project in self.projects.values() if project.client), None)
        return found or (self.contract.client if self.contract else None)

    @property
    def records(self) -> list[TimeEntry | Expense]:
        return [*self.all_time, *self.all_expenses]

    @property
    def all_time(self) -> list[TimeEntry]:
        return [*self.time, *self.changed_time, *self.left_time]

    @property
    def all_expenses(self) -> list[Expense]:
        return [*self.expenses, *self.changed_expenses, *self.left_expenses]


class _Groups:
    def __init__(self) -> None:
        self.by_home: dict[Home, Group] = {}

    def of(self, project: Project) -> Group:
        home = home_of(project)
        group = self.by_home.setdefault(home, Group(home, project.contract))
        group.projects[project.pk] = project
        return group

    def at(self, home: Home, where: Project | Contract) -> Group:
        if isinstance(where, Project):
            return self.of(where)
        return self.by_home.setdefault(home, Group(home, where))


@dataclass(frozen=True, slots=True)
class Part:
    """Some homes with work that is unbilled, few enough to be planned and written together."""

    project_ids: tuple[int, ...]
    count: int
    """Of pieces of work."""


@dataclass(frozen=True, slots=True)
class Homeless:
    """Approved time nobody can bill for want of a project."""

    count: int
    hours: Decimal
    some: tuple[int, ...]
    """The first hundred."""


def parts(
    flow: Flow, settings: TimeToInvoiceSettings, *, until: date | None, without: Iterable[Home] = ()
) -> Iterator[Part]:
    """All homes with unbilled work, those whose work is oldest first. A home is never in two parts."""
    left_out = set(without)
    homes: dict[Home, dict[int, int]] = {}
    for _, project_id, contract_id, count in sorted(_pending(flow, settings, until)):
        home: Home = ("contract", contract_id) if contract_id else ("project", project_id)
        if home not in left_out:
            counts = homes.setdefault(home, {})
            counts[project_id] = counts.get(project_id, 0) + count
    taken: list[int] = []
    total = 0
    for counts in homes.values():
        size = sum(counts.values())
        if taken and total + size > _PART:
            yield Part(tuple(taken), total)
            taken, total = [], 0
        taken += counts
        total += size
    if taken:
        yield Part(tuple(taken), total)


def _pending(
    flow: Flow, settings: TimeToInvoiceSettings, until: date | None
) -> Iterator[tuple[date, int, int | None, int]]:
    """(oldest day, project, its contract, pieces of work) of all that is unbilled."""
    for model in (TimeEntry, Expense) if settings.include_expenses else (TimeEntry,):
        rows = _ready(flow, model, until).filter(project__isnull=False)
        if model is TimeEntry:
            rows = rows.filter(project__is_billable=True)
        by_project = rows.order_by().values_list("project_id", "project__contract_id")
        for project_id, contract_id, first, count in by_project.annotate(first=Min(_day(model)), count=Count("pk")):
            yield first, project_id, contract_id or 0, count


def homeless(flow: Flow, *, until: date | None) -> Homeless:
    rows = _ready(flow, TimeEntry, until).filter(project__isnull=True)
    found: dict[str, Any] = rows.aggregate(count=Count("pk"), hours=Sum("hours"))
    some = rows.order_by("work_date", "pk").values_list("pk", flat=True)[:100] if found["count"] else ()
    return Homeless(found["count"], found["hours"] or _ZERO, tuple(some))


def unbilled_groups(flow: Flow, settings: TimeToInvoiceSettings, part: Part, *, until: date | None) -> list[Group]:
    """What is still unbilled of a part."""
    found = _Groups()
    _add_unbilled(flow, settings, found, part.project_ids, until)
    return list(found.by_home.values())


def changed_groups(flow: Flow, settings: TimeToInvoiceSettings, *, until: date | None) -> list[Group]:
    """Homes of work that was billed and may have changed since, with what is unbilled there: both are on one document."""
    found = _Groups()
    models: tuple[type[Any], ...] = (TimeEntry, Expense) if settings.include_expenses else (TimeEntry,)
    for model in models:
        _sort_changed(flow, found, model, until)
    groups = list(found.by_home.values())
    if not groups:
        return []
    _drop_written_off(groups)
    contracts = [group.contract.pk for group in groups if group.contract]
    theirs = Q(contract__in=contracts) | Q(pk__in=[project_id for group in groups for project_id in group.projects])
    projects = Project.objects.filter(theirs, customer_id=flow.customer_id)
    _add_unbilled(flow, settings, found, tuple(projects.values_list("pk", flat=True)), until)
    return list(found.by_home.values())


def rounds(groups: Iterable[Group]) -> list[list[Group]]:
    """Groups that may be billed together. What moved is credited in one and billed in another: the second takes the number after the
    first's, so it has to come in a later round."""
    found: list[list[Group]] = []
    latest: dict[tuple[type[Any], int], int] = {}
    for group in groups:
        records = [(type(record), record.pk) for record in group.records]
        number = max((latest[key] + 1 for key in records if key in latest), default=0)
        if number == len(found):
            found.append([])
        found[number].append(group)
        latest |= dict.fromkeys(records, number)
    return found


def _drop_written_off(groups: list[Group]) -> None:
    """Of what is to be billed anew where it moved to."""
    time = written_off_ids([entry for group in groups for entry in group.time])
    expenses = written_off_ids([expense for group in groups for expense in group.expenses])
    for group in groups:
        group.time = [entry for entry in group.time if entry.pk not in time]
        group.expenses = [expense for expense in group.expenses if expense.pk not in expenses]


def _add_unbilled(
    flow: Flow,
    settings: TimeToInvoiceSettings,
    found: _Groups,
    project_ids: Sequence[int],
    until: date | None,
) -> None:
    for model in (TimeEntry, Expense) if settings.include_expenses else (TimeEntry,):
        rows = _ready(flow, model, until).filter(project__in=project_ids)
        ordered = rows.prefetch_related(*_RELATED).order_by(_day(model), "pk")[:MOST_ENTRIES]
        for record in ordered:
            if model is Expense or record.project.is_billable:
                _new_of(found.of(record.project), model).append(record)


def complete(groups: list[Group], cards: Cards) -> None:
    """Read terms, what was spent under them and what was billed of each record, for all groups together."""
    by_contract = {group.contract.pk: group for group in groups if group.contract}
    versions = ContractVersion.objects.filter(contract__in=by_contract).select_related("rate_card")
    for version in versions.order_by("effective_date", "number"):
        by_contract[version.contract_id].versions.append(version)
    for contract_id, spent in _spent(by_contract).items():
        by_contract[contract_id].spent = spent
    time = billed([entry for group in groups for entry in group.all_time])
    expenses = billed([expense for group in groups for expense in group.all_expenses])
    for group in groups:
        group.billed_time, group.billed_expenses = time, expenses
    cards.read(version.rate_card for group in groups for version in group.versions if version.rate_card)


def _spent(contract_ids: Iterable[int]) -> dict[int, Spent]:
    invoices = Invoice.objects.filter(contract__in=list(contract_ids)).exclude(IS_VOID)
    sums = (
        Billing.objects.filter(line__invoice__in=invoices, time_entry__isnull=False, released_at__isnull=True)
        .order_by()
        .values_list("line__invoice__contract_id")
        .annotate(billed=Sum("amount"), beyond=Sum("unbilled_amount"))
    )
    return {contract_id: Spent(amount or _ZERO, beyond or _ZERO) for contract_id, amount, beyond in sums}


def _ready(flow: Flow, model: type[Any], until: date | None) -> QuerySet[Any]:
    found = unbilled(flow, model)
    return found if until is None else found.filter(**{f"{_day(model)}__lt": until})


def unbilled(flow: Flow, model: type[Any]) -> QuerySet[Any]:
    """Approved records without a billing that counts, which nobody wrote off."""
    found: QuerySet[Any] = (
        model.objects.live()
        .filter(
            customer_id=flow.customer_id,
            approval=Approval.APPROVED,
            is_billable=True,
            is_billed_at_source=False,
            **{f"{_day(model)}__gte": flow.starts_at.date()},
        )
        .filter(~counting(_field(model)), ~written_off(_field(model)))
    )
    return found


def _sort_changed(flow: Flow, found: _Groups, model: type[Any], until: date | None) -> None:
    """Put what was billed, and may have changed since, where it was billed and where it belongs now."""
    changed = _changed_since_billed(flow, model)
    known = billed(changed)
    for record in changed:
        of_record = known[record.pk]
        if of_record.is_undecided:
            continue
        is_here = record.project is not None and record.deleted_at is None
        here = home_of(record.project) if is_here else None
        places = of_record.places()
        for home, where in places.items():
            if home is None or where is None:  # billed before its project was known: where it is now
                if record.project is not None:
                    _changed_of(found.of(record.project), model).append(record)
            elif here in {home, None}:
                group = found.at(home, where)
                _changed_of(group, model).append(record)
                if here is not None:
                    group.projects[record.project.pk] = record.project
            elif any(_sums(of_record.at(home))):
                _left_of(found.at(home, where), model).append(record)
        if here is not None and here not in places and None not in places and _is_ready(record, flow, until):
            _new_of(found.of(record.project), model).append(record)


def _new_of(group: Group, model: type[Any]) -> list[Any]:
    return group.time if model is TimeEntry else group.expenses


def _changed_of(group: Group, model: type[Any]) -> list[Any]:
    return group.changed_time if model is TimeEntry else group.changed_expenses


def _left_of(group: Group, model: type[Any]) -> list[Any]:
    return group.left_time if model is TimeEntry else group.left_expenses


def _sums(rows: list[Billing]) -> tuple[Decimal, Decimal]:
    return sum((row.hours for row in rows), _ZERO), sum((row.amount for row in rows), _ZERO)


def _is_ready(record: Any, flow: Flow, until: date | None) -> bool:
    """As `_unbilled` asks it: to be billed anew where it moved to."""
    day = getattr(record, _day(type(record)))
    return bool(
        record.deleted_at is None
        and record.approval == Approval.APPROVED
        and record.is_billable
        and not record.is_billed_at_source
        and record.project.is_billable
        and day >= flow.starts_at.date()
        and (until is None or day < until)
    )


def _changed_since_billed(flow: Flow, model: type[Any]) -> list[Any]:
    found = model.objects.filter(customer_id=flow.customer_id, pk__in=changed_since_billed(flow, model))
    return list(found.prefetch_related(*_RELATED).order_by(_day(model), "pk"))


def changed_since_billed(flow: Flow, model: type[Any]) -> list[int]:
    """Ids of the flow's records with billings that count, and that may have changed since."""
    # Billings first, then each record by its id: linear whatever Postgres believes about the tables.
    column = f"{_field(model)}_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            select id from (
                select b.{column} as id, bool_or(b.released_at is not null) as is_undone,
                       min(b.created_at) - make_interval(secs => %(overlap)s) as since,
                       array_agg(b.record_updated_at) filter (where b.record_updated_at is not null) as seen
                  from {Billing._meta.db_table} b
                 where b.customer_id = %(customer)s and b.{column} is not null
                 group by b.{column} having bool_or(b.released_at is null)
            ) billed
             where is_undone or (select r.updated_at > since and not coalesce(r.updated_at = any(seen), false)
                                   from {model._meta.db_table} r where r.id = billed.id)
            """,
            {"customer": flow.customer_id, "overlap": _OVERLAP.total_seconds()},
        )
        return [record_id for (record_id,) in cursor.fetchall()]


def _day(model: type[Any]) -> str:
    return "work_date" if model is TimeEntry else "spent_date"


def _field(model: type[Any]) -> str:
    return "time_entry" if model is TimeEntry else "expense"


def currency_of(group: Group, flow: Flow) -> str:
    """The contract's, else the project's, else the client's, else the customer's own."""
    candidates = [group.contract.currency if group.contract else ""]
    for project in group.projects.values():
        candidates += [project.currency, project.client.currency if project.client else ""]
    return str(next((found for found in candidates if found), flow.customer.currency))


def version_of(group: Group, day: date) -> ContractVersion | None:
    """The contract's terms that hold on a day: the latest that took effect by then, else the first."""
    holding = [version for version in group.versions if version.effective_date <= day]
    return holding[-1] if holding else next(iter(group.versions), None)
