"""Find the client a new name stands for. Identifiers decide; a similar name is only ever proposed to a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz import fuzz

from apps.canonical.names import (
    domain_of,
    is_free_mail,
    name_words,
    normalised_name,
    normalised_reference,
    normalised_tax_number,
)

PROPOSAL_SCORE = 82
_SHORTEST_NAME = 3  # "AB" resembles everything


class MatchKind(StrEnum):
    REFERENCE = "reference"
    TAX_NUMBER = "tax_number"
    DOMAIN = "domain"
    EXACT_NAME = "exact_name"
    FUZZY_NAME = "fuzzy_name"


class MatchOutcome(StrEnum):
    CERTAIN = "certain"
    AMBIGUOUS = "ambiguous"  # several certain candidates: a person chooses
    PROPOSED = "proposed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Party:
    id: str
    name: str
    tax_number: str = ""
    domain: str = ""
    email: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    candidate_id: str
    kind: MatchKind
    score: int  # 100 for a certain match
    reason: str


@dataclass(frozen=True, slots=True)
class MatchResult:
    outcome: MatchOutcome
    matches: tuple[Match, ...] = ()

    @property
    def candidate_id(self) -> str | None:
        """Whom to use without asking; None unless certain."""
        return self.matches[0].candidate_id if self.outcome is MatchOutcome.CERTAIN else None


def find_match(subject: Party, candidates: Iterable[Party], *, proposal_score: int = PROPOSAL_SCORE) -> MatchResult:
    """Strongest identifier first. Two identifiers that point at different candidates are a conflict, not a choice."""
    pool = sorted(candidates, key=lambda candidate: candidate.id)
    certain = [match for candidate in pool if (match := _certain(subject, candidate))]
    decisive = _decisive(certain, subject, pool)
    if len(decisive) == 1:
        return MatchResult(MatchOutcome.CERTAIN, tuple(decisive))
    if decisive:
        return MatchResult(MatchOutcome.AMBIGUOUS, tuple(decisive))
    proposals = [match for candidate in pool if (match := _fuzzy(subject, candidate, proposal_score))]
    proposals.sort(key=lambda match: (-match.score, match.candidate_id))
    return MatchResult(MatchOutcome.PROPOSED, tuple(proposals)) if proposals else MatchResult(MatchOutcome.NONE)


def _decisive(certain: list[Match], subject: Party, pool: Sequence[Party]) -> list[Match]:
    """References and tax numbers outrank domains and names, but not each other.

    Companies of a group share a domain: among them the one of the very same name is meant.
    """
    firm = [match for match in certain if match.kind in (MatchKind.REFERENCE, MatchKind.TAX_NUMBER)]
    if firm or len(certain) < 2:
        return firm or certain
    names = {candidate.id: normalised_name(candidate.name) for candidate in pool}
    both = [
        match
        for match in certain
        if match.kind is MatchKind.DOMAIN and names[match.candidate_id] == normalised_name(subject.name)
    ]
    return both if len(both) == 1 else certain


def _certain(subject: Party, candidate: Party) -> Match | None:
    entities_differ = _tax_numbers_differ(subject, candidate)
    for kind, shared in _shared(subject, candidate).items():
        if shared and (kind is MatchKind.REFERENCE or not entities_differ):
            return Match(candidate.id, kind, 100, f"same {kind.replace('_', ' ')}: {shared}")
    return None


def _shared(subject: Party, candidate: Party) -> dict[MatchKind, str]:
    """What both have in common, strongest first."""
    ours, theirs = normalised_tax_number(subject.tax_number), normalised_tax_number(candidate.tax_number)
    domains = sorted(_domains(subject) & _domains(candidate))
    return {
        MatchKind.REFERENCE: _same(normalised_reference(subject.reference), normalised_reference(candidate.reference)),
        MatchKind.TAX_NUMBER: _same(ours, theirs),
        MatchKind.DOMAIN: domains[0] if domains else "",
        MatchKind.EXACT_NAME: _same_name(subject.name, candidate.name),
    }


def _same_name(ours: str, theirs: str) -> str:
    """The very same name, or one that only leaves out the legal form: "Acme" is "Acme GmbH", but "Acme AG" is not."""
    full_ours, full_theirs = normalised_name(ours), normalised_name(theirs)
    if full_ours == full_theirs:
        return full_ours
    bare_ours, bare_theirs = name_words(ours), name_words(theirs)
    is_bare = bare_ours == full_ours or bare_theirs == full_theirs
    return bare_ours if is_bare and bare_ours == bare_theirs and len(bare_ours) >= _SHORTEST_NAME else ""


def _tax_numbers_differ(subject: Party, candidate: Party) -> bool:
    """Two tax numbers are two legal entities, however alike their names; only a reference of ours outranks that."""
    ours, theirs = normalised_tax_number(subject.tax_number), normalised_tax_number(candidate.tax_number)
    return bool(ours and theirs and ours != theirs)


def _fuzzy(subject: Party, candidate: Party, proposal_score: int) -> Match | None:
    ours, theirs = name_words(subject.name), name_words(candidate.name)
    if min(len(ours), len(theirs)) < _SHORTEST_NAME:
        return None
    score = int(max(fuzz.token_sort_ratio(ours, theirs), fuzz.ratio(ours.replace(" ", ""), theirs.replace(" ", ""))))
    if score < proposal_score:
        return None
    note = "; tax numbers differ" if _tax_numbers_differ(subject, candidate) else ""
    return Match(
        candidate.id, MatchKind.FUZZY_NAME, min(score, 99), f"{candidate.name!r} resembles {subject.name!r}{note}"
    )


def _domains(party: Party) -> set[str]:
    found = {domain_of(party.domain), domain_of(party.email)}
    return {domain for domain in found if domain and not is_free_mail(domain)}


def _same(ours: str, theirs: str) -> str:
    return ours if ours and ours == theirs else ""
