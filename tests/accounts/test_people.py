"""People and what each role may do; nobody sees another partner's or customer's."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.accounts.roles import CUSTOMER_ROLES, ROLE_PERMISSIONS, STAFF_ROLES, Role, allows
from apps.accounts.services import AddressTakenError, WrongRoleError, create_customer, create_user

MayDo = dict[str, set[str]]
# Who holds which permission: the table a reviewer reads, independent of the patterns in code.
MATRIX: MayDo = {
    "canonical.view_client": {"owner", "engineer", "operations", "finance", "auditor"},
    "canonical.change_client": {"owner"},
    "canonical.decide_proposal": {"owner", "engineer", "operations", "finance"},
    "canonical.change_contract": {"owner", "finance"},
    "canonical.change_ratecard": {"owner", "finance"},
    "connectors.change_connection": {"owner", "engineer"},
    "connectors.test_connection": {"owner", "engineer", "operations"},
    "mappings.change_mapping": {"owner", "engineer"},
    "mappings.change_valuemap": {"owner", "engineer", "operations", "finance"},
    "syncs.start_run": {"owner", "engineer", "operations", "finance"},
    "syncs.retry_delivery": {"owner", "engineer", "operations", "finance"},
    "syncs.edit_delivery": {"owner", "engineer"},
    "flows.change_flow": {"owner", "engineer", "finance"},
    "exceptions.ignore_case": {"owner", "engineer", "operations", "finance"},
    "accounts.add_user": {"owner"},
    "accounts.change_user": {"owner"},
    "accounts.add_customer": {"owner", "engineer"},
    "portal.view": {"owner", "customer_admin", "customer_viewer"},
    "portal.answer": {"owner", "customer_admin"},
}


class TestRoles:
    @pytest.mark.parametrize("permission", MATRIX)
    def test_each_role_may_do_exactly_this(self, permission: str) -> None:
        assert {role.value for role in Role if allows(role, permission)} == MATRIX[permission]

    def test_an_auditor_may_only_look(self) -> None:
        assert not any(
            allows(Role.AUDITOR, f"{app}.{verb}")
            for app in ("accounts", "canonical", "connectors", "exceptions", "flows", "mappings", "syncs")
            for verb in ("add_x", "change_x", "delete_x", "retry_delivery", "ignore_case", "start_run")
        )

    def test_customers_people_hold_nothing_of_the_staffs(self) -> None:
        for role in CUSTOMER_ROLES:
            assert all(pattern.startswith("portal.") for pattern in ROLE_PERMISSIONS[role])

    @pytest.mark.parametrize("role", ["", "admin", "OWNER", "root"])
    def test_an_unknown_role_may_do_nothing(self, role: str) -> None:
        assert not allows(role, "canonical.view_client")

    def test_a_user_asks_through_the_usual_call(self, alice: User, bob: User, carol: User) -> None:
        assert alice.has_perm("syncs.edit_delivery")
        assert bob.has_perm("syncs.retry_delivery") and not bob.has_perm("syncs.edit_delivery")
        assert carol.has_perm("portal.answer") and not carol.has_perm("canonical.view_client")

    def test_who_is_switched_off_may_do_nothing(self, alice: User) -> None:
        alice.is_active = False
        assert not alice.has_perm("syncs.edit_delivery")


class TestCreating:
    @pytest.mark.parametrize("role", CUSTOMER_ROLES)
    def test_a_customers_role_needs_a_customer(self, partner: object, role: Role) -> None:
        with pytest.raises(WrongRoleError):
            create_user(email="x@example.com", name="X", role=role, reason="t")

    @pytest.mark.parametrize("role", STAFF_ROLES)
    def test_a_customers_person_is_never_staff(self, customer: Customer, role: Role) -> None:
        with pytest.raises(WrongRoleError):
            create_user(email="x@example.com", name="X", role=role, customer=customer, reason="t")

    def test_the_database_says_so_too(self, carol: User) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=carol.pk).update(is_staff=True)

    def test_an_address_has_one_account_however_it_is_written(self, alice: User) -> None:
        with pytest.raises(AddressTakenError):
            create_user(email="ALICE@Acme.Example", name="A", role=Role.AUDITOR, reason="t")

    def test_the_same_address_may_exist_at_two_partners(self, alice: User, globex: object) -> None:
        with schema_context("globex"):
            assert create_user(email=alice.email, name="A", role=Role.AUDITOR, reason="t").pk

    @pytest.mark.parametrize("given", [{"time_zone": "Mars/Olympus"}, {"slug": "not a slug"}, {"name": ""}])
    def test_a_customer_that_cannot_be_is_refused(self, partner: object, given: dict[str, str]) -> None:
        with pytest.raises(Exception, match=r".+") as caught:
            create_customer(**{"name": "K", "slug": "k", "currency": "EUR", "reason": "t", **given})  # type: ignore[arg-type]
        assert "time_zone" in given or "slug" in given or "name" in str(caught.value)
        assert not Customer.objects.filter(slug="k").exists()


class TestWalls:
    def test_mallory_is_nobody_here(
        self, mallory: User, alice: User, partner_client: Callable[[User | None], Browser]
    ) -> None:
        assert not User.objects.filter(email=mallory.email).exists()
        answer = partner_client(None).post(
            "/accounts/login/", {"login": mallory.email, "password": "correct horse battery"}
        )
        assert answer.status_code in (200, 302) and not answer.wsgi_request.user.is_authenticated

    def test_a_session_of_one_partner_is_none_at_another(self, alice: User, globex: object) -> None:
        browser = Browser(headers={"host": "acme.localhost"})
        browser.force_login(alice)

        answer = browser.get("/admin/", headers={"host": "globex.localhost"})

        assert answer.status_code == 302 and "login" in answer["Location"]

    def test_a_customers_person_does_not_enter_the_admin(
        self, carol: User, partner_client: Callable[[User | None], Browser]
    ) -> None:
        assert partner_client(carol).get("/admin/").status_code in (302, 403, 404)

    def test_an_unknown_host_is_not_found(self, partner: object) -> None:
        assert Browser(headers={"host": "nobody.localhost"}).get("/").status_code == 404
