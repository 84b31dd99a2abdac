"""A connection for one trial: settings from the command line, secrets from the environment, nothing kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.connectors.manifest import Manifest
from apps.connectors.manifest.about import FormField
from apps.connectors.manifest.auth import ClientCredentials, OAuth2Code
from apps.connectors.types import TokenSnapshot
from apps.core.http import redact_text
from launcher.errors import LauncherError

# Given instead of a consent, which needs a browser: a token that somebody obtained at the vendor.
_TOKENS = ("access_token", "refresh_token")


class TrialTokens:
    """The promise of `TokenStore` for one process; a renewed token is gone when the trial ends."""

    def __init__(self, credentials: dict[str, Any]) -> None:
        self._snapshot = TokenSnapshot(credentials, 1)

    def read(self) -> TokenSnapshot:
        return self._snapshot

    def refresh(self, *, seen: int, renew: Callable[[dict[str, Any]], dict[str, Any]]) -> TokenSnapshot:
        if self._snapshot.version == seen:
            self._snapshot = TokenSnapshot(renew(dict(self._snapshot.credentials)), seen + 1)
        return self._snapshot

    def revoked(self, reason: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Session:
    config: dict[str, Any]
    tokens: TrialTokens

    def say(self, text: str) -> None:
        """Print, with every secret value and everything named like one blanked."""
        held = self.tokens.read().credentials
        secrets = [str(value) for name, value in held.items() if value and name != "expires_at"]
        print(redact_text(text, sorted(secrets, key=len, reverse=True)), flush=True)


def session_for(
    manifest: Manifest, *, base_url: str | None, settings: list[str], secrets: list[str], environment: Mapping[str, str]
) -> Session:
    """Raises LauncherError naming what is missing and how to give it, never a secret's value."""
    config = {field.name: field.default for field in manifest.fields if field.default and not field.secret}
    config |= _settings(manifest, settings)
    if base_url:
        config["base_url"] = base_url.rstrip("/")
    credentials = _secrets(manifest, secrets, environment)
    method = manifest.method(str(config.get("auth_method") or ""))
    held_token = isinstance(method, OAuth2Code | ClientCredentials) and bool(set(credentials) & set(_TOKENS))
    found_later = {variable.name for variable in manifest.client.variables}
    missing = [
        field
        for field in manifest.fields
        if field.required and field.name not in {**config, **credentials} and field.name not in found_later
        if (not field.methods or method.name in field.methods) and not (held_token and field.level == "app")
    ]
    if missing:
        raise LauncherError("Missing:\n" + "\n".join(_wanted(field) for field in missing))
    if isinstance(method, OAuth2Code) and not held_token:
        raise LauncherError(
            f"{method.title} needs a consent in a browser. Obtain a token at the vendor and give it with "
            "--secret-from-env access_token=VARIABLE, or choose another way with --set auth_method=…: "
            + ", ".join(other.name for other in manifest.auth if other.name != method.name)
        )
    return Session(config, TrialTokens(credentials))


def _settings(manifest: Manifest, given: list[str]) -> dict[str, str]:
    secret = {field.name for field in manifest.fields if field.secret} | set(_TOKENS)
    plain = {field.name for field in manifest.fields if not field.secret} | {"auth_method", "base_url"}
    plain |= {variable.name for variable in manifest.client.variables}
    found = {}
    for item in given:
        name, _, value = item.partition("=")
        if name in secret:
            raise LauncherError(
                f"--set {name}=…: this is a secret and now stands in the shell's history; replace it at the vendor. "
                f"Give secrets with --secret-from-env {name}=VARIABLE."
            )
        if name not in plain or not value:
            raise LauncherError(f"--set {name}: no such setting; there are: {', '.join(sorted(plain))} (name=value)")
        found[name] = value
    return found


def _secrets(manifest: Manifest, given: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    known = {field.name for field in manifest.fields if field.secret} | set(_TOKENS)
    found = {}
    for item in given:
        name, _, variable = item.partition("=")
        if name not in known:
            raise LauncherError(f"--secret-from-env: no such secret {name}; there are: {', '.join(sorted(known))}")
        if not environment.get(variable):
            # Never the text after the sign: somebody may have put the secret itself there.
            raise LauncherError(
                f"--secret-from-env {name}=VARIABLE: the environment has no variable of the name given. Set it without "
                "typing the secret into a command: read -rs VARIABLE; export VARIABLE"
            )
        found[name] = environment[variable]
    return found


def _wanted(field: FormField) -> str:
    how = f"--secret-from-env {field.name}=VARIABLE" if field.secret else f"--set {field.name}=…"
    return f"  {how}   {field.title}. {field.where or field.help}"


def environment() -> Mapping[str, str]:
    return os.environ
