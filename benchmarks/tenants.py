"""Many partners in one installation: how long making one takes while they grow in number, a release with nothing to do, a claim.

On a database of its own, which is dropped at the end. python -m benchmarks.tenants COUNT does the work, in a process whose
DATABASE_URL names it, and prints its figures as JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from io import StringIO
from urllib.parse import urlsplit, urlunsplit

import psycopg

_CLAIMS = 500
_REPEAT = 5


MILESTONES = (1, 10, 100)
"""Beside so many partners, and beside all, it is measured what ordinary work costs."""
_READ = 1_000


@dataclass(frozen=True, slots=True)
class Beside:
    """What ordinary work costs beside so many partners. Medians; CPU of the worker and Postgres together."""

    count: int
    claim_ms: float
    nothing_s: float
    """migrate_partners with nothing to do."""
    read_cpu_s: float
    """A thousand records read for the first time."""
    read_nothing_s: float
    """A read of nothing by the running worker."""


@dataclass(frozen=True, slots=True)
class Tenants:
    """Seconds; `claim_ms` of a claim and its end in milliseconds: with one partner in the installation, and with all."""

    created_s: list[float]
    nothing_s: list[float]
    """migrate_partners with nothing to do, a process of its own each time."""
    one_behind_s: float
    """The same with one partner that lacks a migration."""
    claim_one_ms: list[float]
    claim_all_ms: list[float]
    database_mb: float
    beside: list[Beside] = field(default_factory=list)


def measure(count: int) -> Tenants:
    """Make so many partners in a new database and drop it. Raises RuntimeError when one is not as it should be."""
    url = os.environ["DATABASE_URL"]
    name = f"tenants_{os.getpid()}"
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(f'create database "{name}"')
        try:
            environment = {**os.environ, "DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}"))}
            command = [sys.executable, "-m", "benchmarks.tenants", str(count)]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                raise RuntimeError(f"python -m benchmarks.tenants {count} ended with {done.returncode}")
            found = json.loads(done.stdout.splitlines()[-1])
            return Tenants(**{**found, "beside": [Beside(**one) for one in found["beside"]]})
        finally:
            session.execute(f'drop database "{name}" with (force)')


def _work(count: int) -> Tenants:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from apps.partners.services import create_partner, ensure_public_partner

    _migrate()
    ensure_public_partner()
    created: list[float] = []
    claim_one: list[float] = []
    beside: list[Beside] = []
    for number in range(count):
        schema_name = f"bench_{number:04}"
        began = time.monotonic()
        create_partner(name=f"Bench {number}", schema_name=schema_name, domain=f"{schema_name}.localhost")
        created.append(time.monotonic() - began)
        if number == 0:
            claim_one = _claims([schema_name])
        if number + 1 in {*MILESTONES, count}:
            beside.append(_beside(number + 1))
            print(f"  {beside[-1]}", file=sys.stderr, flush=True)
        if (number + 1) % 50 == 0:
            print(f"  {number + 1} partners, the latest in {created[-1]:.2f} s", file=sys.stderr, flush=True)
    names = [f"bench_{number:04}" for number in range(count)]
    claim_all = _claims(names)
    nothing = [_migrate() for _ in range(_REPEAT)]
    with connection.cursor() as cursor:
        cursor.execute("select pg_database_size(current_database()) / 1e6")
        (size,) = cursor.fetchone()
    call_command("migrate_schemas", "mappings", "0002_row_security", schema_name=names[-1], verbosity=0)
    one_behind = _migrate()
    _expect(names)
    return Tenants(created, nothing, one_behind, claim_one, claim_all, float(size), beside)


def _beside(count: int) -> Beside:
    """Reading needs a partner of its own, which stays: it is not counted."""
    from django.core.management import call_command

    from benchmarks import installation, pulling
    from benchmarks.processes import own_server

    installation.prepare()
    with own_server(_READ) as url:
        readings = pulling.read_all(url, _READ)
    first = next(one.usage for one in readings if one.case == "first read")
    call_command("migrate_partners", verbosity=0, stdout=StringIO())
    return Beside(
        count=count,
        claim_ms=statistics.median(_claims([f"bench_{number:04}" for number in range(count)])),
        nothing_s=statistics.median(_migrate() for _ in range(3)),
        read_cpu_s=first.cpu_s + first.postgres_cpu_s,
        read_nothing_s=statistics.median(one.usage.wall_s for one in readings if one.case == "nothing new"),
    )


def _migrate() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "manage.py", "migrate_partners"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def _claims(schema_names: list[str]) -> list[float]:
    """Milliseconds of claiming and ending one piece of work, with so many due as are measured, one after the other."""
    from apps.core.models import DueWork
    from apps.core.work import queue

    DueWork.objects.bulk_create(
        DueWork(schema_name=schema_names[number % len(schema_names)], kind="bench.claim", key=str(number))
        for number in range(_CLAIMS)
    )
    found = []
    for _ in range(_CLAIMS):
        began = time.monotonic()
        work = queue.claim()
        assert work is not None
        queue.finish(work, next_due_at=None)
        found.append(1000 * (time.monotonic() - began))
    return found


def _expect(names: list[str]) -> None:
    """A wrong result has no speed."""
    from apps.core.tenancy.heads import heads

    found = heads()
    wrong = [name for name in names if name not in found or not found[name].is_reached]
    if wrong:
        raise RuntimeError(f"{len(wrong)} partners are not at the head, the first: {wrong[0]}")


if __name__ == "__main__":
    print(json.dumps(asdict(_work(int(sys.argv[1])))))
