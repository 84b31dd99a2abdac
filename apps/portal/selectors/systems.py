"""The customer's connected systems and their state in words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import OuterRef, QuerySet, Subquery

from apps.accounts.models import Customer
from apps.connectors import consents
from apps.connectors.manifest import Manifest, UnknownConnectorError, manifest_for
from apps.connectors.models import Connection


class State(StrEnum):
    """How a thing is, for the person who looks: fine, busy repairing itself, in need of that person, or not begun."""

    GOOD = "good"
    REPAIRING = "repairing"
    NEEDS_YOU = "needs_you"
    RESTING = "resting"


_WORDS = {
    Connection.Status.NEW: (State.NEEDS_YOU, "Not connected yet", "Connect it, and we start reading."),
    Connection.Status.OK: (State.GOOD, "Working", ""),
    Connection.Status.FAILING: (
        State.REPAIRING,
        "Not answering at the moment",
        "We keep trying. Nothing is lost: what waits is sent as soon as it answers.",
    ),
    Connection.Status.NEEDS_REAUTHORISATION: (
        State.NEEDS_YOU,
        "Needs you to reconnect",
        "It no longer accepts our access. Once you reconnect, everything that waits is sent by itself.",
    ),
    Connection.Status.PAUSED: (State.RESTING, "Paused", "Nothing is read or written until it is resumed."),
}
_ROLE_WORDS = {
    "crm": "CRM",
    "cpq": "Quotes",
    "contracts": "Contracts",
    "psa": "Projects",
    "projects": "Projects",
    "resources": "People planning",
    "time": "Time",
    "expenses": "Expenses",
    "erp": "ERP",
    "billing": "Billing",
    "revenue": "Revenue",
    "procurement": "Purchasing",
    "support": "Support",
    "hr": "HR",
    "analytics": "Reports",
}


@dataclass(frozen=True, slots=True)
class System:
    """One connection, as its owner sees it."""

    pk: int
    name: str
    connector: str
    product: str
    account_name: str
    roles: tuple[str, ...]
    role_words: str
    state: State
    words: str
    explanation: str
    since: datetime | None
    checked_at: datetime | None
    latest_success_at: datetime | None
    is_oauth: bool
    consent_ends_at: datetime | None
    takes_files: bool = False
    has_key: bool = True

    @property
    def needs_you(self) -> bool:
        return self.state is State.NEEDS_YOU


def systems(customer: Customer, *, now: datetime) -> tuple[System, ...]:
    """All systems of a customer, with the moment each came into its present state."""
    return tuple(_system(connection, now) for connection in _with_since(_of(customer)))


def system(customer: Customer, pk: int, *, now: datetime) -> System | None:
    """One system of the customer, or None where it has no such."""
    connection = _with_since(_of(customer).filter(pk=pk)).first()
    return None if connection is None else _system(connection, now)


def _of(customer: Customer) -> QuerySet[Connection]:
    return Connection.objects.for_customer(customer).defer("credentials").order_by("pk")


def _with_since(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    """Adds `since`: the first history row after the latest one with another status."""
    rows = Connection.history.model.objects.filter(id=OuterRef("pk"))  # type: ignore[attr-defined]
    other = rows.exclude(status=OuterRef("status")).order_by("-history_id").values("history_id")[:1]
    same = rows.filter(status=OuterRef("status"), history_id__gt=OuterRef("other_id")).order_by("history_id")
    return connections.annotate(other_id=Subquery(other)).annotate(since=Subquery(same.values("history_date")[:1]))


def _system(connection: Connection, now: datetime) -> System:
    state, words, explanation = _WORDS[Connection.Status(connection.status)]
    if state is State.GOOD and connection.paused_until and connection.paused_until > now:
        state, words = State.REPAIRING, "Resting briefly"
        explanation = "It asked us to slow down or did not answer; we go on by ourselves."
    roles = tuple(connection.roles)
    manifest = _manifest(connection)
    since: datetime | None = getattr(connection, "since", None)
    return System(
        pk=connection.pk,
        name=connection.name,
        connector=connection.connector,
        product=manifest.connector.name if manifest else connection.connector.replace("_", " ").title(),
        account_name=connection.account_name,
        roles=roles,
        role_words=" · ".join(dict.fromkeys(_ROLE_WORDS.get(role, role.title()) for role in roles)),
        state=state,
        words=words,
        explanation=explanation,
        since=since or connection.created_at,
        checked_at=connection.checked_at,
        latest_success_at=connection.latest_success_at,
        is_oauth=manifest is not None and _is_oauth(manifest, connection),
        consent_ends_at=None if state is State.NEEDS_YOU else consents.ends_at(connection),
        takes_files=manifest is not None and manifest.client.kind == "files",
        has_key=manifest is None or _has_key(manifest, connection),
    )


def _manifest(connection: Connection) -> Manifest | None:
    """None for a connector that has left the catalog: its connection is still shown."""
    try:
        return manifest_for(connection.connector)
    except UnknownConnectorError:
        return None


def _is_oauth(manifest: Manifest, connection: Connection) -> bool:
    return manifest.method(str(connection.config.get("auth_method", ""))).kind == "oauth2_code"


def _has_key(manifest: Manifest, connection: Connection) -> bool:
    """Whether there is anything a person of the customer could enter."""
    method = manifest.method(str(connection.config.get("auth_method", ""))).name
    return any(not field.methods or method in field.methods for field in manifest.fields)
