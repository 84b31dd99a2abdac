"""The demo: two partners, three customers, their systems connected to the practice vendors. All data comes by syncing.

Idempotent: run again it adds what is missing and points connections at the vendors' current addresses. It uses the same services
as people do in the admin; nothing here knows how a sync works.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_customer, create_user
from apps.connectors.models import Connection
from apps.connectors.services import create_connection, test_connection, update_credentials
from apps.core.errors import PermanentError
from apps.core.work import wake
from apps.core.work.kinds import RELEASE
from apps.flows.models import Flow
from apps.flows.services import install_blueprint, update_settings
from apps.mappings.models import ValueMap
from apps.mappings.services import set_value
from apps.partners.models import Partner
from apps.partners.services import complete_partner, create_partner, ensure_public_partner
from apps.syncs.services import add_syncs, set_schedule

REASON = "demo"
_POLL_MINUTES = 15
# What has no webhooks and people wait for: read every minute.
_EVERY_MINUTE = frozenset({"time_entries", "expenses"})


@dataclass(frozen=True, slots=True)
class DemoPartner:
    schema_name: str
    name: str
    brand_name: str
    colour: str
    footer: str
    support_email: str
    firms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoFirm:
    """A customer; `tax_type` is its Xero's standard rate, `team` are put on new projects."""

    slug: str
    name: str
    currency: str
    time_zone: str
    country: str


PARTNERS = (
    DemoPartner(
        "brightwater", "Brightwater Systems Ltd", "Brightwater Connect", "#0f766e", "Brightwater Systems · watched over",
        "care@brightwater.example", ("kestrel-studio", "halden-engineering"),
    ),
    DemoPartner(
        "copperline", "Copperline Consulting", "Copperline Flow", "#9a3412", "Copperline Consulting · from deal to cash",
        "service@copperline.example", ("mistral-advisory",),
    ),
)  # fmt: skip
FIRMS = {
    "kestrel-studio": DemoFirm("kestrel-studio", "Kestrel Studio", "EUR", "Europe/Paris", "FR"),
    "halden-engineering": DemoFirm("halden-engineering", "Halden Engineering", "USD", "America/New_York", "US"),
    "mistral-advisory": DemoFirm("mistral-advisory", "Mistral Advisory", "EUR", "Europe/Berlin", "DE"),
}


class DemoError(PermanentError):
    code = "demo"


@dataclass(slots=True)
class Logins:
    """Who may log in where. Passwords are made once and kept in the file, which only this machine's user can read."""

    path: Path
    entries: list[dict[str, str]]

    @classmethod
    def read(cls, path: Path) -> "Logins":
        return cls(path, json.loads(path.read_text()) if path.exists() else [])

    def password_for(self, url: str, login: str, title: str) -> str:
        for entry in self.entries:
            if entry["login"] == login and entry["url"].split(":")[1:2] == url.split(":")[1:2]:
                entry["url"] = url
                return entry["password"]
        password = secrets.token_urlsafe(9)
        self.entries.append({"title": title, "url": url, "login": login, "password": password})
        return password

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(self.entries, indent=1))


def set_up(*, sandbox_file: Path, logins_file: Path, now: datetime) -> list[str]:
    """Make or complete the demo. Returns what was done, a line each. Raises DemoError when the practice vendors are not there."""
    if not sandbox_file.exists():
        raise DemoError(f"{sandbox_file} is missing: start the practice vendors first (bin/demo does)")
    vendors = json.loads(sandbox_file.read_text())
    logins = Logins.read(logins_file)
    done: list[str] = []
    ensure_public_partner()
    _operator(logins)
    for demo in PARTNERS:
        partner = Partner.objects.filter(schema_name=demo.schema_name).first()
        if partner is None:
            partner = create_partner(
                name=demo.name,
                schema_name=demo.schema_name,
                domain=f"{demo.schema_name}.{settings.BASE_DOMAIN}",
                brand_name=demo.brand_name,
                brand_colour=demo.colour,
                support_email=demo.support_email,
                footer=demo.footer,
                mail_sender=f"{demo.brand_name} <{demo.support_email}>",
            )
            done.append(f"partner {demo.name}")
        complete_partner(partner)  # one whose creation was interrupted
        with schema_context(demo.schema_name):
            done += _fill_partner(demo, vendors, logins, now)
    logins.write()
    return done


def _url(host: str, path: str) -> str:
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{host}{port}{path}"


def _operator(logins: Logins) -> None:
    login = "operator@throughline.example"
    password = logins.password_for(_url(settings.BASE_DOMAIN, "/admin/"), login, "Operator console")
    if not User.objects.filter(email=login).exists():
        create_user(email=login, name="Operator", role=Role.OWNER, password=password, reason=REASON)


def _fill_partner(demo: DemoPartner, vendors: dict[str, Any], logins: Logins, now: datetime) -> list[str]:
    host = f"{demo.schema_name}.{settings.BASE_DOMAIN}"
    done: list[str] = []
    owner = _person(
        logins,
        f"{demo.brand_name} · staff",
        _url(host, "/admin/"),
        f"owner@{demo.schema_name}.example",
        "Robin Owner",
        Role.OWNER,
    )
    for slug in demo.firms:
        firm = FIRMS[slug]
        customer = Customer.objects.filter(slug=slug).first()
        if customer is None:
            customer = create_customer(
                name=firm.name,
                slug=slug,
                currency=firm.currency,
                time_zone=firm.time_zone,
                country=firm.country,
                reason=REASON,
            )
            done.append(f"customer {firm.name}")
        _person(
            logins, f"{firm.name} · portal", _url(host, "/"), f"finance@{slug}.example", f"{firm.name} finance",
            Role.CUSTOMER_ADMIN, customer,
        )  # fmt: skip
        done += _connect(customer, firm, vendors, host, owner, now)
        _install(customer, vendors["firms"][slug], owner, now)
    return done


