"""Behind PgBouncer: in session mode the product works and nothing of one client is left for the next; other modes are refused."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from apps.accounts.models import Customer
from apps.core.models import DueWork
from apps.core.work import queue
from tests.committed import ROOT, environment, output_of, start_python
from tests.journeys.firm import practice_vendors, set_up, web
from tests.journeys.stage import staged
from tests.scale.servers import pgbouncer
from tests.scale.traced import KIND, SLOW, noted
from tests.scale.workers import all_done, wake_elsewhere, worker
from tests.waiting import wait_until

LEAVES_TRACES = """
from apps.core.tenancy.context import customer_scope
from django.db import connection
from django_tenants.utils import schema_context
with schema_context("acme"), customer_scope(7):
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid(), pg_advisory_lock(7, 7)")
        cursor.execute("listen somebody")
        cursor.execute("select pg_backend_pid()")
        print(cursor.fetchone()[0])
"""
LOOKS = """
select pg_backend_pid(), current_setting('search_path'), coalesce(current_setting('app.customer_id', true), ''),
       (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
       (select count(*) from pg_listening_channels())
"""


@pytest.fixture
def pooled(kestrel: Customer, tmp_path: Path) -> Iterator[str]:
    with pgbouncer(tmp_path, environment()["DATABASE_URL"], mode="session") as url:
        yield url


class TestSessions:
    def test_the_next_client_of_a_server_session_finds_nothing_of_the_one_before(
        self, kestrel: Customer, tmp_path: Path
    ) -> None:
        """One place in the pool, so that the next client gets the very session."""
        with pgbouncer(tmp_path, environment()["DATABASE_URL"], mode="session", size=1) as url:
            of_first = int(output_of(start_python(LEAVES_TRACES, DATABASE_URL=url)))
            with psycopg.connect(url) as next_one:
                found = next_one.execute(LOOKS).fetchone()

        assert found is not None and found[0] == of_first, "the same session of the server"
        assert found[1:] == ('"$user", public', "", 0, 0)

    def test_without_the_reset_it_would(self, kestrel: Customer, tmp_path: Path) -> None:
        """What the setting in docs/operators.md is for."""
        with pgbouncer(tmp_path, environment()["DATABASE_URL"], mode="session", size=1, reset="") as url:
            of_first = int(output_of(start_python(LEAVES_TRACES, DATABASE_URL=url)))
            with psycopg.connect(url) as next_one:
                found = next_one.execute(LOOKS).fetchone()

        assert found is not None and found[0] == of_first and found[1:] == ('"acme","public"', "7", 1, 1)

    def test_sessions_that_are_held_go_past_it_when_told_how(self, pooled: str) -> None:
        ports = output_of(
            start_python(
                "from apps.core.statements import own_session\n"
                "from django.db import connection\n"
                "connection.ensure_connection()\n"
                "print(connection.connection.info.port, own_session().info.port, own_session().info.dbname)",
                DATABASE_URL=pooled,
                DATABASE_DIRECT_URL=environment()["DATABASE_URL"],
            )
        ).split()

        direct = urlsplit(environment()["DATABASE_URL"])
        assert ports == [str(urlsplit(pooled).port), str(direct.port), direct.path.lstrip("/")]


class TestWorkers:
    def test_a_killed_worker_is_seen_to_be_dead_before_its_lease_ends(self, pooled: str, tmp_path: Path) -> None:
        """Its sign of life is held by PgBouncer's session for as long as the client is there, and no longer."""
        with worker(tmp_path / "first", DATABASE_URL=pooled, WORK_LEASE_SECONDS="3600") as first:
            wake_elsewhere(f"{SLOW}/a", DATABASE_URL=pooled)
            first.until(lambda: noted() == ["begun a"])
            assert queue.release_dead() == 0, "it lives"

            first.kill()
            wait_until(queue.release_dead)

        with worker(tmp_path / "second", DATABASE_URL=pooled) as second:
            second.until(all_done)
        assert noted() == ["begun a", "a"]

    def test_rings_reach_a_worker_through_it(self, pooled: str, tmp_path: Path) -> None:
        with worker(tmp_path / "log", DATABASE_URL=pooled) as running:
            for number in range(5):
                wake_elsewhere(f"{KIND}/{number}", DATABASE_URL=pooled)
                running.until(all_done)

        assert noted() == list(map(str, range(5)))

    def test_deals_become_projects_once_though_workers_are_killed(
        self, django_db_setup: None, django_db_blocker: pytest.FixtureDef, tmp_path: Path
    ) -> None:
        """From the webhook to the project at the vendor, web and workers behind the pooler."""
        with (
            django_db_blocker.unblock(),  # type: ignore[attr-defined]
            pgbouncer(tmp_path, environment()["DATABASE_URL"], mode="session") as url,
            practice_vendors(tmp_path / "vendors") as vendors,
            staged("pooled") as stage,
            web(DATABASE_URL=url) as port,
        ):
            firm = set_up(stage, vendors, port)
            # Names that resemble no other: two that do wait for a person to say whether they are one.
            clients = (
                "Ondine Foods",
                "Kestrel Mills",
                "Harbour Light",
                "Tallow Brothers",
                "Vireo Optics",
                "Quarry Nine",
            )
            wanted = [f"Deal {number}" for number in range(len(clients))]

            def projects() -> list[str]:
                return [row["name"] for row in vendors.control.documents("harvest", firm.slug, "projects")]

            for number, name in enumerate(wanted):
                deal = vendors.control.create_deal(
                    firm.slug,
                    name,
                    clients[number],
                    contact_email=f"c{number}@example.com",
                    amount="100",
                    currency="EUR",
                )
                vendors.control.win_deal(firm.slug, deal["id"])
            with worker(tmp_path / "first", DATABASE_URL=url) as first:
                first.until(lambda: set(projects()) & set(wanted))
                first.kill()
            with worker(tmp_path / "second", DATABASE_URL=url, WORK_LEASE_SECONDS="5") as second:
                # A call that was under way is asked about only when its lease is over: longer than any call may take.
                second.until(lambda: set(wanted) <= set(projects()), seconds=300)

            assert sorted(name for name in projects() if name in wanted) == wanted


class TestRefused:
    @pytest.fixture(params=["transaction", "statement"])
    def shared(self, request: pytest.FixtureRequest, kestrel: Customer, tmp_path: Path) -> Iterator[str]:
        with pgbouncer(tmp_path, environment()["DATABASE_URL"], mode=request.param) as url:
            yield url

    @pytest.mark.parametrize(
        "command",
        [
            ["manage.py", "runworker"],
            ["manage.py", "migrate_partners"],
            ["manage.py", "check", "--database", "default"],
            ["-c", "import config.wsgi"],
        ],
        ids=lambda command: " ".join(command),
    )
    def test_whoever_starts_behind_it_says_why_it_does_not(self, shared: str, command: list[str]) -> None:
        done = subprocess.run(
            [sys.executable, *command], env=environment(DATABASE_URL=shared), cwd=ROOT, capture_output=True, text=True
        )

        assert done.returncode != 0
        assert "pool_mode = session" in done.stderr

    def test_it_is_seen_on_a_busy_pool_that_takes_its_sessions_in_turn(self, kestrel: Customer, tmp_path: Path) -> None:
        with pgbouncer(
            tmp_path, environment()["DATABASE_URL"], mode="transaction", more="server_round_robin = 1"
        ) as url:
            with psycopg.connect(url) as a, psycopg.connect(url) as b, psycopg.connect(url) as c:
                for session in (a, b, c):
                    session.execute("select 1")  # three sessions of the server are open now
            done = subprocess.run(
                [sys.executable, "manage.py", "check", "--database", "default"],
                env=environment(DATABASE_URL=url),
                cwd=ROOT,
                capture_output=True,
                text=True,
            )

        assert "core.E002" in done.stderr

    def test_session_mode_and_no_pooler_are_not(self, pooled: str) -> None:
        for url in (pooled, environment()["DATABASE_URL"]):
            output_of(
                start_python("from apps.core.tenancy.pooling import *; refuse_transaction_pooling()", DATABASE_URL=url)
            )
        assert DueWork.objects.count() == 0
