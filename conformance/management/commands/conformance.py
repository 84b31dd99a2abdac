"""`manage.py conformance <slug>|--all [--json] [--write] [--schema PARTNER]`."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.test.utils import override_settings
from django_tenants.utils import schema_context

from apps.connectors.manifest import ManifestError, manifest_for
from apps.core.tenancy.backend.base import ALL
from apps.core.tenancy.context import customer_scope
from conformance import pages, running, storing
from conformance.checks import CHECKS
from conformance.joining import JoinError, join_for
from conformance.outside import CHECKS as outside_checks
from conformance.outside import running as outside
from conformance.result import Report, Result
from sandbox.declarative import loading

SIGNS = {"pass": "pass  ", "fail": "FAIL  ", "exempt": "exempt"}


class Command(BaseCommand):
    help = (
        "Try to break a connector against its practice vendor, or with real files and tables; see docs/conformance.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="slug", help=f"of: {', '.join(_known())}")
        parser.add_argument(
            "--all",
            action="store_true",
            help="every connector that has a practice vendor; with --schema files and tables too",
        )
        parser.add_argument("--check", action="append", choices=_checks(), default=[], help="only this one")
        parser.add_argument("--json", action="store_true", help="the reports as JSON")
        parser.add_argument(
            "--write", action="store_true", help="keep them as conformance.json and renew docs/catalog.md"
        )
        parser.add_argument(
            "--schema",
            default="",
            help="use this partner's schema, in which nothing is left: for what takes the engine, and for files and tables",
        )
        parser.add_argument("--docs", action="store_true", help="only renew docs/catalog.md")

    def handle(self, *_args: Any, **given: Any) -> None:
        if given["docs"]:
            self.stdout.write(f"written: {pages.write()}")
            return
        everything = _known() if given["schema"] else running.testable()
        slugs = everything if given["all"] else given["slugs"]
        if not slugs:
            raise CommandError(f"Name a connector or say --all; there are: {', '.join(_known())}")
        if given["all"] and given["check"]:
            slugs = [slug for slug in slugs if set(given["check"]) & set(_checks_of(slug))]
        if given["write"] and given["check"]:
            raise CommandError("--write keeps a whole report; leave out --check")
        # The practice vendor listens on this machine, which connectors may otherwise not call.
        with override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]):
            reports = [self._run(slug, given) for slug in slugs]
        if given["json"]:
            self.stdout.write(json.dumps([report.as_json() for report in reports], indent=2, ensure_ascii=False))
        if given["write"]:
            for report in reports:
                running.write(report)
            pages.write()
        failed = [report.slug for report in reports if report.passed < report.applicable]
        if failed:
            raise CommandError(f"not all checks are passed: {', '.join(failed)}")

    def _run(self, slug: str, given: dict[str, Any]) -> Report:
        told = (lambda _result: None) if given["json"] else self._told
        if slug in outside.checked():
            report = self._run_outside(slug, given, told)
        elif slug in running.testable():
            report = self._run_practice(slug, given, told)
        else:
            raise CommandError(
                f"{slug}: there is no practice vendor ({slug}/vendor.yaml in sandbox/catalog, or in a folder that PRACTICE_PATHS "
                "or --practice names) or no conformance.yaml beside the manifest; see docs/conformance.md"
            )
        if not given["json"]:
            self.stdout.write(f"{slug}: {report.passed} of {report.applicable} checks, score {report.score:.0%}\n")
        return report

    def _run_outside(self, slug: str, given: dict[str, Any], told: Callable[[Result], None]) -> Report:
        if not given["schema"]:
            raise CommandError(f"{slug} is driven through the engine: say in which partner's schema, --schema PARTNER")
        manifest = manifest_for(slug)
        with schema_context(given["schema"]), customer_scope(ALL):
            return outside.run(manifest, today=datetime.now(UTC).date(), only=_asked(slug, given), told=told)

    def _run_practice(self, slug: str, given: dict[str, Any], told: Callable[[Result], None]) -> Report:
        try:
            manifest, join = manifest_for(slug), join_for(slug)
            if slug in loading.slugs():
                loading.load(slug)
        except (JoinError, ManifestError, loading.VendorFileError) as error:
            raise CommandError(str(error)) from error
        with storing.in_schema(given["schema"]) if given["schema"] else nullcontext() as kept:
            return running.run(
                manifest, join, today=datetime.now(UTC).date(), storing=kept, only=_asked(slug, given), told=told
            )

    def _told(self, result: Result) -> None:
        self.stdout.write(f"  {SIGNS[result.verdict]} {result.check}: {result.sentence}")


def _known() -> list[str]:
    return [*running.testable(), *outside.checked()]


def _checks_of(slug: str) -> list[str]:
    return list(outside_checks[manifest_for(slug).client.kind] if slug in outside.checked() else CHECKS)


def _asked(slug: str, given: dict[str, Any]) -> list[str]:
    """Those of the checks asked for that this connector has; empty: all."""
    found = [check for check in given["check"] if check in _checks_of(slug)]
    if given["check"] and not found:
        raise CommandError(f"{slug}: has none of these checks; it has: {', '.join(_checks_of(slug))}")
    return found


def _checks() -> list[str]:
    return list(dict.fromkeys([*CHECKS, *(name for checks in outside_checks.values() for name in checks)]))
