"""Users and customers. In a partner's schema: its staff, its customers and their people. In `public`: operators.

A user with a `customer` belongs to that customer and sees the portal; a user without one is the partner's (or operator's) staff.
"""

from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from simple_history.models import HistoricalRecords

from apps.accounts.roles import Role


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is no time zone; use a name such as Europe/Berlin or America/New_York")


class Customer(models.Model):
    """The partner's customer: a professional-services firm whose systems are kept in step."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    currency = models.CharField(max_length=3, default="EUR", help_text="Home currency, ISO 4217.")
    time_zone = models.CharField(max_length=60, default="UTC", validators=[check_time_zone])
    country = models.CharField(max_length=2, blank=True, default="", help_text="ISO 3166 code.")
    is_active = models.BooleanField(default=True)
    went_live_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    history = HistoricalRecords(history_id_field=models.BigAutoField(), user_db_constraint=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, role=Role.OWNER, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(max_length=320, unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    role = models.CharField(max_length=30, choices=Role.choices, default=Role.AUDITOR)
    customer = models.ForeignKey(
        Customer,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="users",
        help_text="Empty for the partner's own staff.",
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May enter the staff admin.")
    date_joined = models.DateTimeField(auto_now_add=True)

    objects = UserManager()
    history = HistoricalRecords(
        history_id_field=models.BigAutoField(), user_db_constraint=False, excluded_fields=["password", "last_login"]
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_once", violation_error_message="This address is taken."
            ),
            models.CheckConstraint(
                name="customer_people_are_not_staff",
                condition=models.Q(customer__isnull=True) | models.Q(is_staff=False, is_superuser=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email
