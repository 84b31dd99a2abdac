"""Every list opens, and costs the same number of queries whether it shows five rows or fifty."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Customer, User
from apps.accounts.services import create_customer
from apps.backoffice.site import operator_site, site
from apps.notices.models import AlertRule
from tests.backoffice import made

Maker = Callable[[Customer, int], Any]


def _customer(base: Customer, number: int) -> Customer:
    return create_customer(name=f"Firm {number}", slug=f"firm-{number}", currency="EUR", reason="test")


MAKERS: dict[str, Maker] = {
    "accounts_customer": lambda customer, number: made.make_connection(_customer(customer, number)),
    "connectors_connection": lambda customer, number: made.make_connection(_customer(customer, number)),
    "syncs_sync": lambda customer, number: made.make_sync(made.make_connection(customer)),
    "syncs_syncrun": lambda customer, number: made.make_run(made.make_sync(made.make_connection(customer))),
    "syncs_sourcerecord": lambda customer, number: made.make_source(
        made.make_connection(customer), entity="time_entry", record_id=1
    ),
    "syncs_delivery": lambda customer, number: made.make_delivery(made.make_connection(customer)),
    "exceptions_exceptioncase": lambda customer, number: made.make_case(_customer(customer, number)),
    "canonical_timeentry": lambda customer, number: made.make_time(customer),
    "canonical_project": lambda customer, number: made.make_project(customer),
    "canonical_writeoff": lambda customer, number: made.make_write_off(customer),
    "flows_controltotal": lambda customer, number: made.make_total(_customer(customer, number)),
    "canonical_proposal": lambda customer, number: made.make_proposal(customer),
    "notices_alertrule": lambda customer, number: AlertRule.objects.create(
        name=f"rule {number}", customer=_customer(customer, number)
    ),
    "notices_notice": lambda customer, number: made.make_notice(_customer(customer, number)),
}


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
    assert response.status_code == 200
    return len(captured)


@pytest.mark.parametrize("name", MAKERS)
def test_a_list_costs_the_same_at_five_rows_and_at_fifty(
    name: str, alice: User, customer: Customer, partner_client: Callable[[User], Client]
) -> None:
    client, url = partner_client(alice), reverse(f"admin:{name}_changelist", urlconf="config.urls_partner")
    for number in range(5):
        MAKERS[name](customer, number)
    _queries(client, url)
    few = _queries(client, url)

    for number in range(5, 50):
        MAKERS[name](customer, number)

    _queries(client, url)  # what is remembered of a host for some seconds may be over by now
    assert _queries(client, url) == few
    assert few <= 20


@pytest.mark.parametrize("model", sorted(site._registry, key=lambda model: model._meta.label))
def test_every_list_opens_and_can_be_searched(
    model: Any, alice: User, customer: Customer, partner_client: Callable[[User], Client]
) -> None:
    client = partner_client(alice)
    opts = model._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist", urlconf="config.urls_partner")

    assert client.get(url).status_code == 200
    assert client.get(url, {"q": "1"}).status_code == 200


def test_the_two_consoles_show_different_things() -> None:
    """The operator never sees a partner's data, a partner never the fleet's."""
    labels = {model._meta.label for model in operator_site._registry}

    assert labels == {"partners.Partner", "partners.Domain", "core.DueWork", "accounts.User"}
    assert not {"partners.Partner", "core.DueWork"} & {model._meta.label for model in site._registry}
