"""What unbilled work is worth: its hours at the rate the rules give them, before minimum, rounding and caps."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db.models import Q

from apps.canonical.models import ContractVersion, Expense, Project, TimeEntry
from apps.core.money import quantize
from apps.flows.blueprints import TimeToInvoiceSettings
from apps.flows.models import Flow
from apps.flows.rules.rates import RateCard
from apps.flows.rules.terms import TimeFact
from apps.flows.services import agreed, billable
from apps.flows.services.billed import Home, home_of


class Values:
    """Rates and currencies of a flow's work; what a contract or project says is read once."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._settings = TimeToInvoiceSettings.model_validate(flow.settings)
        self._groups: dict[Home, billable.Group] = {}
        self._home: dict[int, Home] = {}
        self._versions: dict[Home, list[ContractVersion]] = defaultdict(list)
        self._cards: dict[tuple[Home, int], RateCard] = {}
        self._currencies: dict[Home, str] = {}
        self._rate_cards = agreed.Cards()

    def add(self, projects: Iterable[int]) -> None:
        """Make projects known, with all that share their contract, whose own rates are rules of it; those that are cost nothing."""
        missing = set(projects) - self._home.keys()
        if not missing:
            return
        ours = Project.objects.filter(customer_id=self._flow.customer_id)
        of_contracts = Q(contract__in=ours.filter(pk__in=missing, contract__isnull=False).values("contract"))
        rows = ours.filter(Q(pk__in=missing) | of_contracts).select_related("contract", "client")
        contracts: dict[int, Home] = {}
        for project in rows:
            home = self._home[project.pk] = home_of(project)
            self._groups.setdefault(home, billable.Group(home, project.contract)).projects[project.pk] = project
            if project.contract_id:
                contracts[project.contract_id] = home
        versions = ContractVersion.objects.filter(contract_id__in=contracts).select_related("rate_card")
        for version in versions.order_by("effective_date", "number"):
            self._versions[contracts[version.contract_id]].append(version)

    def currency(self, project_id: int | None) -> str:
        home = self._home.get(project_id or 0)
        if home is None:
            return str(self._flow.customer.currency)
        if home not in self._currencies:
            self._currencies[home] = billable.currency_of(self._groups[home], self._flow)
        return self._currencies[home]

    def currency_of(self, row: TimeEntry | Expense) -> str:
        self.add([row.project_id] if row.project_id else [])
        return row.currency if isinstance(row, Expense) and row.currency else self.currency(row.project_id)

    def of(self, row: TimeEntry | Expense) -> Decimal | None:
        """None where no rate is known."""
        if isinstance(row, Expense):
            return Decimal(row.amount)
        currency = self.currency_of(row)
        rate = self.rate(row.project_id, agreed.time_fact(row, currency))
        return quantize(row.hours * rate, currency) if rate is not None else None

    def rate(self, project_id: int | None, fact: TimeFact) -> Decimal | None:
        """The net hourly rate of an entry on its day; None where the rules find none."""
        home = self._home.get(project_id or 0)
        return self._card(home, fact.date).choose(fact).rate if home is not None else None

    def _card(self, home: Home, day: date) -> RateCard:
        version = self._version(home, day)
        key = (home, version.pk if version else 0)
        if key not in self._cards:
            group, currency = self._groups[home], self.currency(next(iter(self._groups[home].projects)))
            terms = agreed.terms_of(version, self._settings, currency, agreed.Spent(), ties="ROUND_HALF_UP")
            rules = agreed.rules_of(version, group.projects.values(), currency, self._rate_cards)
            self._cards[key] = RateCard(rules, terms)
        return self._cards[key]

    def _version(self, home: Home, day: date) -> ContractVersion | None:
        known = self._versions.get(home, [])
        holding = [version for version in known if version.effective_date <= day]
        return holding[-1] if holding else next(iter(known), None)
