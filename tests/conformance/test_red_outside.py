"""The checks of files, tables and the warehouse can fail: something is broken on purpose, and the check shows red."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from apps.accounts.models import Customer
from apps.connectors.manifest import manifest_for
from apps.connectors.types import VendorPermanentError, VendorTransientError
from apps.syncs.services import pulling
from apps.tabular import sources
from apps.tabular.services import collecting, databases, exporting, tables
from conformance.outside import tables as table_checks
from conformance.outside.running import run
from tests.committed import committed  # noqa: F401 - a fixture

Patch = pytest.MonkeyPatch


def _silent(patch: Patch) -> None:
    patch.setattr(pulling, "report_of", lambda *_given, **_more: None)


def _untold_rows(patch: Patch) -> None:
    patch.setattr(sources.FileSource, "_tell", lambda *_given: None)
    patch.setattr(sources, "report", lambda *_given: None)


def _a_row_lost(patch: Patch) -> None:
    read = tables.read_page

    def losing(*args: Any, **given: Any) -> Any:
        found = read(*args, **given)
        return replace(found, rows=found.rows[:-1])

    patch.setattr(tables, "read_page", losing)


def _outages_are_final(patch: Patch) -> None:
    def final(error: VendorTransientError) -> VendorPermanentError:
        return VendorPermanentError(error.message, family=error.family, call=None, code="final")

    made = databases._transient
    patch.setattr(databases, "_transient", lambda *given: final(made(*given)))


def _may_write(patch: Patch) -> None:
    opened = databases.database
    patch.setattr(table_checks, "database", lambda row, read_only, **more: opened(row, read_only=False, **more))


def _any_address(patch: Patch) -> None:
    patch.setattr(databases, "_CONNECT_SECONDS", 2)
    patch.setattr(databases, "checked_addresses", lambda host, port, scheme: [(2, (host, port))])


def _blind_comparison(patch: Patch) -> None:
    patch.setattr(exporting, "_target_sums", lambda row, _target, table: exporting._sums(row, table))


def _untold_warehouse(patch: Patch) -> None:
    patch.setattr(exporting, "_tell", lambda *_given: None)


def _anybodys_schema(patch: Patch) -> None:
    patch.setattr(
        exporting, "_claim_schema", lambda row, target: target.execute(f"create schema if not exists {row.schema}")
    )


def _first_batch_only(patch: Patch) -> None:
    """The place is noted, the rows are not written."""
    batch = exporting._batch

    def losing(*args: Any, after: int, **given: Any) -> tuple[int, int]:
        if after == 0:
            return batch(*args, after=after, **given)
        return after, 0

    patch.setattr(exporting, "_batch", losing)
    _blind_comparison(patch)


def _nobody(patch: Patch) -> None:
    patch.setattr(collecting, "look", lambda _connection: "somewhere")
    logged_in = sources.logged_in
    patch.setattr(
        sources,
        "logged_in",
        lambda *given: (replace(logged_in(*given)[0], account_name="somebody"), ""),
    )


BROKEN: dict[tuple[str, str], Callable[[Patch], None]] = {
    ("files", "verification"): _nobody,
    ("files", "broken_rows"): _untold_rows,
    ("files", "access_revoked"): _silent,
    ("files", "pages_under_change"): lambda patch: patch.setattr(collecting, "_SETTLED", timedelta(0)),
    ("postgres_source", "late_commit"): lambda patch: patch.setattr(tables, "OVERLAP", timedelta(0)),
    ("postgres_source", "pages_under_change"): _a_row_lost,
    ("postgres_source", "wrong_types"): _untold_rows,
    ("postgres_source", "missing_fields"): _silent,
    ("postgres_source", "access_revoked"): _silent,
    ("postgres_source", "dropped"): _outages_are_final,
    ("postgres_source", "slow_answer"): _outages_are_final,
    ("postgres_source", "never_writes"): _may_write,
    ("postgres_source", "private_addresses"): _any_address,
    ("warehouse", "verification"): _nobody,
    ("warehouse", "late_commit"): _blind_comparison,
    ("warehouse", "refused_write"): _untold_warehouse,
    ("warehouse", "access_revoked"): _untold_warehouse,
    ("warehouse", "foreign_schema"): _anybodys_schema,
    ("warehouse", "dropped_before"): _first_batch_only,
    ("warehouse", "dropped_after"): _first_batch_only,
    ("warehouse", "killed"): _first_batch_only,
}


@pytest.mark.parametrize(("slug", "check"), BROKEN)
def test_what_is_broken_on_purpose_shows_red(
    slug: str,
    check: str,
    committed: Customer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    BROKEN[slug, check](monkeypatch)

    (found,) = run(manifest_for(slug), today=date(2026, 1, 1), only=[check]).results

    assert found.verdict == "fail", found.sentence
