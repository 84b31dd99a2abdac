"""Real processes on one table: each row is done once, whoever asks; and a ring reaches a sleeping worker."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from threading import Event, Thread

import pytest
from django.db import connection

from apps.accounts.models import Customer
from apps.core.models import DueWork
from apps.core.work import bell, queue, wake
from apps.core.work import broker as broker_module
from apps.core.work.broker import NotifyBroker
from tests.committed import output_of, start_python
from tests.waiting import wait_until

WORKER = """
import time
from apps.core.work import queue
done = []
while True:
    work = queue.claim()
    if work is None:
        break
    done.append(work.key)
    time.sleep(0.002)  # long enough for the others to come between claim and finish
    queue.finish(work, next_due_at=None)
print(" ".join(done))
"""


class TestSideBySide:
    def test_no_row_is_done_twice_and_none_is_left(self, committed: Customer) -> None:
        for number in range(150):
            wake("test.race", number)

        workers = [start_python(WORKER) for _ in range(3)]
        done = Counter(key for worker in workers for key in output_of(worker).split())

        assert done == {str(number): 1 for number in range(150)}
        assert not DueWork.objects.exists()


HOLDER = """
from apps.core.work import queue
work = queue.claim()
print(work.token, flush=True)
input()
queue.renew(work)
"""


class TestDead:
    @pytest.fixture
    def holder(self, committed: Customer) -> Iterator[subprocess.Popen[str]]:
        """A process that has claimed the only work there is."""
        wake("test.dead", 1)
        process = start_python(HOLDER, stdin=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline()
        yield process
        process.kill()
        process.communicate()

    def test_the_claim_of_a_killed_worker_ends_before_its_lease(self, holder: subprocess.Popen[str]) -> None:
        assert queue.release_dead() == 0 and queue.claim() is None, "it lives"

        holder.kill()
        holder.wait()
        assert wait_until(queue.release_dead) == 1
        work = queue.claim()
        assert work is not None and (work.key, work.attempts) == ("1", 2)
        assert queue.release_dead() == 0, "whoever asks lives, too"

    def test_a_stopped_worker_keeps_its_claim(self, holder: subprocess.Popen[str]) -> None:
        holder.send_signal(signal.SIGSTOP)

        assert queue.release_dead() == 0 and queue.claim() is None

    def test_one_that_lost_its_session_and_lives_is_told_that_it_was_overtaken(
        self, holder: subprocess.Popen[str]
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = %s",
                [DueWork.objects.get().holder],
            )
        assert wait_until(queue.release_dead) == 1
        assert queue.claim() is not None

        _, errors = holder.communicate("go on\n", timeout=60)
        assert holder.returncode == 1 and ("LeaseLostError" in errors or "OperationalError" in errors)
        assert DueWork.objects.get().attempts == 2


LISTENER = """
from apps.core.work import registry, tasks
def handle(work, now):
    print(work.key, flush=True)
registry._HANDLERS["test.heard"] = handle
tasks._DRAIN_SECONDS = 60.0
tasks.answer()
"""


class TestListening:
    def test_what_is_woken_while_a_worker_listens_is_done_without_the_queue(
        self, committed: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tasks: list[str] = []
        monkeypatch.setattr(bell, "async_task", lambda name, **_: tasks.append(name))
        worker = start_python(LISTENER)
        deadline = time.monotonic() + 60
        while not _is_listening():
            assert time.monotonic() < deadline and worker.poll() is None
            time.sleep(0.05)

        wake("test.heard", "loud and clear")

        assert tasks == []
        assert worker.stdout is not None and worker.stdout.readline().strip() == "loud and clear"
        worker.kill()
        worker.wait()


def _is_listening() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select exists (select 1 from pg_locks where locktype = 'advisory' and classid = %s)", [bell._LOCK[0]]
        )
        return bool(cursor.fetchone()[0])


class TestNotifyBroker:
    @pytest.fixture
    def broker(self, committed: Customer, monkeypatch: pytest.MonkeyPatch) -> NotifyBroker:
        monkeypatch.setattr(broker_module, "_WAIT_SECONDS", 0.05)
        return NotifyBroker(list_key="test-queue")

    def test_a_ring_wakes_a_waiting_worker(self, broker: NotifyBroker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(broker_module, "_WAIT_SECONDS", 600.0)  # only a notification ends such a wait in time
        answers: list[object] = []
        listening = Event()
        listen = NotifyBroker._listen

        def listen_and_say(self: NotifyBroker) -> object:
            found = listen(self)
            listening.set()
            return found

        monkeypatch.setattr(NotifyBroker, "_listen", listen_and_say)

        def wait() -> None:
            found = NotifyBroker.dequeue(broker)
            answers.append(found and found[0][1])
            connection.close()

        waiting = Thread(target=wait, daemon=True)
        waiting.start()
        assert listening.wait(30)
        NotifyBroker(list_key="test-queue").enqueue("payload")
        waiting.join(30)

        assert answers == ["payload"]

    def test_tasks_come_in_order_and_once(self, broker: NotifyBroker) -> None:
        for number in range(3):
            broker.enqueue(f"task {number}")

        assert [broker.dequeue()[0][1] for _ in range(3)] == ["task 0", "task 1", "task 2"]  # type: ignore[index]
        assert broker.dequeue() is None

    def test_a_lost_listener_is_replaced(self, broker: NotifyBroker) -> None:
        broker.dequeue()
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where query ilike 'listen throughline%' and datname = current_database()"
            )
        broker.dequeue()

        broker.enqueue("after")

        assert broker.dequeue()[0][1] == "after"  # type: ignore[index]
