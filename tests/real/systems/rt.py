"""Start, stop and reset a real Request Tracker 5.0 on loopback: Debian's packages unpacked in a folder, SQLite beside it.

Nothing is installed on the machine and no maintainer script runs. Two layers are kept per machine: the unpacked
programs and the seeded database; a home holds one running copy.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from tests.real.systems import common, debian
from tests.real.systems.common import Owner, Pids, SystemStartError
from tests.real.systems.debian import Packages

# What the packages name for mail, PDF and pictures, and a running web server never opens.
_NOT_SERVED = """
exim4-base exim4-config exim4-daemon-light fonts-dejavu-core fonts-droid-fallback fonts-noto-core fonts-noto-hinted
fonts-noto-ui-core graphviz perl-doc cron cron-daemon-common adduser passwd libpam-modules libpam-modules-bin
libpam-runtime usrmerge init-system-helpers sysvinit-utils x11-common lsb-base ucf dbconfig-common dbconfig-sqlite3
"""
PACKAGES = Packages(
    "Request Tracker",
    wanted=("request-tracker5", "rt5-db-sqlite", "rt5-standalone", "starlet"),
    left_out=frozenset(_NOT_SERVED.split()),
)
PEOPLE = {"ada": "Ada Example", "bo": "Bo Example", "cy": "Cy Example", "di": "Di Example"}
QUEUES = ("Support", "Billing")
FIELD = "External ID"
LOGIN = "throughline"
# What the connector's README asks an administrator for, and nothing else.
RIGHTS = (
    "SeeQueue", "ShowTicket", "ShowTicketComments", "CreateTicket", "ModifyTicket", "CommentOnTicket", "ReplyToTicket",
    "OwnTicket", "StealTicket", "SeeCustomField", "ModifyCustomField", "AdminUsers",
)  # fmt: skip
DESK_RIGHTS = ("SeeQueue", "ShowTicket", "CreateTicket", "ModifyTicket", "OwnTicket", "ReplyToTicket", "DeleteTicket")
HERE = Path(__file__).parent
SETUP = HERE / "rt_setup.pl"


class RtError(RuntimeError):
    """Request Tracker refused a call."""


@dataclasses.dataclass(frozen=True, slots=True)
class RtSeed:
    """Ids of what the seed made."""

    admin: int
    account: int
    queues: Mapping[str, int]
    people: Mapping[str, int]
    custom_field: int


@dataclasses.dataclass(frozen=True, slots=True)
class RunningRt:
    home: Path
    base_url: str
    login: str
    token: str
    admin_token: str
    admin_password: str
    seed: RtSeed

    def api(self, method: str, path: str, *, token: str | None = None, headers: Any = None, **options: Any) -> Any:
        """Call REST2, as the administrator unless told otherwise; returns the decoded answer, None when it is empty."""
        answer = self.call(method, path, token=token or self.admin_token, headers=headers, **options)
        if answer.status_code >= 400:
            raise RtError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.text.strip() else None

    def call(self, method: str, path: str, *, token: str, headers: Any = None, **options: Any) -> requests.Response:
        """The bare answer, refusals too."""
        sent = {"Authorization": f"token {token}", **(headers or {})}
        with common.http_session() as session:
            return session.request(method, f"{self.base_url}/REST/2.0{path}", headers=sent, timeout=60, **options)

    def reset(self) -> None:
        reset(self.home)

    def stop(self) -> None:
        stop(self.home)


# Starting ----------------------------------------------------------------------------------------------------------


def why_not() -> str | None:
    """Why Request Tracker cannot be started here, or None."""
    if reason := PACKAGES.wrong_system():
        return reason
    return None if (_programs_path() / ".complete").exists() else PACKAGES.unavailable()


def start(home: Path, *, port: int = 0, tied: bool = True) -> RunningRt:
    """Start the Request Tracker of `home`, new from the seed where there is none yet; a running one is returned.

    `tied`: it ends with the calling process, even when that is killed.
    """
    home = home.resolve()
    owner = Owner.choose()
    owner.folder(home, 0o755)
    if not owner.can_reach(home):
        raise SystemStartError(f"{home} lies in a folder which the unprivileged account cannot enter; choose another")
    if not (home / ".copied").exists():
        _copy_seed(home, owner)
        (home / ".copied").touch()
    if not Pids(home).alive("rt"):
        _start_server(home, owner, port or common.free_port(), tied=tied)
    return _read(home)


def stop(home: Path) -> None:
    """Stop the server; the data stays for the next start."""
    # The master takes its workers along.
    Pids(home.resolve()).stop("rt", signal.SIGTERM)


def reset(home: Path) -> None:
    """Back to the seeded state in seconds, at the same address, with the same credentials."""
    home = home.resolve()
    owner = Owner.choose()
    state = common.read_state(home)
    stop(home)
    _copy_seed(home, owner)
    _start_server(home, owner, int(state["base_url"].rpartition(":")[2]), tied=state["tied"])


def _copy_seed(home: Path, owner: Owner) -> None:
    image = _seeded()
    for left in home.glob("rt.sqlite*"):
        left.unlink()
    for name in ("rt.sqlite", "secrets.json"):
        shutil.copy(image / name, home / name)
    owner.take(home / "rt.sqlite")


def _start_server(home: Path, owner: Owner, port: int, *, tied: bool) -> None:
    log = home / "server.log"
    _lay_out(home, owner, port)
    server = common.spawn(
        [
            *(_programs() / "usr/bin/perl", _programs() / "usr/share/request-tracker5/libexec/rt-server"),
            *("--server", "Starlet", "--host", "127.0.0.1", "--port", str(port), "--max-workers", "3"),
        ],
        log=log,
        owner=owner,
        tied=tied,
        stop_signal=signal.SIGTERM,
        env=_environment(home),
        cwd=home,
    )
    Pids(home).record("rt", server.pid)
    common.write_private(home / "state.json", {"base_url": f"http://127.0.0.1:{port}", "tied": tied})

    def answers() -> bool:
        try:
            _read(home).api("GET", "/rt")
        except (requests.RequestException, RtError):
            return False
        return True

    common.wait_until(answers, alive=lambda: server.poll() is None, what="Request Tracker", log=log, seconds=120)


def _read(home: Path) -> RunningRt:
    secret = json.loads((home / "secrets.json").read_text())
    known = secret["seed"]
    return RunningRt(
        home=home,
        base_url=common.read_state(home)["base_url"],
        login=LOGIN,
        token=known["token"],
        admin_token=known["admin_token"],
        admin_password=secret["admin_password"],
        seed=RtSeed(
            admin=known["admin_id"],
            account=known["account_id"],
            queues=known["queues"],
            people=known["people"],
            custom_field=known["field"],
        ),
    )


# Layers ------------------------------------------------------------------------------------------------------------


def _programs_path() -> Path:
    return (
        common.machine_cache()
        / "rt"
        / f"programs-{common.digest(PACKAGES.wanted, sorted(PACKAGES.left_out), platform.machine(), 2)}"
    )


def _programs() -> Path:
    """Request Tracker, Perl and every library they need, unpacked below one folder."""

    def build(target: Path) -> None:
        PACKAGES.unpack(target, log=target / "install.log")
        for unread in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
            shutil.rmtree(target / unread, ignore_errors=True)
        shared = target / "usr/share/request-tracker5"
        generated = shared / "lib/RT/Generated.pm"
        # Where it lies and where it writes: the programs are shared, each home keeps its own caches.
        text = re.sub(r"'/var/[^']*/([^/']+)'", r'"$ENV{RT_HOME}/var/\1"', generated.read_text())
        generated.write_text(re.sub(r"'(/usr/[^']*|/etc/[^']*)'", rf"'{target}\1'", text))
        for script in (*(shared / "libexec").iterdir(), *(target / "usr/sbin").glob("rt-*")):
            if script.is_file():
                text = script.read_text()
                script.write_text(text.replace('"/usr/share/request-tracker5/lib"', f'"{shared / "lib"}"'))

    return common.layer(_programs_path(), build)


def _seeded() -> Path:
    """A database with RT's default data, our queues and people, and beside it the secrets and ids."""
    owner = Owner.choose()
    programs = _programs()
    parts = (programs.name, SETUP.read_text(), PEOPLE, QUEUES, RIGHTS, DESK_RIGHTS)

    def build(image: Path) -> None:
        owner.folder(image, 0o755)
        log = image / "build.log"
        _lay_out(image, owner, 80)
        perl = programs / "usr/bin/perl"
        common.run(
            [
                *(perl, programs / "usr/sbin/rt-setup-database-5"),
                *("--action", "init", "--dba", "", "--dba-password", "", "--skip-create"),
            ],
            log=log,
            owner=owner,
            env=_environment(image),
            cwd=image,
        )
        order = {
            "admin_password": secrets.token_urlsafe(12),
            "login": LOGIN,
            "account": _person(LOGIN, "Integration"),
            "people": {login: _person(login, name) for login, name in PEOPLE.items()},
            "queues": QUEUES,
            "field": FIELD,
            "rights": RIGHTS,
            "desk_rights": DESK_RIGHTS,
        }
        with tempfile.TemporaryDirectory(dir=image) as exchange:
            folder = owner.folder(Path(exchange), 0o700)
            (folder / "order.json").write_text(json.dumps(order))
            shutil.copy(SETUP, folder)
            owner.take_tree(folder)
            files = {"ORDER": str(folder / "order.json"), "ANSWER": str(folder / "answer.json")}
            common.run([perl, folder / SETUP.name], log=log, owner=owner, env=_environment(image, **files), cwd=image)
            answer = json.loads((folder / "answer.json").read_text())
        common.write_private(image / "secrets.json", {"admin_password": order["admin_password"], "seed": answer})

    return common.layer(common.machine_cache() / "rt" / f"seeded-{common.digest(*parts)}", build)


