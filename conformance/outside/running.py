"""Runs the checks on a connector whose client is not HTTP, each on a customer of its own."""

import secrets
from collections.abc import Callable, Iterable
from datetime import date

import psycopg
from django.conf import settings

from apps.accounts.services import create_customer
from apps.connectors.manifest import Manifest
from apps.connectors.manifest.loader import manifest_for, slugs
from conformance.leaving import leaving_nothing
from conformance.outside import CHECKS
from conformance.outside.bench import bench
from conformance.result import Report, Result, judged


def checked() -> list[str]:
    """Connectors that are driven with real files or a real database."""
    return [slug for slug in slugs() if manifest_for(slug).client.kind in CHECKS]


def run(
    manifest: Manifest, *, today: date, only: Iterable[str] = (), told: Callable[[Result], None] = lambda _result: None
) -> Report:
    """Inside a partner's schema; what was made for it there is removed at the end."""
    kind = manifest.client.kind
    results = []
    for name in list(only) or list(CHECKS[kind]):
        results.append(_one(manifest, name))
        told(results[-1])
    return Report(manifest.slug, today, tuple(results), _against(kind))


def _one(manifest: Manifest, name: str) -> Result:
    mark = secrets.token_hex(4)
    customer = create_customer(
        name=f"Conformance kit {mark}", slug=f"kit-{mark}", currency="EUR", time_zone="UTC", reason="conformance kit"
    )

    def checked_one() -> str:
        with leaving_nothing(customer), bench(manifest, customer) as made:
            return CHECKS[manifest.client.kind][name](made)

    return judged(name, checked_one)


def _against(kind: str) -> str:
    if kind == "files":
        return "real files"
    found = settings.DATABASES["default"]
    with psycopg.connect(
        host=found["HOST"], port=found["PORT"], user=found["USER"], password=found["PASSWORD"], dbname=found["NAME"]
    ) as opened:
        return f"real PostgreSQL {opened.info.server_version // 10_000}"
