"""A replica of an embedded Postgres: a copy of its data that follows it, for reading only."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

from launcher.embedded_postgres import SUPERUSER, EmbeddedPostgres, _server_environment, _State, _write_private
from launcher.errors import LauncherError


class Standby(EmbeddedPostgres):
    """Started while its primary runs; afterwards both may be stopped and started at will."""

    def __init__(self, home: Path, primary: EmbeddedPostgres) -> None:
        super().__init__(home, settings=primary.settings, database=primary.database, disposable=False)
        self._primary = primary

    def superuser_url(self) -> str:
        """For holding back what arrives, as a slow network would."""
        state = self._running_state()
        return f"postgresql://{SUPERUSER}:{state.superuser_password}@127.0.0.1:{state.port}/postgres"

    def _initialise(self) -> None:
        if (self.data / "PG_VERSION").exists():
            self._state = _State(**json.loads(self._state_file.read_text()))
            return
        passwords = self._primary._running_state()
        unfinished = self._cluster / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account:
            shutil.chown(unfinished, self._account.uid, self._account.gid)
        source = f"host=127.0.0.1 port={passwords.port} user={SUPERUSER} password={passwords.superuser_password}"
        answer = subprocess.run(
            [self._programs / "pg_basebackup", "-D", unfinished, "-d", source, "-R", "-X", "stream", "-c", "fast"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_server_environment(),
            **self._as_account(),
        )
        if answer.returncode != 0:
            raise LauncherError(f"pg_basebackup could not copy {self._primary.data}: {answer.stderr[-2000:]}")
        self._state = _State(passwords.superuser_password, passwords.role_password, 0)
        _write_private(self._state_file, json.dumps(asdict(self._state)))
        unfinished.rename(self.data)

    def _prepare_role(self) -> None:
        """It came with the copy."""
