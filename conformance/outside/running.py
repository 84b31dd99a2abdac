"""Runs the checks on a connector whose client is not HTTP, each on a customer of its own."""

import secrets
from collections.abc import Callable, Iterable
from datetime import date

import psycopg
from django.conf import settings

from apps.accounts.services import create_customer
from apps.connectors.manifest import Manifest
from apps.connectors.manifest.loader import manifest_for, slugs
from conformance.outside import CHECKS
from conformance.outside.bench import bench
from conformance.result import CheckExempt, CheckFailed, Report, Result


def checked() -> list[str]:
    """Connectors that are driven with real files or a real database."""
    return [slug for slug in slugs() if manifest_for(slug).client.kind in CHECKS]


def run(
    manifest: Manifest, *, today: date, only: Iterable[str] = (), told: Callable[[Result], None] = lambda _result: None
) -> Report:
    """Inside a partner's schema that is emptied afterwards: records are never deleted, so these stay."""
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
    try:
        with bench(manifest, customer) as made:
            return Result(name, "pass", CHECKS[manifest.client.kind][name](made))
    except CheckExempt as reason:
        return Result(name, "exempt", str(reason))
    except CheckFailed as failure:
        return Result(name, "fail", str(failure))
    except Exception as error:
        # A connector that ends in any other error fails the check, and the run goes on.
        return Result(name, "fail", f"{type(error).__name__}: {str(error)[:400]}")


def _against(kind: str) -> str:
    if kind == "files":
        return "real files"
    found = settings.DATABASES["default"]
    with psycopg.connect(
        host=found["HOST"], port=found["PORT"], user=found["USER"], password=found["PASSWORD"], dbname=found["NAME"]
    ) as opened:
        return f"real PostgreSQL {opened.info.server_version // 10_000}"
