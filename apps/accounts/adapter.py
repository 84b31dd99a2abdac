"""People are invited by staff; nobody signs up. After log-in staff go to the admin, customers to the portal."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user: Any = request.user
        return "/" if user.customer_id else "/admin/"

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return "/portal/profile/" if getattr(request.user, "customer_id", None) else "/admin/"

    def get_from_email(self) -> str:
        """Mails to a partner's people come from the partner's brand."""
        partner = getattr(self.request, "tenant", None)
        return str(getattr(partner, "mail_sender", "") or settings.DEFAULT_FROM_EMAIL)

    def format_email_subject(self, subject: str) -> str:
        """The templates name the brand themselves."""
        return subject
