"""Journal entries that arrived: each whose debit is not its credit becomes a case; it closes when they agree again.

Their lines come page by page, so they are judged once the read has ended. Nothing is refused: what a ledger says is kept.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.db.models.fields.json import KeyTextTransform

from apps.canonical.balance import Imbalance, Posting, imbalances, told
from apps.canonical.models import JournalEntry, JournalLine
from apps.connectors.models import Connection
from apps.core.problems import Problem, clear, report

ENTITIES = frozenset({"journal_entry", "journal_line"})
_BATCH = 1_000
# So many are named one by one; a file of thousands that all lack the same side is one mistake, not thousands of cases.
_NAMED = 100


def check_journals(connection: Connection, *, since: datetime) -> None:
    """Judge the entries that changed since then, or whose lines did."""
    lines = JournalLine.objects.filter(customer_id=connection.customer_id, updated_at__gte=since)
    entries = JournalEntry.objects.filter(customer_id=connection.customer_id, updated_at__gte=since)
    touched = {*lines.values_list("journal_entry_id", flat=True).distinct(), *entries.values_list("pk", flat=True)}
    unbalanced = 0
    for ids in _batches(sorted(touched)):
        found = _imbalances(ids)
        clear(
            customer_id=connection.customer_id,
            trace_keys=[_trace(pk) for pk in ids if pk not in found],
            note="Debit and credit are equal.",
        )
        named = dict(list(found.items())[: max(_NAMED - unbalanced, 0)])
        for entry in JournalEntry.objects.filter(pk__in=named).order_by("pk"):
            _report(connection, entry, named[entry.pk])
        unbalanced += len(found)
    _report_rest(connection, unbalanced - _NAMED)


def _imbalances(ids: list[int]) -> dict[int, list[Imbalance]]:
    """Entry → the currencies in which it does not balance. A line is in its entry's currency unless it names another."""
    sums = (
        JournalLine.objects.live()
        .filter(journal_entry_id__in=ids, journal_entry__deleted_at=None)
        .annotate(own_currency=KeyTextTransform("currency", "custom"))
        .values_list("journal_entry_id", "own_currency", "journal_entry__currency")
        .annotate(debit=Sum("debit_amount"), credit=Sum("credit_amount"))
        .order_by("journal_entry_id")
    )
    postings: dict[int, list[Posting]] = {}
    for pk, own, general, debit, credit in sums:
        postings.setdefault(pk, []).append(Posting(own or general, debit, credit))
    return {pk: found for pk, mine in postings.items() if (found := imbalances(mine))}


def imbalances_of(document: dict[str, Any]) -> list[Imbalance]:
    """The same for an entry that is about to be sent, from its document."""
    postings = [
        Posting(
            str((line.get("custom") or {}).get("currency") or document["currency"]),
            line["debit_amount"],
            line["credit_amount"],
        )
        for line in document.get("lines", [])
    ]
    return imbalances(postings)


def _report(connection: Connection, entry: JournalEntry, found: list[Imbalance]) -> None:
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=_trace(entry.pk),
            reason="journal_unbalanced",
            title=told(str(entry), found),
            subject_kind="journal_entry",
            subject_id=entry.pk,
            entity="journal_entry",
            record_id=entry.pk,
            amount=abs(found[0].difference),
            currency=found[0].currency,
            detail={
                "differences": [
                    {
                        "currency": one.currency,
                        "debit": str(one.debit),
                        "credit": str(one.credit),
                        "difference": str(one.difference),
                    }
                    for one in found
                ]
            },
        )
    )


def _report_rest(connection: Connection, count: int) -> None:
    key = f"journals:{connection.pk}"
    if count <= 0:
        clear(customer_id=connection.customer_id, trace_keys=[key], note="The latest read brought no more of them.")
        return
    report(
        Problem(
            customer_id=connection.customer_id,
            connection_id=connection.pk,
            trace_key=key,
            reason="journal_unbalanced",
            title=f"{count} more journals that {connection.name} brought do not balance; is a column for debit or credit missing?",
            subject_kind="connection",
            subject_id=connection.pk,
            entity="journal_entry",
        )
    )


def _trace(entry_id: int) -> str:
    return f"journal:{entry_id}"


def _batches(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
