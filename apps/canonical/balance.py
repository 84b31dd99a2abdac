"""Whether journal entries balance: debit and credit equal in each currency, to the last digit. Pure: values in, values out.

It stands here and not with the flows' rules because loading and sending ask it, which lie below the flows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Posting:
    """One line's two sides; one of them is usually nothing, and either may be negative."""

    currency: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class Imbalance:
    """What one currency of an entry sums to, where its sides differ."""

    currency: str
    debit: Decimal
    credit: Decimal

    @property
    def difference(self) -> Decimal:
        """Debit less credit: positive where credit lacks."""
        return self.debit - self.credit

    def __str__(self) -> str:
        lacking = "credit" if self.difference > 0 else "debit"
        money = f" {self.currency}" if self.currency else ""
        return f"debit {plain(self.debit)}, credit {plain(self.credit)}: {plain(abs(self.difference))}{money} {lacking} is missing"


def imbalances(postings: Iterable[Posting]) -> list[Imbalance]:
    """The currencies whose debit is not exactly their credit, by code. Nothing is rounded, and no currency makes up for another."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for posting in postings:
        for amount in (posting.debit, posting.credit):
            if not amount.is_finite():
                raise ValueError(f"{amount} is no amount of money")
        debit, credit = sums.get(posting.currency, (_NOTHING, _NOTHING))
        sums[posting.currency] = debit + posting.debit, credit + posting.credit
    return [Imbalance(currency, *sums[currency]) for currency in sorted(sums) if sums[currency][0] != sums[currency][1]]


def told(name: str, found: list[Imbalance]) -> str:
    """The sentence for people: which entry, and by how much in each currency."""
    return f"Journal {name} does not balance: {'; '.join(map(str, found))}."


def plain(amount: Decimal) -> str:
    """1200.5000 → 1200.50; 0.1250 → 0.125; 5 → 5.00."""
    text = format(amount, "f")
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
