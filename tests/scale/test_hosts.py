"""Workers and web on hosts of their own, with one Postgres between them: nothing relies on a process number, a file or a clock of
one host. The hosts can write nothing but an empty folder for temporary files."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.accounts.models import Customer
from apps.tabular.models import DataFile, FileStatus
from tests.committed import ROOT, environment
from tests.scale.hosts import Network, network, reachable
from tests.scale.traced import KIND, SLOW, noted, noted_by
from tests.scale.workers import Worker, all_done, worker

# Shipped as a web host takes it: parts in Postgres, due for any worker.
_UPLOAD = """
import platform, sys
from django_tenants.utils import schema_context
from apps.accounts.models import Customer
from apps.tabular.services import staging
from tests.tabular.support import files_connection, receive
staging._AT_ONCE = 0  # whatever its size, a worker reads it
with schema_context("acme"):
    print(receive(files_connection(Customer.objects.get()), "Date;Person;Hours\\n2026-01-31;Ada;7.5\\n").file.pk, platform.node())
"""


@pytest.fixture
def net(kestrel: Customer) -> Iterator[Network]:
    with network() as found:
        yield found


@pytest.fixture
def database(net: Network) -> Iterator[str]:
    """Postgres as the hosts see it: over the network."""
    with reachable(environment()["DATABASE_URL"], net.address) as url:
        yield url


def elsewhere(before: list[str], script: str, *arguments: str, **extra: str) -> str:
    """What a script prints that runs on a host."""
    code = f"import django\ndjango.setup()\n{script}"
    done = subprocess.run(
        [*before, sys.executable, "-c", code, *arguments],
        env=environment(TMPDIR="/var/tmp", **extra),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_WAKE = """
import sys
from django_tenants.utils import schema_context
from apps.core.work import wake
with schema_context("acme"):
    for kind_and_key in sys.argv[1:]:
        wake(*kind_and_key.split("/", 1))
"""


def test_work_woken_on_one_host_is_shared_out_among_the_others(net: Network, database: str, tmp_path: Path) -> None:
    web, one, two = net.host("web"), net.host("one"), net.host("two")
    with (
        worker(tmp_path / "one", one.run, DATABASE_URL=database, TMPDIR="/var/tmp") as first,
        worker(tmp_path / "two", two.run, DATABASE_URL=database, TMPDIR="/var/tmp") as second,
    ):
        _await_start(first, second)
        numbers = [str(number) for number in range(60)]
        elsewhere(web.run, _WAKE, *[f"{KIND}/{number}" for number in numbers], DATABASE_URL=database)
        first.until(all_done)

    assert Counter(noted()) == Counter(numbers), "each once"
    assert {host for _, host in noted_by()} == {"one", "two"}


def test_a_killed_hosts_work_goes_on_at_another_long_before_its_lease_ends(
    net: Network, database: str, tmp_path: Path
) -> None:
    web, one, two = net.host("web"), net.host("one"), net.host("two")
    options = {"DATABASE_URL": database, "TMPDIR": "/var/tmp", "WORK_LEASE_SECONDS": "3600"}
    with worker(tmp_path / "one", one.run, **options) as first:
        elsewhere(web.run, _WAKE, f"{SLOW}/a", DATABASE_URL=database)
        first.until(lambda: noted_by() == [("begun a", "one")])
        with worker(tmp_path / "two", two.run, **options) as second:
            second.until(lambda: second.says("core.worker.started"))
            first.kill()
            second.until(all_done)

    assert noted_by() == [("begun a", "one"), ("a", "two")]


def test_a_host_that_vanished_from_the_network_is_replaced_when_its_lease_ends(
    net: Network, database: str, tmp_path: Path
) -> None:
    web, one, two = net.host("web"), net.host("one"), net.host("two")
    options = {"DATABASE_URL": database, "TMPDIR": "/var/tmp", "WORK_LEASE_SECONDS": "5"}
    with worker(tmp_path / "one", one.run, **options) as first:
        elsewhere(web.run, _WAKE, f"{SLOW}/a", DATABASE_URL=database)
        first.until(lambda: noted_by() == [("begun a", "one")])
        one.unplug()
        with worker(tmp_path / "two", two.run, **options) as second:
            second.until(all_done)
            one.plug_in()

    assert noted_by() == [("begun a", "one"), ("a", "two")]


def test_a_file_uploaded_at_one_host_is_read_at_another(net: Network, database: str, tmp_path: Path) -> None:
    web, one = net.host("web"), net.host("one")
    file, host = elsewhere(web.run, _UPLOAD, DATABASE_URL=database).split()
    assert host == "web" and DataFile.objects.get(pk=file).status == FileStatus.RECEIVED

    with worker(tmp_path / "one", one.run, DATABASE_URL=database, TMPDIR="/var/tmp") as first:
        first.until(lambda: DataFile.objects.get(pk=file).status == FileStatus.NEEDS_LAYOUT)

    assert DataFile.objects.get(pk=file).rows == 1


def test_a_host_can_write_nothing_but_temporary_files(net: Network) -> None:
    """What the tests above stand on."""
    written = elsewhere(
        net.host("one").run,
        "from pathlib import Path\n"
        "for folder in (Path.cwd(), Path.home(), Path('/var/lib'), Path('/var/tmp')):\n"
        "    try:\n"
        "        (folder / 'written.txt').write_text('x')\n"
        "    except OSError:\n"
        "        continue\n"
        "    print(folder)",
    )

    assert written.split() == ["/var/tmp"]


def _await_start(*workers: Worker) -> None:
    for one in workers:
        one.until(lambda one=one: one.says("core.worker.started"))  # type: ignore[misc]
