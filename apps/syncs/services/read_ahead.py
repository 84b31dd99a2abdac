"""Reads the next page while the one before it is written: the vendor's answer and the database's work overlap.

The thread asks the vendor and works the page out; it touches no table but the one a renewed log-in is kept in, which has a
connection of its own for that (connectors.stores).
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Self

from apps.connectors import budgets
from apps.connectors.models import Connection
from apps.connectors.types import Page
from apps.core import clock
from apps.core.turns import turns
from apps.syncs.loading import LoadContext, Prepared, prepare_page

Taken = tuple[Page, Prepared]
# One thread a process, kept, so that it keeps its connections to the vendors; started by the first long read.
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")


class ReadAhead:
    """The pages of one read, each paid for from the vendor's budget. Leaving the block lets go of a page not taken."""

    def __init__(
        self, connection: Connection, context: LoadContext, pages: Iterator[Page], *, lane: budgets.Lane, now: datetime
    ) -> None:
        self.not_before: datetime | None = None
        """When to come back, once the vendor's budget is spent."""
        self.mostly_new = False
        """Whether mapping ahead is likely to be of use."""
        self._connection, self._context, self._pages = connection, context, pages
        self._lane: budgets.Lane = lane
        self._path = connection.manifest.read_path(context.object_name, is_full=lane == "backfill")
        read = connection.manifest.object(context.object_name).read
        self._path_besides = read.attach[0].request.path if read and read.attach else ""
        self._now = now
        self._coming: Future[Taken | None] | None = None

    def begin(self) -> None:
        """Ask for the next page now; `take` waits for it. Without budget nothing is asked."""
        if self._may_call():
            self._coming = _THREAD.submit(self._fetch)

    def take(self) -> Taken | None:
        """The next page. None: there is none, or (see `not_before`) it may not be asked for yet."""
        if self.not_before is not None:
            return None
        if self._coming is None and not self._may_call():
            return None
        coming, self._coming = self._coming, None
        try:
            with turns.lent():
                taken = coming.result() if coming is not None else self._fetch()
        finally:
            budgets.release(self._connection, calls=1, now=self._now)
        if taken is not None and taken[0].calls > 1:
            besides = taken[0].calls - 1
            budgets.spend(self._connection, calls=besides, now=clock.now(), path=self._path_besides)
        if taken is not None and (status := taken[0].call.status) is not None:
            budgets.observe(self._connection, taken[0].call.response_headers, status=status, now=self._now)
        return taken

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            with contextlib.suppress(Exception), turns.lent():  # whatever became of it, it will be read again
                coming.result()
            budgets.release(self._connection, calls=1, now=self._now)

    def _may_call(self) -> bool:
        grant = budgets.reserve(self._connection, calls=1, lane=self._lane, now=clock.now(), path=self._path)
        if not grant.calls:
            self.not_before = grant.not_before or clock.now()
        return bool(grant.calls)

    def _fetch(self) -> Taken | None:
        page = next(self._pages, None)
        if page is None:
            return None
        return page, prepare_page(self._context, page.records, map_all=self.mostly_new)
