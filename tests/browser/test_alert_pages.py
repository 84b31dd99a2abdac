"""The pages of alert rules and maintenance, at both sizes: the walk over all pages takes the theme's forms for alike."""

import re

import pytest

from tests.browser.conftest import Visit
from tests.browser.harness import Site
from tests.browser.test_staff_pages import faults_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_rules_windows_and_the_log_have_no_barrier(visit: Visit, site: Site) -> None:
    page = visit("/admin/notices/alertrule/", as_="alice")
    base = site.url("").rstrip("/")
    found = [page.locator("#result_list a").first.get_attribute("href") or ""]
    page.goto(f"{base}/admin/notices/notice/")
    found.append(page.locator("#result_list a").first.get_attribute("href") or "")
    names = ("alertrule", "maintenancewindow")
    paths = [f"/admin/notices/{name}/{end}" for name in names for end in ("", "add/")] + ["/admin/mail/", *found]

    faults = []
    for path in paths:
        answer = page.goto(base + re.sub(r"\?.*", "", path))
        assert answer is not None and answer.status == 200, path
        faults += [f"{path}: {fault}" for fault in faults_of(page)]

    assert not faults, "\n".join(faults)
