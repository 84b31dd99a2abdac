"""The way through the vendor's consent page and back (OAuth 2 authorization code with PKCE)."""

import dataclasses
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import User
from apps.connectors import auth
from apps.connectors.manifest.auth import OAuth2Code
from apps.connectors.models import Connection, OAuthState
from apps.connectors.services.clients import client_for, user_agent
from apps.connectors.services.connections import (
    fill_variables,
    missing_variables,
    test_connection,
    update_credentials,
)
from apps.connectors.stores import merged_config, merged_credentials
from apps.connectors.templates import Scope
from apps.core import http
from apps.core.errors import PermanentError
from apps.core.http import OutboundRequest, OutboundResponse

_VALID = timedelta(minutes=15)


class ConsentError(PermanentError):
    """The way back from the consent page does not fit the way there, or the customer said no."""

    code = "consent_failed"


@transaction.atomic
def start_oauth(connection: Connection, *, actor: User, redirect_uri: str, now: datetime, return_path: str = "") -> str:
    """The vendor's address to send the person's browser to."""
    method = _method(connection)
    verifier, state = auth.new_verifier(), secrets.token_urlsafe(32)
    OAuthState.objects.filter(connection=connection, expires_at__lt=now).delete()
    OAuthState.objects.create(
        customer_id=connection.customer_id,
        connection=connection,
        user=actor,
        state=state,
        verifier=verifier,
        redirect_uri=redirect_uri,
        return_path=return_path if return_path.startswith("/") and not return_path.startswith("//") else "",
        expires_at=now + _VALID,
    )
    return auth.consent_url(
        connection.manifest, method, _scope(connection), state=state, verifier=verifier, redirect_uri=redirect_uri
    )


def finish_oauth(
    *,
    state: str,
    code: str,
    error: str = "",
    told: Mapping[str, str] | None = None,
    actor: User,
    now: datetime,
) -> OAuthState:
    """Exchange the code, keep the tokens, test the connection. Returns the state, whose `connection` and `return_path`
    say where to go on. A state is used once, by the person who began it. `told`: all parameters of the way back, of
    which the manifest's `callback` keeps some."""
    found = _use_state(state, actor, now)
    connection = found.connection
    if error or not code:
        raise ConsentError(f"{connection.manifest.connector.name} gave no consent ({error or 'no code'}). Try again.")
    method = _method(connection)
    tokens = auth.exchange_code(
        connection.manifest,
        method,
        _scope(connection),
        _send,
        now,
        code=code,
        verifier=found.verifier,
        redirect_uri=found.redirect_uri,
    )
    kept = {name: value for name, param in method.callback.items() if (value := (told or {}).get(param))}
    update_credentials(
        connection,
        credentials=tokens,
        config=kept or None,
        actor=actor,
        reason="consent given at the vendor",
        now=now,
    )
    fill_variables(connection, actor=actor, now=now)
    if not missing_variables(connection):
        test_connection(connection, now=now, actor=actor, reason="tested after consent")
    found.connection = connection
    return found


def choose_variable(connection: Connection, *, name: str, value: str, actor: User | None, now: datetime) -> Connection:
    """Keep a person's choice (the tenant, site or company) after asking the vendor that it exists."""
    client = client_for(connection)
    choices = dict(client.choices(name))
    if value not in choices:
        raise ConsentError(
            f"{value!r} is not offered by {connection.manifest.connector.name}; choose one of {choices}."
        )
    found = client.settings_of(name, value)
    update_credentials(connection, config=found, actor=actor, reason=f"chose {choices[value]}", now=now)
    return connection


@transaction.atomic
def _use_state(state: str, actor: User, now: datetime) -> OAuthState:
    found = OAuthState.objects.select_for_update(of=("self",)).select_related("connection").filter(state=state).first()
    if found is None or found.user_id != actor.pk:
        raise ConsentError("This consent was not begun here by you. Begin again at the connection.")
    if found.used_at is not None or found.expires_at < now:
        raise ConsentError("This consent is too old or was used already. Begin again at the connection.")
    found.used_at = now
    found.save(update_fields=["used_at"])
    return found


def _method(connection: Connection) -> OAuth2Code:
    method = connection.manifest.method(str(connection.config.get("auth_method", "")))
    if not isinstance(method, OAuth2Code):
        raise ConsentError(f"{connection}: this way to log in ({method.title}) needs no consent page.")
    return method


def _scope(connection: Connection) -> Scope:
    return {"config": merged_config(connection), "credentials": merged_credentials(connection)}


def _send(request: OutboundRequest) -> OutboundResponse:
    return http.send(dataclasses.replace(request, user_agent=user_agent()))
