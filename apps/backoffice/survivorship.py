"""Which value of each field of a record survived: who owns the field, since when and from where its value is, what others said."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.backoffice.naming import Difference, name_changes, name_details, title_of
from apps.backoffice.origins import name_origins
from apps.canonical.models import Change, Proposal, ProposalStatus
from apps.canonical.registry import entity
from apps.mappings.stewardship import Owner, owners_of

_MOST_CHANGES = 200
_SHOWN = 8
_SILENT = frozenset({"source_updated_at", "custom"})


@dataclass(frozen=True, slots=True)
class Event:
    """One value that came to the field: taken over, or proposed and what became of it."""

    at: datetime
    origin: str
    difference: Difference
    state: str
    """`taken`, or the state of the proposal."""
    decided_by: str = ""
    reason: str = ""
    proposal_id: int | None = None


@dataclass(slots=True)
class FieldStory:
    title: str
    owner: Owner
    events: list[Event] = field(default_factory=list)

    @property
    def open_proposal(self) -> Event | None:
        return next((event for event in self.events if event.state == ProposalStatus.OPEN), None)


def stories_of(entity_name: str, record: Any) -> list[FieldStory]:
    """Fields with anything to tell, newest first within each. A handful of queries however long the history is."""
    known = entity(entity_name)
    about = {"entity": entity_name, "record_id": record.pk}
    changes = name_changes(name_origins(Change.objects.filter(**about).order_by("-id")[:_MOST_CHANGES]))
    proposals = name_origins(
        Proposal.objects.filter(**about, kind=Proposal.Kind.FIELD).select_related("decided_by").order_by("-id")
    )
    events: dict[str, list[Event]] = {}
    for change in changes:
        for difference in change.differences:
            events.setdefault(difference.field, []).append(Event(change.at, change.origin_name, difference, "taken"))
    for proposal in proposals:
        for difference in name_details(proposal):
            events.setdefault(difference.field, []).append(_proposed(proposal, difference))
    owners = owners_of(record.customer_id, entity_name, known.kinds)
    stories = []
    for name, owner in owners.items():
        title = title_of(name)
        if name not in _SILENT and (found := events.get(title)):
            found.sort(key=lambda event: event.at, reverse=True)
            stories.append(FieldStory(title, owner, found[:_SHOWN]))
    return stories


def _proposed(proposal: Any, difference: Difference) -> Event:
    return Event(
        at=proposal.created_at,
        origin=proposal.origin_name,
        difference=difference,
        state=proposal.status,
        decided_by=str(proposal.decided_by or ""),
        reason=proposal.decision_reason,
        proposal_id=proposal.pk,
    )
