"""Run in a partner's schema the kit leaves nothing behind, whatever its checks made there."""

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from apps.accounts.models import Customer
from apps.connectors.manifest import manifest_for
from conformance.joining import join_for
from conformance.running import run
from conformance.storing import in_schema
from tests.committed import committed  # noqa: F401 - a fixture


def _counts() -> dict[str, int]:
    """Rows of every table of the partner, and of the shared due work."""
    with connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = 'acme' order by 1")
        found = {}
        for (name,) in cursor.fetchall():
            cursor.execute(f'select count(*) from acme."{name}"')
            found[name] = cursor.fetchone()[0]
        cursor.execute("select count(*) from public.core_duework where schema_name = 'acme'")
        return {**found, "due work": cursor.fetchone()[0]}


def test_what_was_made_for_it_is_removed(committed: Customer) -> None:  # noqa: F811
    before = _counts()

    with override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]), in_schema("acme") as kept:
        wanted = ["mass_deletion", "webhook_subscription"]
        report = run(manifest_for("clockify"), join_for("clockify"), today=date(2026, 1, 1), only=wanted, storing=kept)

    assert [result.verdict for result in report.results] == ["pass"] * 2
    after = _counts()
    assert {name: (count, after[name]) for name, count in before.items() if after[name] != count} == {}


def test_it_is_removed_too_when_the_kit_ends_in_an_error(committed: Customer) -> None:  # noqa: F811
    before = _counts()

    with pytest.raises(RuntimeError), in_schema("acme"):
        raise RuntimeError("broken on purpose")

    assert _counts() == before


def test_the_command_drives_files_too_and_leaves_nothing(committed: Customer) -> None:  # noqa: F811
    before, said = _counts(), io.StringIO()

    call_command("conformance", "files", schema="acme", check=["broken_rows", "repeated"], stdout=said)

    assert "files: 2 of 2 checks, score 100%" in said.getvalue()
    assert _counts() == before


def test_the_command_says_what_files_take() -> None:
    with pytest.raises(CommandError, match="--schema PARTNER"):
        call_command("conformance", "files")
