"""Inviting people: they get a one-time password, shown once to whoever invites them."""

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.roles import CUSTOMER_ROLES, STAFF_ROLES
from apps.backoffice.base import ReasonedForm


def one_time_password() -> str:
    return secrets.token_urlsafe(12)


class PersonForm(ReasonedForm):
    class Meta:
        model = User
        fields = ("name", "email", "role", "customer", "is_active")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        role, customer = cleaned.get("role"), cleaned.get("customer")
        if role and role not in (CUSTOMER_ROLES if customer else STAFF_ROLES):
            fitting = CUSTOMER_ROLES if customer else STAFF_ROLES
            whom = "a customer's person" if customer else "our own staff"
            self.add_error(
                "role", f"This role does not fit {whom}; choose one of: {', '.join(one.label for one in fitting)}."
            )
        return cleaned


class PersonMixin:
    """Saves people so that role, customer and access to this console always agree."""

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.is_staff = obj.customer_id is None
        obj.email = User.objects.normalize_email(obj.email).lower()
        password = ""
        if not change:
            password = one_time_password()
            obj.set_password(password)
        super().save_model(request, obj, form, change)  # type: ignore[misc]
        if password:
            text = f"{obj} can sign in with {obj.email} and the password {password} – shown only now."
            messages.warning(request, f"{text} Ask them to change it.")
