"""Log-in by e-mail address; permissions from the role table, not from rows."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from apps.accounts.roles import allows, allows_module


class RoleBackend(AuthenticationBackend):
    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.is_active and user_obj.is_authenticated and allows(user_obj.role, perm))

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return bool(user_obj.is_active and allows_module(user_obj.role, app_label))

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()
