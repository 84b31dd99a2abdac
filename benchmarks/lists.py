"""The staff's lists over a large database, through the real web server: each first page, search, filter, order and deep page."""

import http.client
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.backoffice.site import site
from apps.core.tenancy.context import partner_context
from benchmarks import installation, volume
from benchmarks.processes import web

GOAL_MS = 300.0
_URLS = "config.urls_partner"
_WORDS = ("4711", "nobody has this")
_FEW = 1_000
"""Lists with fewer rows are only opened."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, as it was asked for. Milliseconds: the middle one of three where it was not quick at once."""

    model: str
    what: str
    query: str
    ms: float
    queries: int
    rows: int


def measure(count: int) -> list[Page]:
    """Raises RuntimeError when a page does not open."""
    call_command("collectstatic", interactive=False, verbosity=0)  # pages name their files, as a deployment has them
    user = volume.fill(count)
    with partner_context(installation.SCHEMA):
        client = Client(headers={"host": installation.HOST})
        client.force_login(get_user_model().objects.get(pk=user.pk))
        cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
        asked = [(model, what, query) for model in _models() for what, query in _pages(model, user)]
        found = []
        with web(installation.HOST) as (_, port):
            browser = _Browser(port, cookie)
            for model in _models():
                browser.milliseconds(_url(model))  # templates and plans of this process
            for model, what, query in asked:
                found.append(
                    Page(
                        model._meta.label,
                        what,
                        query,
                        browser.settled(_url(model) + query),
                        *_counted(client, model, query),
                    )
                )
    return found


def _models() -> list[Any]:
    return sorted(site._registry, key=lambda model: str(model._meta.label))


def _url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", urlconf=_URLS)


def _pages(model: Any, user: Any) -> Iterator[tuple[str, str]]:
    """(what, query) of the pages worth looking at: what the list itself offers."""
    admin = site.get_model_admin(model)
    shown = admin.get_changelist_instance(_request(user))
    yield "first page", ""
    if shown.result_count < _FEW:
        return
    if shown.paginator.num_pages > 1:
        yield "last page", f"?p={shown.paginator.num_pages}"
    if admin.search_fields:
        for word in _WORDS:
            yield f"search {word!r}", f"?{urlencode({'q': word})}"
    for spec in shown.filter_specs:
        choices = [choice["query_string"] for choice in spec.choices(shown) if not choice.get("selected")]
        for query in dict.fromkeys([*choices[:1], *choices[-1:]]):
            yield f"filter {spec.title}", query
    for number, name in enumerate(shown.list_display):
        if name in shown.sortable_by and shown.get_ordering_field(name):
            yield f"order by {name}", f"?o=-{number}"
    if admin.date_hierarchy:
        yield "a year", f"?{admin.date_hierarchy}__year=2025"


def _request(user: Any) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


def _counted(client: Client, model: Any, query: str) -> tuple[int, int]:
    """(queries, rows shown) of the same page in this process."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(_url(model) + query)
    if answer.status_code != 200:
        raise RuntimeError(f"{_url(model)}{query} answers {answer.status_code}")
    return len(captured), len(answer.context_data["cl"].result_list)  # type: ignore[attr-defined]


class _Browser:
    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Host": installation.HOST, "Cookie": cookie}

    def settled(self, path: str) -> float:
        first = self.milliseconds(path)
        if first < GOAL_MS / 2:
            return first
        return statistics.median([first, self.milliseconds(path), self.milliseconds(path)])

    def milliseconds(self, path: str) -> float:
        began = time.monotonic()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answers {answer.status} {answer.getheader('Location', '')}")
        return 1000 * (time.monotonic() - began)
