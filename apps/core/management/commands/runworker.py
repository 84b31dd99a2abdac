"""Run the background worker: django-q2's cluster with signals that survive a platform's stop, and the clock that rings it."""

import logging
import signal
import sys
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from apps.core.garbage import collect_seldom
from apps.core.tenancy import replica
from apps.core.tenancy.heads import known
from apps.core.tenancy.pooling import TransactionPoolingError, refuse_transaction_pooling
from apps.core.work import queue
from apps.core.work.bell import ring_bell

logger = logging.getLogger(__name__)
_TICK_SECONDS = 1.0
_TELL_SECONDS = 60.0
_PATIENCE_SECONDS, _AGAIN_SECONDS = 60.0, 0.1
_STOPPING = {signal.SIGTERM, signal.SIGINT}


class Command(BaseCommand):
    help = "Runs the worker processes. Stops gracefully on SIGTERM, also when every process of the group gets it."
    requires_system_checks: list[str] = []  # they read the whole catalog, a third of the start: that is for bin/check

    _told_at = -_TELL_SECONDS
    _beaten_at = -replica.BEAT_SECONDS

    def handle(self, *args: Any, **options: Any) -> None:
        from django_q import cluster as q2

        self._await_database()
        try:
            refuse_transaction_pooling()
        except TransactionPoolingError as error:
            raise CommandError(error.message)
        # The children inherit a blocked mask, so a signal to the whole group (as platforms send) reaches this process alone;
        # q2's own handler would otherwise wait for a dead process for ever.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        known()  # read once, for all processes that are forked from this one
        collect_seldom()
        cluster = q2.Cluster()
        stopping = threading.Event()
        for number in _STOPPING:
            signal.signal(number, lambda *_: stopping.set())
        connection.close()
        cluster.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        logger.info("core.worker.started")
        while cluster.sentinel.is_alive():
            if stopping.wait(_TICK_SECONDS):
                cluster.stop()
                logger.info("core.worker.stopped")
                return
            self._ring_if_due()
            self._beat()
        logger.error("core.worker.died: the supervisor should start it again")
        sys.exit(1)

    def _await_database(self) -> None:
        """After a machine came back Postgres may still be recovering. Raises the database's error when it takes too long."""
        began = time.monotonic()
        is_told = False
        while True:
            try:
                connection.ensure_connection()
                return
            except OperationalError as error:
                if time.monotonic() - began > _PATIENCE_SECONDS:
                    raise
                if not is_told:
                    logger.warning("core.worker.waits_for_database %s", error)
                is_told = True
                time.sleep(_AGAIN_SECONDS)

    def _ring_if_due(self) -> None:
        """The tick: indexed queries over the shared table, never a look into every schema."""
        try:
            if freed := queue.release_dead():
                logger.warning("core.worker.freed %s claims of workers that died", freed)
            waiting = queue.waiting()
            if waiting.due and queue.has_claimable():
                ring_bell()
            if waiting.is_behind and time.monotonic() > self._told_at + _TELL_SECONDS:
                self._told_at = time.monotonic()
                logger.error(
                    "core.worker.behind: of %s due, the oldest waits since %.0f s; more workers are needed, or one hangs",
                    waiting.due,
                    waiting.oldest_live_seconds,
                )
        except Exception:
            logger.exception("core.worker.tick_failed")
            connection.close()

    def _beat(self) -> None:
        if not replica.is_configured() or time.monotonic() < self._beaten_at + replica.BEAT_SECONDS:
            return
        self._beaten_at = time.monotonic()
        try:
            replica.beat()
        except Exception:
            logger.exception("core.worker.beat_failed")
            connection.close()
