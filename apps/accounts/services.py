"""Creating customers and people."""

from django.db import transaction

from apps.accounts.models import Customer, User
from apps.accounts.roles import CUSTOMER_ROLES, STAFF_ROLES, Role
from apps.core.errors import PermanentError


class WrongRoleError(PermanentError):
    code = "wrong_role"


class AddressTakenError(PermanentError):
    code = "address_taken"


@transaction.atomic
def create_customer(
    *, name: str, slug: str, currency: str, time_zone: str = "UTC", country: str = "", reason: str
) -> Customer:
    customer = Customer(name=name, slug=slug, currency=currency, time_zone=time_zone, country=country)
    customer.full_clean()
    customer._change_reason = reason  # type: ignore[attr-defined]
    customer.save()
    return customer


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    role: Role,
    customer: Customer | None = None,
    password: str | None = None,
    password_hash: str = "",
    reason: str,
) -> User:
    """Create a member of staff (no customer) or of a customer. Without a password the person sets one by mail link.
    `password_hash` is that of a password which was shown before the account could be made.

    Raises WrongRoleError when role and customer do not go together, AddressTakenError for a known address.
    """
    allowed = CUSTOMER_ROLES if customer else STAFF_ROLES
    if role not in allowed:
        names = ", ".join(allowed)
        raise WrongRoleError(f"role {role} does not fit {'a customer' if customer else 'staff'}; choose one of {names}")
    if User.objects.filter(email__iexact=email).exists():
        raise AddressTakenError(f"{email} already has an account here")
    user = User(email=User.objects.normalize_email(email).lower(), name=name, role=role, customer=customer)
    user.is_staff = customer is None
    user.set_password(password)
    user.password = password_hash or user.password
    user._change_reason = reason  # type: ignore[attr-defined]
    user.save()
    return user
