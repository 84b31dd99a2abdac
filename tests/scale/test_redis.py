"""Queue and cache in Redis: the bell rings there, and nothing hangs on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from apps.accounts.models import Customer
from apps.core.models import DueWork
from tests.committed import output_of, start_python
from tests.scale.servers import RedisServer, redis_server
from tests.scale.traced import KIND, SLOW, noted
from tests.scale.workers import all_done, wake_elsewhere, worker
from tests.waiting import wait_until

QUEUE = "django_q:throughline:q"


@pytest.fixture
def server(kestrel: Customer, tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as found:
        yield found


def test_due_work_rings_in_redis_and_is_done(server: RedisServer, tmp_path: Path) -> None:
    wake_elsewhere(f"{KIND}/a", f"{KIND}/b", REDIS_URL=server.url)
    assert server.client().llen(QUEUE) == 2, "nobody has answered yet"

    with worker(tmp_path / "log", REDIS_URL=server.url) as running:
        running.until(all_done)

        assert sorted(noted()) == ["a", "b"]
        wait_until(lambda: server.client().llen(QUEUE) == 0)
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from public.django_q_ormq")
        assert cursor.fetchone() == (0,), "the queue in Postgres is not used"


def test_a_killed_worker_loses_nothing(server: RedisServer, tmp_path: Path) -> None:
    with worker(tmp_path / "first", REDIS_URL=server.url) as first:
        wake_elsewhere(f"{SLOW}/a", REDIS_URL=server.url)
        first.until(lambda: noted() == ["begun a"])
        wake_elsewhere(*[f"{KIND}/{number}" for number in range(20)], REDIS_URL=server.url)
        first.kill()

        assert DueWork.objects.count() == 21
        with worker(tmp_path / "second", REDIS_URL=server.url) as second:
            second.until(all_done)

    assert sorted(noted()) == sorted(["begun a", "a", *map(str, range(20))])


def test_what_a_flush_forgot_is_done_by_the_tick(server: RedisServer, tmp_path: Path) -> None:
    wake_elsewhere(f"{KIND}/a", REDIS_URL=server.url)
    server.client().flushall()
    assert server.client().llen(QUEUE) == 0

    with worker(tmp_path / "log", REDIS_URL=server.url) as running:
        running.until(lambda: noted() == ["a"])


def test_work_goes_on_while_redis_is_dead_and_the_log_says_so(server: RedisServer, tmp_path: Path) -> None:
    with worker(tmp_path / "log", REDIS_URL=server.url) as running:
        wake_elsewhere(f"{KIND}/before", REDIS_URL=server.url)
        running.until(lambda: noted() == ["before"])

        server.kill()
        running.until(lambda: running.says("core.work.redis_away"))
        for round_ in range(3):
            wake_elsewhere(f"{KIND}/dead {round_}", REDIS_URL=server.url)
        running.until(all_done)
        assert not running.says("core.work.redis_back")

        server.start()
        running.until(lambda: running.says("core.work.redis_back"))
        wake_elsewhere(f"{KIND}/after", REDIS_URL=server.url)
        running.until(all_done)

    assert noted() == ["before", "dead 0", "dead 1", "dead 2", "after"]


def test_a_worker_starts_and_works_without_redis(server: RedisServer, tmp_path: Path) -> None:
    server.kill()
    wake_elsewhere(f"{KIND}/a", REDIS_URL=server.url)

    with worker(tmp_path / "log", REDIS_URL=server.url) as running:
        running.until(lambda: noted() == ["a"])


def test_a_bell_that_nobody_hears_does_not_fill_the_memory(server: RedisServer) -> None:
    said = output_of(
        start_python(
            "from apps.core.work.redis_broker import RedisBroker\n"
            "broker = RedisBroker(list_key='throughline')\n"
            "for number in range(1_500):\n"
            "    broker.enqueue(f'ring {number}')\n"
            "print(broker.queue_size())",
            REDIS_URL=server.url,
        )
    )

    assert said.strip() == "1000"
    assert server.client().lindex(QUEUE, -1) == b"ring 1499"


def test_the_cache_lies_in_redis_by_partner(server: RedisServer) -> None:
    output_of(
        start_python(
            "from django.core.cache import cache\n"
            "from django_tenants.utils import schema_context\n"
            "with schema_context('acme'):\n"
            "    cache.set('word', 'kept')\n"
            "    assert cache.get('word') == 'kept' and cache.incr('count', 1) if cache.add('count', 1) else 0\n"
            "with schema_context('globex'):\n"
            "    assert cache.get('word') is None",
            REDIS_URL=server.url,
        )
    )

    assert sorted(server.client().keys()) == [b"acme::1:count", b"acme::1:word"]
