"""Which connections a flow writes to, and how it names the records there."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection as database

from apps.canonical.models import Client, ExternalRef, Proposal, ProposalStatus
from apps.connectors.models import Connection
from apps.connectors.selectors import connections_of
from apps.core.errors import PermanentError
from apps.core.work.memory import once
from apps.mappings import selectors
from apps.syncs.models import Sync


class FlowIncompleteError(PermanentError):
    """The flow lacks a system or a setting. A person completes it; nothing was planned."""

    code = "flow_incomplete"


@dataclass(frozen=True, slots=True)
class Target:
    """A system that can make records of an entity."""

    connection: Connection
    object_name: str

    def holds(self, entity: str, record_id: int) -> bool:
        return record_id in self.held(entity, [record_id])

    def held(self, entity: str, record_ids: Iterable[int]) -> set[int]:
        """Which of the records it has."""
        known = ExternalRef.objects.filter(connection=self.connection, entity=entity, record_id__in=set(record_ids))
        return set(known.values_list("record_id", flat=True))


def system(customer_id: int, chosen: int | None, roles: tuple[str, ...]) -> Connection | None:
    """The chosen connection, or the customer's first that wears one of the roles, in their order."""
    connections = connections_of(customer_id)
    if chosen is not None:
        return next((found for found in connections if found.pk == chosen), None)
    for role in roles:
        for found in connections:
            if found.has_role(role):
                return found
    return None


def target(connection: Connection, entity: str, *, prefer: str = "") -> Target | None:
    """How the connection makes records of an entity; None when it can't."""
    names = [spec.object for spec in selectors.specs(connection, "out") if spec.entity == entity]
    able = [name for name in names if "create" in connection.manifest.object(name).write]
    if prefer:
        able.sort(key=lambda name: prefer not in name)
    else:
        able.sort(key=lambda name: "credit" in name)
    return Target(connection, able[0]) if able else None


def has_read_all(where: Target) -> bool:
    """Whether its records were read at least once: before that, what exists there is unknown and would be made twice."""

    def ask() -> bool:
        sync = Sync.objects.filter(connection=where.connection, object_name=where.object_name).first()
        return sync is None or sync.latest_success_at is not None

    return once(("has_read_all", where.connection.pk, where.object_name), ask)


def open_client_matches(customer_id: int) -> dict[int, list[Proposal]]:
    """Proposals that two clients are one, by each of the two."""
    found: dict[int, list[Proposal]] = defaultdict(list)
    for match in Proposal.objects.raw(
        f"""
        select * from {Proposal._meta.db_table}
         where customer_id = %s and kind = %s and status = %s and entity = 'client' order by id
        """,
        [customer_id, Proposal.Kind.MATCH, ProposalStatus.OPEN],
    ):
        for client_id in {match.record_id, match.other_record_id or match.record_id}:
            found[client_id].append(match)
    return found


def require_unambiguous(
    client: Client, *targets: Target | None, matches: dict[int, list[Proposal]] | None = None
) -> None:
    """A client that may exist there under another name is not made a second time before a person has decided. `matches`: of the
    customer, where many clients are asked about.

    Raises FlowIncompleteError with code `match_ambiguous`, naming the proposal.
    """
    known = open_client_matches(client.customer_id) if matches is None else matches
    for match in known.get(client.pk, ()):
        other = match.other_record_id if match.record_id == client.pk else match.record_id
        for where in targets:
            if where and other and not where.holds("client", client.pk) and where.holds("client", other):
                raise FlowIncompleteError(
                    f"{match.title} in {where.connection.name}: decide on the proposal first", code="match_ambiguous"
                )


def key(*parts: object) -> str:
    """An idempotency key: names the effect, the same for the same effect, distinct between partners."""
    return ":".join([str(database.schema_name), *(str(part) for part in parts)])[:120]  # type: ignore[attr-defined]
