"""Bringing schemas to the head of this code's migrations: one, or all of them as a release does (docs/adr/0018).

A new partner's schema is copied from `template`, an empty schema that is migrated before all others. Whatever is interrupted is
found as it stands by the next run: a copy is one transaction, each migration is one, and what a schema has is told by itself.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django_tenants.utils import get_public_schema_name, quote_schema_name

from apps.core.errors import PermanentError
from apps.core.statements import exclusively, undisturbed
from apps.core.tenancy import heads
from apps.core.tenancy.context import TEMPLATE
from apps.core.tenancy.copying import NotCopyableError, copy_schema, is_empty
from apps.partners.models import Partner

logger = logging.getLogger(__name__)
_RUN = "migrate_partners"
Tell = Callable[[str], None]


class MigrationFailedError(PermanentError):
    """A schema stays where it is; those that come after it were not touched."""

    code = "migration_failed"


class UnknownCanaryError(PermanentError):
    code = "unknown_canary"


@dataclass(frozen=True, slots=True)
class Failure:
    schema_name: str
    migration: str
    """As app.name; empty when every migration is applied and what comes after them failed."""
    error: str

    def __str__(self) -> str:
        return f"{self.schema_name}: {self.migration or 'after the last migration'}: {self.error}"


@dataclass(frozen=True, slots=True)
class Outcome:
    migrated: int
    skipped: int
    failures: tuple[Failure, ...]


def bring_to_head(schema_name: str) -> None:
    """Make a schema what this code needs: copied if it is empty, else migrated. Nothing happens to one that is there already.
    Raises whatever a migration raises; what was applied before stays."""
    with exclusively(schema_name):
        if schema_name != TEMPLATE and is_empty(schema_name) and _copied(schema_name):
            return
        if not _is_reached(schema_name):
            _migrate(schema_name)


def migrate_all(*, canary: str = "", tell: Tell) -> Outcome:
    """Bring the public schema, the template, one partner as canary and then all others to the head, one run at a time.

    `canary` names a partner's schema; without it MIGRATION_CANARY does, or it is the oldest partner. Raises UnknownCanaryError, and
    MigrationFailedError when one of those three fails: then no other schema was touched. What fails later is in the outcome.
    """
    with exclusively(_RUN, told=lambda: tell("another run is migrating: waiting until it ends")):
        return _migrate_all(canary or settings.MIGRATION_CANARY, tell)


def put_right(*, tell: Tell) -> int:
    """Compare what is noted of each schema with the schema's own table, and correct it. Returns how many differed."""
    if not heads.are_noted():
        return 0
    wrong = 0
    before = heads.heads()
    for schema_name in [get_public_schema_name(), TEMPLATE, *_partners()]:
        is_hung = heads.hang(schema_name)
        heads.note(schema_name)
        after = heads.heads(schema_name).get(schema_name)
        if is_hung or after != before.get(schema_name):
            wrong += 1
            tell(f"{schema_name}: was noted wrongly, now put right")
    return wrong


def _migrate_all(canary: str, tell: Tell) -> Outcome:
    public = get_public_schema_name()
    if not _is_reached(public):
        _first(public, "the operator's tables", tell)
    partners = _partners()
    if canary and canary not in partners:
        raise UnknownCanaryError(f"there is no partner with schema {canary!r} to go first; choose one of the partners")
    waiting = _behind([TEMPLATE, *partners])
    if TEMPLATE in waiting:
        with connection.cursor() as cursor:
            cursor.execute(f"create schema if not exists {quote_schema_name(TEMPLATE)}")
        _first(TEMPLATE, "the template of new partners", tell)
        waiting.remove(TEMPLATE)
    behind = len(waiting)
    goes_first = canary or next(iter(partners), "")
    if goes_first in waiting:
        _first(goes_first, "the canary", tell)
        waiting.remove(goes_first)
    failures = _rest(waiting, tell)
    return Outcome(behind - len(failures), len(partners) - behind, tuple(failures))


def _partners() -> list[str]:
    """The oldest first, those still being made last. A set-up that failed waits for a person, not for a release."""
    rows = Partner.objects.exclude(schema_name=get_public_schema_name()).exclude(setup__error__gt="")
    order = (F("setup__begun_at").asc(nulls_first=True), "created_at", "pk")
    return list(rows.order_by(*order).values_list("schema_name", flat=True))


def _behind(schema_names: list[str]) -> list[str]:
    known = heads.heads()
    return [name for name in schema_names if name not in known or not known[name].is_reached]


def _is_reached(schema_name: str) -> bool:
    head = heads.heads(schema_name).get(schema_name)
    return head is not None and head.is_reached


def _first(schema_name: str, what: str, tell: Tell) -> None:
    tell(f"{schema_name} ({what}) goes first")
    failure = _try(schema_name)
    if failure is not None:
        raise MigrationFailedError(
            f"{failure}\nThis was {what}: no other schema was touched. Correct the migration and run again; it goes on from there."
        )


def _rest(schema_names: list[str], tell: Tell) -> list[Failure]:
    failures = []
    for number, schema_name in enumerate(schema_names, 1):
        failure = _try(schema_name)
        tell(f"[{number}/{len(schema_names)}] {failure or schema_name}")
        if failure is not None:
            failures.append(failure)
    return failures


def _try(schema_name: str) -> Failure | None:
    try:
        if schema_name == get_public_schema_name():
            _migrate(schema_name)
        else:
            bring_to_head(schema_name)
    except Exception as error:
        logger.exception("partners.migration_failed %s", schema_name)
        _leave()
        failure = Failure(schema_name, next(iter(heads.missing_in(schema_name)), ""), _said(error))
        if schema_name != get_public_schema_name():
            heads.note_error(schema_name, f"{failure.migration}: {failure.error}")
        return failure
    return None


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _leave() -> None:
    """Whatever state the failure left the session in."""
    if not connection.in_atomic_block:
        connection.close()
    connection.set_schema_to_public()  # type: ignore[attr-defined]


def _migrate(schema_name: str) -> None:
    is_public = schema_name == get_public_schema_name()
    where: dict[str, Any] = {"shared": True} if is_public else {"tenant": True, "schema_name": schema_name}
    call_command("migrate_schemas", interactive=False, verbosity=0, skip_checks=True, **where)
    heads.settle(schema_name)


def _copied(schema_name: str) -> bool:
    """False where there is nothing to copy from. Migrations lead to the same schema, only slower."""
    try:
        with undisturbed(TEMPLATE), transaction.atomic():
            if not _is_reached(TEMPLATE):
                return False
            copy_schema(TEMPLATE, schema_name)
            heads.note(schema_name)
            heads.settle(schema_name)
    except (NotCopyableError, DatabaseError):
        logger.exception("partners.not_copied %s: migrating it instead", schema_name)
        return False
    return True
