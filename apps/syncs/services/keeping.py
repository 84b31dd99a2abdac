"""Events on their way into the inbox are committed together: while one thread of the web server waits for the disk, those of the
others gather, and the next commit takes them all. Whoever keeps events waits for the commit that holds them.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from django.db import connection as database
from django.db import transaction

from apps.connectors.models import Connection
from apps.connectors.types import WebhookEvent
from apps.core.errors import TransientError
from apps.core.json_text import dump_json
from apps.core.statements import execute_beside
from apps.core.work import wake
from apps.core.work.kinds import INBOX

# In the order of their key: two processes that get copies of the same events wait for each other in one direction only.
_INSERT = """
insert into syncs_inboxevent (customer_id, connection_id, event_id, event_type, object_name, external_id, is_deletion, occurred_at,
       status, attempts, error)
select customer_id, connection_id, event_id, event_type, object_name, external_id, is_deletion, occurred_at, 'pending', 0, ''
  from json_to_recordset(%(rows)s::json) as event (customer_id bigint, connection_id bigint, event_id text, event_type text,
       object_name text, external_id text, is_deletion boolean, occurred_at timestamptz)
 order by connection_id, event_id
    on conflict (connection_id, event_id) do nothing
"""


class NotKeptError(TransientError):
    """The thread that was to commit these events ended before it could."""

    code = "not_kept"


@dataclass(slots=True, eq=False)
class _Offer:
    connection: Connection
    events: tuple[WebhookEvent, ...]
    is_settled: bool = False
    error: Exception | None = field(
        default_factory=lambda: NotKeptError("the events were not committed; send them again")
    )
    """None only once they are committed."""


class _Gathering:
    """What the threads of this process have for one partner. `turn` is held by the one that commits."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.waiting: list[_Offer] = []

    def taken(self) -> list[_Offer]:
        offers, self.waiting = self.waiting, []
        return offers


_guard = threading.Lock()
_gatherings: defaultdict[str, _Gathering] = defaultdict(_Gathering)


def keep(connection: Connection, events: tuple[WebhookEvent, ...]) -> None:
    """Return once the events are committed, each once however often it came. Raises what kept them out; they are not in then."""
    offer = _Offer(connection, events)
    if database.in_atomic_block:  # its end is not ours to await: nobody else's events go into it
        _commit([offer])
        return
    with _guard:
        gathering = _gatherings[database.schema_name]  # type: ignore[attr-defined]
        gathering.waiting.append(offer)
    with gathering.turn:
        if not offer.is_settled:
            with _guard:
                offers = gathering.taken()
            _settle(offers)
    if offer.error is not None:
        raise offer.error


def _settle(offers: list[_Offer]) -> None:
    """An error belongs to those whose events it kept out."""
    try:
        _commit(offers)
    except Exception as error:
        if len(offers) > 1:  # one of them may have kept out the others
            for offer in offers:
                _settle([offer])
        else:
            offers[0].error = error
    else:
        for offer in offers:
            offer.error = None
    finally:
        for offer in offers:
            offer.is_settled = True


@transaction.atomic
def _commit(offers: list[_Offer]) -> None:
    rows = [
        {
            "customer_id": offer.connection.customer_id,
            "connection_id": offer.connection.pk,
            "event_id": event.event_id[:255],
            "event_type": event.event_type[:200],
            "object_name": event.object_name,
            "external_id": event.external_id[:255],
            "is_deletion": event.deleted,
            "occurred_at": event.occurred_at,
        }
        for offer in offers
        for event in offer.events
    ]
    execute_beside(_INSERT, {"rows": dump_json(rows)})
    for key in sorted({offer.connection.pk for offer in offers}):
        wake(INBOX, key)
