"""A firm with CRM, project system and ERP at the practice vendors, both flows installed, and a web process for its webhooks."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from apps.accounts.models import Customer
from apps.connectors.models import Connection
from apps.flows.models import Flow
from apps.flows.services import install_blueprint, update_settings
from apps.mappings.services import set_value
from sandbox.server import Options
from tests.committed import environment
from tests.journeys.stage import ROOT, Stage
from tests.sandbox.conftest import Running


@dataclass
class Firm:
    stage: Stage
    customer: Customer
    hubspot: Connection
    harvest: Connection
    xero: Connection
    vendors: Running
    port: int

    @property
    def slug(self) -> str:
        return "mistral-advisory"


@contextmanager
def practice_vendors(folder: Path) -> Iterator[Running]:
    """With limits that no journey reaches."""
    vendors = Running(Options(data=folder, webhook_retry_seconds=(0.05, 0.05)))
    wide = {"hubspot": {"ten_secondly": (100_000, 10), "search": (100_000, 1)}, "harvest": {"general": (100_000, 15)},
            "xero": {"minute": (100_000, 60), "day": (1_000_000, 86_400)}}  # fmt: skip
    for vendor, windows in wide.items():
        vendors.control.set_limits(vendor, windows)
    try:
        yield vendors
    finally:
        vendors.stop()


@contextmanager
def web(**extra: str) -> Iterator[int]:
    """The web process of the product, on a free port, for webhooks to arrive at; `extra`: of its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "config.wsgi",
            "--bind",
            f"127.0.0.1:{port}",
            "--no-control-socket",
            "--log-level",
            "error",
        ],
        cwd=ROOT,
        env=environment(**extra),
    )
    try:
        for _ in range(200):
            try:
                if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok:
                    break
            except requests.RequestException:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def set_up(stage: Stage, vendors: Running, port: int) -> Firm:
    known = {
        vendor: vendors.control.credentials("mistral-advisory", vendor) for vendor in ("hubspot", "harvest", "xero")
    }
    customer = stage.customer("Mistral Advisory", "mistral", "EUR")
    hubspot = stage.connect(
        customer,
        "hubspot",
        ["crm"],
        {"auth_method": "token", "base_url": vendors.control.base_url("hubspot")},
        {"access_key": known["hubspot"]["token"], "client_secret": known["hubspot"]["webhook_signing_key"]},
    )
    harvest = stage.connect(
        customer,
        "harvest",
        ["psa", "projects", "time", "expenses"],
        {
            "auth_method": "token",
            "account_id": known["harvest"]["account_id"],
            "base_url": vendors.control.base_url("harvest"),
        },
        {"access_key": known["harvest"]["token"]},
    )
    xero = stage.connect(
        customer,
        "xero",
        ["erp", "billing"],
        {
            "auth_method": "custom",
            "tenant_id": known["xero"]["tenant_id"],
            "client_id": known["xero"]["client_id"],
            "base_url": vendors.control.base_url("xero"),
        },
        {"client_secret": known["xero"]["client_secret"], "webhook_key": known["xero"]["webhook_signing_key"]},
    )
    set_value(customer=customer, name="tax_codes", source="standard", target="OUTPUT2", actor=None, reason="test")
    set_value(customer=customer, name="revenue_accounts", source="default", target="200", actor=None, reason="test")
    stage.work(most=120)
    for vendor, connection in (("hubspot", hubspot), ("xero", xero)):
        vendors.control.subscribe_webhooks(
            vendor, "mistral-advisory", f"http://{stage.schema_name}.localhost:{port}/hooks/{connection.webhook_key}/"
        )
    now = datetime.now(UTC)
    install_blueprint(
        customer,
        blueprint=Flow.Blueprint.SALES_TO_DELIVERY,
        settings={"tasks": ["Discovery", "Workshop"], "team": ["*"]},
        actor=None,
        reason="test",
        now=now,
    )
    flow = install_blueprint(
        customer,
        blueprint=Flow.Blueprint.TIME_TO_INVOICE,
        settings={"settle_seconds": 0},
        actor=None,
        reason="test",
        now=now,
    )
    update_settings(
        flow, settings=flow.settings, is_enabled=True, actor=None, reason="test", starts_at=now - timedelta(weeks=6)
    )
    stage.work(most=120)
    return Firm(stage, customer, hubspot, harvest, xero, vendors, port)