def _person(
    logins: Logins, title: str, url: str, email: str, name: str, role: Role, customer: Customer | None = None
) -> User:
    password = logins.password_for(url, email, title)
    found = User.objects.filter(email=email).first()
    return found or create_user(email=email, name=name, role=role, customer=customer, password=password, reason=REASON)


def _connect(
    customer: Customer, firm: DemoFirm, vendors: dict[str, Any], host: str, owner: User, now: datetime
) -> list[str]:
    known = vendors["firms"][firm.slug]
    done: list[str] = []
    wanted: tuple[tuple[str, str, list[str], dict[str, Any], dict[str, Any]], ...] = (
        (
            "hubspot", "HubSpot", ["crm"],
            {"auth_method": "token", "portal_id": known["hubspot"]["account_id"]},
            {"access_key": known["hubspot"]["token"], "client_secret": known["hubspot"]["webhook_signing_key"]},
        ),
        (
            "harvest", "Harvest", ["time", "expenses", "psa", "projects"],
            {"auth_method": "token", "account_id": known["harvest"]["account_id"]},
            {"access_key": known["harvest"]["token"]},
        ),
        (
            "xero", "Xero", ["erp", "billing"],
            {"auth_method": "custom", "tenant_id": known["xero"]["tenant_id"], "client_id": known["xero"]["client_id"]},
            {"client_secret": known["xero"]["client_secret"], "webhook_key": known["xero"]["webhook_signing_key"]},
        ),
    )  # fmt: skip
    for connector, name, roles, config, credentials in wanted:
        base_url = vendors["vendors"][connector]["base_url"]
        config = {**config, "base_url": base_url}
        connection = Connection.objects.filter(customer=customer, connector=connector).first()
        if connection is None:
            connection = create_connection(
                customer=customer, connector=connector, name=name, roles=roles, config=config, credentials=credentials,
                actor=owner, reason=REASON, now=now,
            )  # fmt: skip
            if test_connection(connection, now=now, actor=owner, reason=REASON) is None:
                raise DemoError(f"{firm.name}: {name} does not accept us: {connection.status_reason}")
            done.append(f"connection {firm.name} → {name}")
        elif connection.config.get("base_url") != base_url:
            update_credentials(
                connection, config={"base_url": base_url}, actor=owner, reason="the vendor moved", now=now
            )
            test_connection(connection, now=now, actor=owner, reason=REASON)
        for sync in add_syncs(connection, every_minutes=_POLL_MINUTES, actor=owner, reason=REASON):
            if sync.object_name in _EVERY_MINUTE and sync.every_minutes != 1:
                set_schedule(sync, is_enabled=True, every_minutes=1, actor=owner, reason=REASON)
        if connector in ("hubspot", "xero"):
            _subscribe(
                vendors["vendors"][connector]["base_url"], firm.slug, _url(host, f"/hooks/{connection.webhook_key}/")
            )
    wake(RELEASE, customer.pk)
    return done


def _subscribe(base_url: str, account: str, target_url: str) -> None:
    """Have the practice vendor send its webhooks to us, as the customer would set up at the real one."""
    answer = requests.post(
        f"{base_url}/_practice/webhooks", json={"account": account, "target_url": target_url, "events": []}, timeout=30
    )
    if not answer.ok:
        raise DemoError(f"{base_url} refused the webhook subscription: {answer.text[:200]}")


def _install(customer: Customer, known: dict[str, Any], owner: User, now: datetime) -> None:
    tax_type = known.get("home_tax") or _HOME_TAX[customer.slug]
    if not ValueMap.objects.filter(customer=customer, name="tax_codes").exists():
        set_value(customer=customer, name="tax_codes", source="standard", target=tax_type, actor=owner, reason=REASON)
        set_value(
            customer=customer, name="revenue_accounts", source="default", target="200", actor=owner, reason=REASON
        )
    for blueprint, since, chosen in (
        (Flow.Blueprint.SALES_TO_DELIVERY, timedelta(hours=1), {"tasks": _TASKS[customer.slug], "team": ["*"]}),
        (Flow.Blueprint.TIME_TO_INVOICE, timedelta(weeks=6, days=1), {}),
    ):
        if not Flow.objects.filter(customer=customer, blueprint=blueprint).exists():
            flow = install_blueprint(
                customer, blueprint=blueprint, settings=chosen, actor=owner, reason=REASON, now=now
            )
            update_settings(
                flow, settings=flow.settings, is_enabled=True, actor=owner, reason=REASON, starts_at=now - since
            )


_HOME_TAX = {"kestrel-studio": "OUTPUT2", "halden-engineering": "OUTPUT", "mistral-advisory": "OUTPUT2"}
_TASKS = {
    "kestrel-studio": ["Design", "Development", "Project management"],
    "halden-engineering": ["Structural analysis", "Drafting", "Site inspection", "Project management"],
    "mistral-advisory": ["Discovery", "Analysis", "Workshop", "Project management"],
}
