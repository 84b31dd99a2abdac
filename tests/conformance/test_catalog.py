"""Every connector that has a practice vendor is driven against it, with log-ins and budgets in a partner's schema."""

from datetime import UTC, datetime

import pytest
from django.test import override_settings

from apps.accounts.models import Customer
from apps.connectors.manifest import manifest_for
from apps.connectors.scores import score_of
from conformance import pages
from conformance.checks import CHECKS
from conformance.joining import join_for
from conformance.running import run, testable
from conformance.storing import InSchema
from tests.committed import committed  # noqa: F401 - a fixture
from tests.kept_scores import is_no_worse, keep_if_asked, keeps_its_grade

testable.__test__ = False  # type: ignore[attr-defined]  # its name begins with "test"


@pytest.mark.kit
@pytest.mark.parametrize("slug", testable())
def test_keeps_the_grade_it_declares(slug: str, committed: Customer) -> None:  # noqa: F811
    manifest = manifest_for(slug)

    with override_settings(OUTBOUND_ALLOWED_HOSTS=["127.0.0.1"]):
        report = run(manifest, join_for(slug), today=datetime.now(UTC).date(), storing=InSchema(committed))

    keep_if_asked(report)
    keeps_its_grade(report)
    is_no_worse(report, f"manage.py conformance {slug} --write")


@pytest.mark.parametrize("slug", testable())
def test_the_kept_report_knows_every_check(slug: str) -> None:
    kept = score_of(slug)

    assert kept is not None
    assert [check.check for check in kept.checks] == list(CHECKS), f"manage.py conformance {slug} --write renews it"
    assert all(check.sentence for check in kept.checks)


def test_the_page_of_the_catalog_is_current() -> None:
    assert pages.PAGE.read_text(encoding="utf-8") == pages.text(), "manage.py conformance --docs renews it"


def test_a_join_without_a_practice_vendor_is_noticed() -> None:
    """A conformance.yaml that nothing runs would look like a promise."""
    from apps.connectors.manifest.loader import slugs
    from conformance.joining import has_join

    assert [slug for slug in slugs() if has_join(slug)] == testable()
