"""Who is told: people by what they may do, never by the name of their role."""

from django.db.models import QuerySet

from apps.accounts.models import Customer, User
from apps.accounts.roles import CUSTOMER_ROLES, STAFF_ROLES, allows


def of_customer(customer: Customer | int, permission: str) -> QuerySet[User]:
    """The customer's people who hold a permission such as `portal.connect`."""
    roles = [role for role in CUSTOMER_ROLES if allows(role, permission)]
    return User.objects.filter(customer=customer, is_active=True, role__in=roles).order_by("pk")


def of_staff(permission: str) -> QuerySet[User]:
    roles = [role for role in STAFF_ROLES if allows(role, permission)]
    return User.objects.filter(customer=None, is_staff=True, is_active=True, role__in=roles).order_by("pk")
