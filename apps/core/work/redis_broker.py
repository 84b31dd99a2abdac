"""django-q2's queue in Redis: a bell that may fall silent. The truth about work is in Postgres (docs/adr/0003).

Redis hands a task out by forgetting it, so one that dies with its worker is gone: nothing is lost, since it only said "look at the
table". Stock, an unreachable Redis would keep web requests waiting, workers from starting and due work undone; here whoever rings
gives up at once, and each worker calls itself to the table every second.
"""

import logging
import time
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django_q.brokers import Broker
from django_q.brokers.redis_broker import Redis

logger = logging.getLogger(__name__)
_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 3.0  # longer than a worker waits for a task in one call
_REST_SECONDS = 2.0  # after a failure nobody tries to ring for so long: a vanished host costs a second each time
_TELL_SECONDS = 60.0
_RINGS = 1_000  # more of them call nobody who was not called


@cache
def _client(url: str) -> "redis.Redis":
    """One for the process; its pool makes its own connections after a fork."""
    return redis.Redis.from_url(url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_ANSWER_SECONDS)


class RedisBroker(Redis):  # type: ignore[misc]
    _away_since: float | None = None
    _told_at = -_TELL_SECONDS
    _rests_until = 0.0

    def enqueue(self, task: Any) -> Any:
        """Ring, or leave it to the workers' own clocks when Redis is away. Never raises."""
        if time.monotonic() < RedisBroker._rests_until:
            return None
        try:
            rung, _ = (
                self.connection.pipeline(transaction=False)
                .rpush(self.list_key, task)
                .ltrim(self.list_key, -_RINGS, -1)
                .execute()
            )
        except redis.RedisError as error:
            self._is_away(error)
            return None
        self._is_back()
        return rung

    def dequeue(self) -> list[tuple[None, Any]] | None:
        """The next ring; while Redis is away, one of our own every second in which something is due."""
        try:
            found = self.connection.blpop(self.list_key, 1)
        except redis.RedisError as error:
            self._is_away(error)
            time.sleep(1)
            return self._own_ring()
        self._is_back()
        return [(None, found[1])] if found else None

    def ping(self) -> bool:
        """Always: a worker starts without Redis, too."""
        return True

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """In the process: nobody else reads it, and Redis may be away."""
        Broker.set_stat(self, key, value, timeout)

    def get_stat(self, key: str) -> Any:
        return Broker.get_stat(self, key)

    def get_stats(self, pattern: str) -> Any:
        return Broker.get_stats(self, pattern)

    @staticmethod
    def get_connection(list_key: str | None = None) -> "redis.Redis":
        return _client(settings.REDIS_URL)

    def _own_ring(self) -> list[tuple[None, Any]] | None:
        from apps.core.work.bell import task_of_a_ring
        from apps.core.work.queue import has_claimable

        try:
            return [(None, task_of_a_ring())] if has_claimable() else None
        except DatabaseError:
            connection.close()
            return None

    def _is_away(self, error: redis.RedisError) -> None:
        """Kept for the process: every ring makes a broker."""
        now = time.monotonic()
        RedisBroker._rests_until = now + _REST_SECONDS
        RedisBroker._away_since = RedisBroker._away_since or now
        if now > RedisBroker._told_at + _TELL_SECONDS:
            RedisBroker._told_at = now
            logger.warning(
                "core.work.redis_away: %s; workers look at the table of due work every second instead", error
            )

    def _is_back(self) -> None:
        if RedisBroker._away_since is not None:
            logger.warning("core.work.redis_back: it was away for %.0f s", time.monotonic() - RedisBroker._away_since)
            RedisBroker._away_since, RedisBroker._told_at = None, -_TELL_SECONDS