def _person(login: str, name: str) -> dict[str, str]:
    return {"name": name, "mail": f"{login}@example.com", "password": secrets.token_urlsafe(12)}


def _lay_out(home: Path, owner: Owner, port: int) -> None:
    """The site's own settings, and the folders it writes in."""
    for name in ("var", "var/mason_data", "var/session_data", "var/request-tracker5", "log"):
        owner.folder(home / name, 0o755)
    settings = {
        "rtname": "local",
        "Organization": "example.com",
        "WebDomain": "127.0.0.1",
        "WebPort": str(port),
        "WebPath": "",
        "DatabaseType": "SQLite",
        "DatabaseName": str(home / "rt.sqlite"),
        "DatabaseHost": "",
        "DatabaseUser": "",
        "DatabasePassword": "",
        "MailCommand": "testfile",
        "LogToFile": "warning",
        "LogDir": str(home / "log"),
        "LogToSyslog": "",
        "Timezone": "UTC",
    }
    lines = [f"Set(${name}, '{value}');" for name, value in settings.items()]
    lines.append("Set($WebSecureCookies, 0);")
    (home / "RT_SiteConfig.pm").write_text("\n".join([*lines, "1;", ""]))


def _environment(home: Path, **extra: str) -> dict[str, str]:
    root, triplet = _programs(), debian.triplet()
    version = (root / "usr/share/perl").glob("5.*.*")
    exact = next(path.name for path in sorted(version) if not path.is_symlink())
    short = exact.rpartition(".")[0]
    libraries = [
        root / "usr/share/request-tracker5/lib",
        root / "usr/share/perl5",
        root / "usr/lib" / triplet / "perl5" / short,
        root / "usr/share/perl" / exact,
        root / "usr/lib" / triplet / "perl" / exact,
        root / "usr/lib" / triplet / "perl-base",
    ]
    return common.clean_environment(
        PERL5LIB=":".join(map(str, libraries)),
        LD_LIBRARY_PATH=f"{root / 'usr/lib' / triplet}:{root / 'lib' / triplet}",
        HOME=str(home),
        RT_HOME=str(home),
        RT_SITE_CONFIG=str(home / "RT_SiteConfig.pm"),
        PATH=f"{root / 'usr/bin'}:/usr/bin:/bin",
        **extra,
    )


def main() -> None:
    common.command_line("Request Tracker", start=start, stop=stop, reset=reset, why_not=why_not)


if __name__ == "__main__":
    main()
