"""The cache in Redis that goes on in the database's table while Redis is away: log-ins are counted in it, so a page must neither fail
for it nor forget to count."""

import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache

logger = logging.getLogger(__name__)
_REST_SECONDS = 5.0


def _either(name: str) -> Callable[..., Any]:
    """Ask Redis; when it is away, the table, and for a few seconds the table at once."""
    in_redis = getattr(RedisCache, name)

    def ask(self: "RedisOrTableCache", *args: Any, **options: Any) -> Any:
        if time.monotonic() >= self.rests_until:
            try:
                return in_redis(self, *args, **options)
            except redis.RedisError as error:
                RedisOrTableCache.rests_until = time.monotonic() + _REST_SECONDS
                logger.warning("core.cache.redis_away: %s; the table is used for %.0f s", error, _REST_SECONDS)
        return getattr(caches["table"], name)(*args, **options)

    return ask


class RedisOrTableCache(RedisCache):
    rests_until = 0.0
    """By the process's monotonic clock, for all threads."""

    add = _either("add")
    get = _either("get")
    set = _either("set")
    touch = _either("touch")
    delete = _either("delete")
    get_many = _either("get_many")
    has_key = _either("has_key")
    incr = _either("incr")
    set_many = _either("set_many")
    delete_many = _either("delete_many")
    clear = _either("clear")
