"""A customer with a quarter of work, and clients logged in as its people."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from tests.browser.seed import World, seed_customer

PartnerClient = Callable[[User | None], Client]


@pytest.fixture
def world(customer: Customer) -> World:
    """Kestrel's quarter. Pages take the real clock, so the seed is relative to it too."""
    return seed_customer(customer, now=timezone.now())


@pytest.fixture
def victor(customer: Customer) -> User:
    """May look, not touch."""
    return create_user(
        email="victor@kestrel.example", name="Victor", role=Role.CUSTOMER_VIEWER, customer=customer, reason="test"
    )


@pytest.fixture
def hanna(other_customer: Customer) -> User:
    """Another customer's administrator, in the same partner's schema."""
    return create_user(
        email="hanna@halden.example", name="Hanna", role=Role.CUSTOMER_ADMIN, customer=other_customer, reason="test"
    )


@pytest.fixture
def as_carol(partner_client: PartnerClient, carol: User) -> Client:
    return partner_client(carol)


@pytest.fixture
def as_victor(partner_client: PartnerClient, victor: User) -> Client:
    return partner_client(victor)


@pytest.fixture
def as_hanna(partner_client: PartnerClient, hanna: User) -> Client:
    return partner_client(hanna)
