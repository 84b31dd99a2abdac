"""Prepare the operator's console: its row, its host, and the first person who may sign in. Safe to repeat."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django_tenants.utils import get_public_schema_name, schema_context

from apps.accounts.models import User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.backoffice.people import one_time_password
from apps.core.tenancy.backend.base import ALL
from apps.partners.selectors import base_url
from apps.partners.services import ensure_public_partner


class Command(BaseCommand):
    help = "Creates the operator's console and its first user; prints a one-time password when the user is new."

    def add_arguments(self, parser: CommandParser) -> None:
        default = os.environ.get("OPERATOR_EMAIL", "")
        parser.add_argument(
            "--email", default=default, help="Address the first operator signs in with (or OPERATOR_EMAIL)."
        )
        parser.add_argument("--name", default="Operator")

    def handle(self, *args: Any, **options: Any) -> None:
        with schema_context(get_public_schema_name()), connection.customer_scope(ALL):  # type: ignore[attr-defined]
            partner = ensure_public_partner()
            address = f"{base_url(partner)}/admin/"
            email = options["email"].strip().lower()
            if not email:
                raise CommandError("Whose console is it? Give --email, or set OPERATOR_EMAIL.")
            if User.objects.filter(email__iexact=email).exists():
                self.stdout.write(f"{email} can sign in at {address} already.")
                return
            password = one_time_password()
            create_user(
                email=email,
                name=options["name"],
                role=Role.OWNER,
                password=password,
                reason="first operator of the deployment",
            )
        self.stdout.write(f"{email} can sign in at {address} with the password {password} – shown only now.")
