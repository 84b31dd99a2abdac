"""Bring every schema to the head of this code's migrations: what a release runs, and whoever was told that something failed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.errors import AppError
from apps.core.tenancy.pooling import refuse_transaction_pooling
from apps.partners.migrating import migrate_all, put_right


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # they look at the whole catalog; a release is no place for that
    help = (
        "Migrates the operator's tables, the template of new partners, one partner as canary, then all others that are not at "
        "the head. Safe to interrupt and to repeat. Ends with 1 when a schema failed, naming it and its migration."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--canary", default="", metavar="SCHEMA", help="the partner that goes first; the oldest")
        parser.add_argument(
            "--verify", action="store_true", help="compare what is noted of each schema with the schema itself before"
        )

    def handle(self, *args: Any, canary: str, verify: bool, **options: Any) -> None:
        try:
            refuse_transaction_pooling()
            if verify:
                self._tell(f"{put_right(tell=self._tell)} noted wrongly")
            outcome = migrate_all(canary=canary, tell=self._tell)
        except AppError as error:
            raise CommandError(error.message)
        self._tell(f"{outcome.migrated} partners migrated, {outcome.skipped} were at the head already")
        if outcome.failures:
            failed = "\n".join(f"  {failure}" for failure in outcome.failures)
            raise CommandError(
                f"{len(outcome.failures)} partners were not migrated; they wait, all others work:\n{failed}\n"
                "Remove the cause and run migrate_partners again: it goes on from there."
            )

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
