"""Pages read their figures from a replica and say how old they are; never after a write, never from one that is behind or away.

Two servers: the replica follows the primary as a deployment's does. Each page is asked for by a process of its own.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from launcher.embedded_postgres import PROFILES, EmbeddedPostgres
from launcher.standby import Standby
from tests.committed import ROOT
from tests.waiting import wait_until

AGE = re.compile(r"Figures as of (\d+) seconds ago")

_MADE = """
from apps.accounts.roles import Role
from apps.accounts.services import create_customer, create_user
from apps.connectors.models import Connection
from apps.core.tenancy.context import partner_context
from apps.partners.services import create_partner, ensure_public_partner
ensure_public_partner()
for name in ("acme", "globex"):
    create_partner(name=name.title(), schema_name=name, domain=f"{name}.localhost")
    with partner_context(name):
        create_user(email="alice@acme.example", name="Alice", role=Role.OWNER, password="correct horse", reason="test")
        for number in range(1 if name == "acme" else 3):
            customer = create_customer(name=f"{name} {number}", slug=f"{name}-{number}", currency="EUR", reason="test")
            Connection.objects.create(customer=customer, connector="files", name=customer.slug)
"""
# Prints for each database what was asked of it while the page was made, then the page.
_PAGE = """
import sys
from contextlib import ExitStack
from django.db import connections
from django.test import Client
from django_tenants.utils import schema_context
from apps.accounts.models import User
name, path, *cookies = sys.argv[1:]
asked = {}
def counting(alias):
    def look(execute, sql, *rest):
        asked[alias] = asked.get(alias, "") + sql
        return execute(sql, *rest)
    return look
client = Client(HTTP_HOST=f"{name}.localhost")
with schema_context(name):
    client.force_login(User.objects.get())
for cookie in cookies:
    client.cookies[cookie] = "1"
with ExitStack() as stack:
    for alias in connections:
        stack.enter_context(connections[alias].execute_wrapper(counting(alias)))
    answer = client.get(path)
print("syncs_delivery" in asked.get("default", ""), "syncs_delivery" in asked.get("replica", ""))
print(answer.status_code, answer.content.decode())
"""
_COUNT = """
import sys
from apps.connectors.models import Connection
from apps.core.tenancy.context import customer_scope
from apps.core.tenancy.replica import from_replica
from django_tenants.utils import schema_context
for name, scope in (("acme", "*"), ("globex", "*"), ("globex", ""), ("globex", 2), ("acme", "*")):
    with schema_context(name), customer_scope(scope):
        names, age = from_replica(lambda: sorted(Connection.objects.values_list("name", flat=True)))
    assert age is not None
    print(name, scope or "nobody", *names)
