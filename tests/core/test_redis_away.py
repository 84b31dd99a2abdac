"""Without Redis nothing stops: whoever rings gives up at once, workers ring for themselves, the cache goes on in its table."""

import logging
from collections.abc import Iterator

import pytest
from django.core.cache import caches
from django.test import override_settings
from django_q.signing import SignedPackage

from apps.core.cache import RedisOrTableCache
from apps.core.work import bell, redis_broker, wake
from apps.core.work.redis_broker import RedisBroker
from apps.partners.models import Partner
from launcher.processes import free_port


@pytest.fixture
def nowhere() -> str:
    """An address where no Redis listens."""
    return f"redis://127.0.0.1:{free_port()}/0"


@pytest.fixture
def broker(nowhere: str, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisBroker]:
    monkeypatch.setattr(redis_broker.time, "sleep", lambda _: None)
    for name in ("_away_since", "_told_at", "_rests_until"):
        monkeypatch.setattr(RedisBroker, name, getattr(RedisBroker, name))
    with override_settings(REDIS_URL=nowhere):
        yield RedisBroker(list_key="test")
    redis_broker._client.cache_clear()


class TestBroker:
    def test_ringing_is_given_up_and_said_once(self, broker: RedisBroker, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            assert [broker.enqueue("ring") for _ in range(3)] == [None, None, None]

        assert [record.message.split(":")[0] for record in caplog.records] == ["core.work.redis_away"]

    def test_a_worker_starts_without_it(self, broker: RedisBroker) -> None:
        assert broker.ping() is True
        broker.set_stat("a-worker", "lives", 3)
        assert broker.get_stat("a-worker") == "lives"

    def test_workers_are_called_as_long_as_something_is_due(self, broker: RedisBroker) -> None:
        assert broker.dequeue() is None, "nobody is called for nothing"

        wake("test.due", 1)

        for _ in range(2):
            ((number, task),) = broker.dequeue() or [(1, "")]
            assert number is None
            assert SignedPackage.loads(task)["func"] == bell.RING


class TestCache:
    @pytest.fixture
    def cache(self, nowhere: str, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> RedisOrTableCache:
        monkeypatch.setattr(RedisOrTableCache, "rests_until", 0.0)
        return RedisOrTableCache(
            nowhere,
            {"KEY_FUNCTION": "django_tenants.cache.make_key", "OPTIONS": {"socket_connect_timeout": 1}},
        )

    def test_what_is_counted_goes_on_being_counted(self, cache: RedisOrTableCache) -> None:
        assert cache.add("failed-log-ins", 1, 60) and not cache.add("failed-log-ins", 1, 60)
        cache.incr("failed-log-ins")
        assert cache.get("failed-log-ins") == 2 == caches["table"].get("failed-log-ins")

        cache.set_many({"a": 1, "b": 2})
        assert cache.get_many(["a", "b"]) == {"a": 1, "b": 2}
        cache.delete("a")
        assert not cache.has_key("a") and cache.touch("b")

    def test_another_partner_sees_none_of_it(self, cache: RedisOrTableCache) -> None:
        from django_tenants.utils import schema_context

        cache.set("word", "of acme")
        with schema_context("globex"):
            assert cache.get("word") is None
