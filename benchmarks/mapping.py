"""CPU of reading and mapping a page of 1,000 time entries: the vendor's client with paging, then the compiled mapping.

In one process and without the database, so that the figure is the product's own work for a page: fetching, parsing, finding
the next page, mapping. `map only` is the last part of it.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django_tenants.utils import schema_context

from apps.connectors.services import client_for
from apps.mappings import selectors
from apps.mappings.engine import Mapped
from benchmarks import installation

GOAL_MS = 60.0
PAGE = 1000


@dataclass(frozen=True, slots=True)
class MappedPage:
    """CPU milliseconds of this process for one page."""

    read_ms: float
    map_ms: float

    @property
    def total_ms(self) -> float:
        return self.read_ms + self.map_ms


def pages(base_url: str, count: int) -> list[MappedPage]:
    """Read all of the vendor's entries once; the first page warms up and does not count."""
    installation.empty()
    sync_id = installation.install_pull(base_url)
    found: list[MappedPage] = []
    with schema_context(installation.SCHEMA):
        connection = installation.sync_of(sync_id).connection
        mapping = selectors.inbound(connection, "time_entries")
        assert mapping is not None
        coming = client_for(connection).pages("time_entries", cursor=None, now=datetime.now(UTC))
        while True:
            began = time.process_time()
            page = next(coming, None)
            read = time.process_time()
            if page is None:
                break
            outcomes = [mapping.run(record) for record in page.records]
            ended = time.process_time()
            if len(outcomes) == PAGE:
                found.append(MappedPage(1000 * (read - began), 1000 * (ended - read)))
            _expect([outcome for outcome in outcomes if not isinstance(outcome, Mapped)])
    if len(found) * PAGE < count - PAGE:
        raise RuntimeError(f"{len(found)} pages of {PAGE} came, {count // PAGE} were expected")
    return found[1:]


def _expect(wrong: list[object]) -> None:
    """A wrong result has no speed."""
    if wrong:
        raise RuntimeError(f"{len(wrong)} of a page could not be mapped, the first: {wrong[0]}")