"""


class Servers:
    def __init__(self, folder: Path) -> None:
        self.settings = {"max_wal_senders": "4", "wal_level": "replica", "synchronous_commit": "off", "fsync": "off"}
        self.primary = EmbeddedPostgres(folder / "primary", settings={**PROFILES["demo"], **self.settings})
        self.primary.start()
        self.replica = Standby(folder / "replica", self.primary)

    def start(self) -> None:
        """With the replica last: it comes with all that the primary has."""
        subprocess.run(
            [sys.executable, "manage.py", "migrate_partners"],
            cwd=ROOT,
            env=self._environment(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.run(_MADE)
        self.replica.start()

    def _environment(self, **extra: str) -> dict[str, str]:
        replica = {"REPLICA_URL": self.replica.url()} if self.replica.pid else {}
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings_test",
            "SECRET_KEY": "one for all processes of the test, and long enough for everybody",
            "FIELD_KEYS": "one for all",
            "DATABASE_URL": self.primary.url(),
            "PYTHONPATH": str(ROOT),
            **replica,
            **extra,
        }

    def run(self, script: str, *arguments: str, **extra: str) -> str:
        code = f"import django\ndjango.setup()\n{script}"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=self._environment(**extra),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        self.said = done.stderr
        return done.stdout

    def page(self, name: str, path: str = "/admin/", *cookies: str, **extra: str) -> "Page":
        return Page(self.run(_PAGE, name, path, *cookies, **extra))

    def commit_something(self) -> None:
        """As a worker does every two seconds."""
        self.run("from apps.core.tenancy.replica import beat; beat()")
        wait_until(lambda: self._position() >= self._written())

    def newest(self) -> int:
        """Microseconds: when the primary committed what arrived last."""
        return self._on_replica("select extract(epoch from pg_last_xact_replay_timestamp()) * 1000000")

    @contextmanager
    def worker(self) -> Iterator[None]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runworker"],
            cwd=ROOT,
            env=self._environment(WORKERS="1"),
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def hold_back(self) -> None:
        self._on_replica("select pg_wal_replay_pause()")

    def go_on(self) -> None:
        self._on_replica("select pg_wal_replay_resume()")

    def _position(self) -> int:
        return self._on_replica("select (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint")

    def _written(self) -> int:
        with psycopg.connect(self.primary.url()) as session:
            (found,) = session.execute("select (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint").fetchone() or (0,)
            return int(found)

    def _on_replica(self, question: str) -> int:
        with psycopg.connect(self.replica.superuser_url(), autocommit=True) as session:
            (found,) = session.execute(question).fetchone() or (0,)
            return int(found or 0)


class Page:
    """Whether deliveries were counted on the primary, on the replica, and what came out."""

    def __init__(self, printed: str) -> None:
        first, rest = printed.split("\n", 1)
        self.primary, self.replica = (word == "True" for word in first.split())
        self.status, self.text = rest.split(" ", 1)
        found = AGE.search(self.text)
        self.age = int(found.group(1)) if found else None


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("servers"))
    try:
        made.start()
        yield made
    finally:
        made.replica.destroy()
        made.primary.destroy()


@pytest.fixture
def fresh(servers: Servers) -> Servers:
    servers.commit_something()
    return servers


def test_the_home_page_reads_its_figures_from_the_replica_and_says_how_old_they_are(fresh: Servers) -> None:
    page = fresh.page("acme")

    assert page.status == "200"
    assert (page.primary, page.replica) == (False, True)
    assert page.age is not None and page.age <= 30


def test_each_partner_and_customer_sees_its_own_there(fresh: Servers) -> None:
    assert fresh.run(_COUNT).splitlines() == [
        "acme * acme-0",
        "globex * globex-0 globex-1 globex-2",
        "globex nobody",
        "globex 2 globex-1",
        "acme * acme-0",
    ]


def test_the_operators_counts_come_from_there(fresh: Servers) -> None:
    said = fresh.run(
        "from apps.backoffice.fleet import health_of\n"
        "from apps.core.tenancy.heads import heads\n"
        "for name in ('acme', 'globex'):\n"
        "    found = health_of(name, head=heads()[name].fingerprint)\n"
        "    print(name, found.customers, found.problem or 'in order', found.age_seconds is not None)"
    )

    assert said.splitlines() == ["acme 1 in order True", "globex 3 in order True"]


def test_who_has_just_written_reads_from_the_primary(fresh: Servers) -> None:
    page = fresh.page("acme", "/admin/", "wrote")

    assert (page.status, page.primary, page.replica, page.age) == ("200", True, False, None)


def test_whoever_sends_something_is_remembered(fresh: Servers) -> None:
    said = fresh.run(
        "from django.test import Client\n"
        "client = Client(HTTP_HOST='acme.localhost')\n"
        "client.get('/accounts/login/')\n"
        "print('wrote' in client.cookies)\n"
        "client.post('/accounts/login/', {'login': 'alice@acme.example', 'password': 'correct horse'})\n"
        "print(client.cookies['wrote']['max-age'], client.cookies['wrote']['httponly'])"
    )

    assert said.splitlines() == ["False", "30 True"]


def test_a_replica_that_is_behind_is_not_asked(fresh: Servers) -> None:
    fresh.hold_back()
    try:
        page = fresh.page("acme", REPLICA_MAX_LAG_SECONDS="0")

        assert (page.status, page.primary, page.replica, page.age) == ("200", True, False, None)
        assert "core.replica.too_old" in fresh.said
    finally:
        fresh.go_on()


def test_a_worker_lets_the_replica_know_its_age_while_nothing_happens(fresh: Servers) -> None:
    with fresh.worker():
        for _ in range(2):
            before = fresh.newest()
            wait_until(lambda before=before: fresh.newest() > before, seconds=60)  # type: ignore[misc]


def test_a_server_that_replicates_nothing_is_not_asked(fresh: Servers) -> None:
    page = fresh.page("acme", REPLICA_URL=fresh.primary.url())

    assert (page.status, page.primary, page.age) == ("200", True, None)
    assert "core.replica.is_none" in fresh.said


def test_a_page_whose_replica_dies_in_between_is_read_from_the_primary(fresh: Servers) -> None:
    said = fresh.run(
        "import sys, psycopg\n"
        "from apps.accounts.models import Customer\n"
        "from apps.core.tenancy import replica\n"
        "from django_tenants.utils import schema_context\n"
        "from django.db import connections\n"
        "tries = []\n"
        "def read():\n"
        "    tries.append(1)\n"
        "    if len(tries) == 1:\n"
        "        with psycopg.connect(sys.argv[1], autocommit=True) as session:\n"
        "            pid = connections['replica'].connection.info.backend_pid\n"
        "            session.execute('select pg_terminate_backend(%s)', [pid])\n"
        "    return Customer.objects.count()\n"
        "with schema_context('globex'):\n"
        "    print(*replica.from_replica(read), len(tries))\n"
        "    print(*replica.from_replica(read), len(tries))",
        fresh.replica.superuser_url(),
    )

    assert said.splitlines() == ["3 None 2", "3 None 3"], "once more at the primary, and then at once there"


def test_without_the_replica_pages_come_from_the_primary(fresh: Servers) -> None:
    address = fresh.replica.url()
    assert fresh.replica.pid is not None
    os.kill(fresh.replica.pid, signal.SIGQUIT)
    wait_until(lambda: fresh.replica.pid is None)
    try:
        page = fresh.page("acme", REPLICA_URL=address)

        assert (page.status, page.primary, page.replica, page.age) == ("200", True, False, None)
        assert "core.replica.failed" in fresh.said
    finally:
        fresh.replica.stop()
        fresh.replica.start()
