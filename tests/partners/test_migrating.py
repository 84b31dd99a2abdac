"""A release brings every schema to the head: canary first, what fails is named, what is there already costs one query."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django_tenants.utils import schema_context

from apps.core.models import SchemaHead
from apps.core.tenancy import heads
from apps.core.tenancy.context import TEMPLATE
from apps.core.tenancy.copying import is_empty
from apps.core.tenancy.plan import Known, missing
from apps.partners import migrating
from apps.partners.migrating import bring_to_head
from apps.partners.models import Partner
from apps.partners.services import begin_partner, create_partner
from tests.core.catalog import facts
from tests.heads import MIGRATION, clear_the_way, get_stuck, is_migrated, take_back

NAMES = ("umbra", "vexil", "wexford")


@pytest.fixture
def partners(db: None) -> Iterator[None]:
    """Acme and globex are the oldest; then come three more."""
    with schema_context("public"):
        for name in NAMES:
            create_partner(name=name, schema_name=name, domain=f"{name}.localhost")
        yield


def migrate(**options: Any) -> str:
    said = StringIO()
    call_command("migrate_partners", stdout=said, **options)
    return said.getvalue()


def head(schema_name: str) -> heads.Head:
    return heads.heads()[schema_name]


class TestMissing:
    known = (Known("a.1"), Known("b.1"), Known("a.2"))

    def test_is_told_in_the_order_of_the_code(self) -> None:
        assert missing([], self.known) == ("a.1", "b.1", "a.2")
        assert missing(["b.1"], self.known) == ("a.1", "a.2")
        assert missing(["a.2", "a.1", "b.1"], self.known) == ()

    def test_what_a_newer_code_or_an_app_that_is_gone_left_is_no_reason_to_wait(self) -> None:
        assert missing(["a.1", "a.2", "b.1", "b.2", "gone.1"], self.known) == ()

    def test_a_squashed_migration_is_there_when_all_it_replaces_are(self) -> None:
        squashed = (Known("a.1_squashed", replaces=("a.1", "a.2")),)

        assert missing(["a.1", "a.2"], squashed) == ()
        assert missing(["a.1_squashed"], squashed) == ()
        assert missing(["a.1"], squashed) == ("a.1_squashed",)


class TestHeads:
    def test_every_schema_of_the_same_migrations_has_the_same_one(self, partners: None) -> None:
        assert len({head(name).fingerprint for name in ("public", TEMPLATE, "acme", *NAMES)}) == 1
        assert head("umbra").is_reached

    def test_it_moves_with_the_table_whoever_changes_it(self, partners: None) -> None:
        before = head("umbra").fingerprint

        take_back("umbra")
        behind = head("umbra").fingerprint
        assert behind != before and not heads.is_at_head("umbra", behind)
        call_command("migrate_schemas", schema_name="umbra", verbosity=0)

        assert head("umbra").fingerprint == before
        assert head("vexil").fingerprint == before

    def test_more_than_this_code_knows_is_no_reason_to_wait(self, partners: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into umbra.django_migrations (app, name, applied) values ('mappings', '0099_later', now())"
            )

        assert heads.is_at_head("umbra", head("umbra").fingerprint)

    def test_what_comes_after_the_migrations_is_made_up_for(self, partners: None) -> None:
        """Killed between the last migration and Django's steps after it, such as permissions."""
        with connection.cursor() as cursor:
            cursor.execute("delete from umbra.auth_permission")
        SchemaHead.objects.filter(schema_name="umbra").update(settled="")

        migrate()

        with connection.cursor() as cursor:
            cursor.execute("select count(*) from umbra.auth_permission")
            assert cursor.fetchone()[0] > 100


class TestCommand:
    def test_with_nothing_to_do_no_schema_is_entered(
        self, partners: None, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate()
        monkeypatch.setattr(migrating, "call_command", lambda *_, **__: pytest.fail("a schema was migrated"))

        with django_assert_max_num_queries(2):  # the same for five partners and for five hundred
            said = migrate()

        assert "0 partners migrated, 5 were at the head already" in said

    def test_the_oldest_goes_first_and_all_that_are_behind_follow(self, partners: None) -> None:
        for name in ("acme", "umbra", "wexford"):
            take_back(name)

        said = migrate()

        assert "acme (the canary) goes first" in said
        assert said.index("acme") < said.index("[1/2] umbra") < said.index("[2/2] wexford")
        assert "3 partners migrated, 2 were at the head already" in said and "vexil" not in said
        assert all(is_migrated(name) for name in ("acme", "globex", *NAMES))

    def test_a_canary_that_fails_stops_it_with_schema_and_migration(self, partners: None) -> None:
        get_stuck("vexil")
        take_back("acme")

        with pytest.raises(
            CommandError, match=rf"vexil: {MIGRATION}: .*already exists.*\n.*no other schema was touched"
        ):
            migrate(canary="vexil")

        assert not is_migrated("acme") and head("acme").error == ""
        assert MIGRATION in head("vexil").error

    def test_the_canary_may_be_chosen_for_good(self, partners: None, settings: Any) -> None:
        settings.MIGRATION_CANARY = "wexford"
        take_back("wexford")
        take_back("acme")

        assert "wexford (the canary) goes first" in migrate()

    def test_a_canary_there_is_not_is_refused(self, partners: None) -> None:
        with pytest.raises(CommandError, match="no partner with schema 'nobody'"):
            migrate(canary="nobody")

    def test_a_partner_still_being_made_is_no_canary(self, partners: None) -> None:
        begun = begin_partner(name="Zed", schema_name="zed_begun", domain="zed.localhost")
        Partner.objects.filter(pk=begun.pk).update(created_at=datetime(2000, 1, 1, tzinfo=UTC))
        take_back("acme")

        assert "acme (the canary) goes first" in migrate()

    def test_the_template_goes_before_any_partner(self, partners: None) -> None:
        get_stuck(TEMPLATE)
        take_back("acme")

        with pytest.raises(CommandError, match=f"template: {MIGRATION}"):
            migrate()

        assert not is_migrated("acme")

    def test_others_go_on_past_one_that_fails_and_all_that_failed_are_named(self, partners: None) -> None:
        for name in ("umbra", "wexford"):
            get_stuck(name)
        take_back("vexil")

        with pytest.raises(CommandError) as failed:
            migrate()

        assert "2 partners were not migrated" in str(failed.value)
        assert f"umbra: {MIGRATION}" in str(failed.value) and f"wexford: {MIGRATION}" in str(failed.value)
        assert is_migrated("vexil") and MIGRATION in head("umbra").error

        for name in ("umbra", "wexford"):
            clear_the_way(name)
        assert "2 partners migrated" in migrate()
        assert head("umbra").is_reached and head("umbra").error == ""

    def test_a_partner_being_set_up_is_brought_along(self, partners: None) -> None:
        begin_partner(name="Zed", schema_name="zed_begun", domain="zed.localhost")

        migrate()

        assert is_migrated("zed_begun") and not Partner.objects.get(schema_name="zed_begun").is_ready

    def test_verify_finds_what_was_noted_wrongly(self, partners: None) -> None:
        """A schema restored piece by piece, without its trigger."""
        with connection.cursor() as cursor:
            cursor.execute("drop trigger schema_head on umbra.django_migrations")
        take_back("umbra")
        SchemaHead.objects.filter(schema_name="vexil").delete()
        assert head("umbra").is_reached  # so it seems

        said = migrate(verify=True)

        assert "umbra: was noted wrongly" in said and "vexil: was noted wrongly" in said and "2 noted wrongly" in said
        assert is_migrated("umbra") and head("umbra").is_reached
        take_back("umbra")
        assert not head("umbra").is_reached


class TestCopiedPartner:
    def test_it_is_what_migrations_make(self, partners: None, monkeypatch: pytest.MonkeyPatch) -> None:
        begin_partner(name="Slow", schema_name="slowly", domain="slowly.localhost")
        monkeypatch.setattr(migrating, "_copied", lambda _: False)
        bring_to_head("slowly")

        copied, migrated = facts("umbra"), facts("slowly")
        for kind in migrated:
            assert copied[kind] == migrated[kind], kind
        assert len(migrated["policies"]) > 90 and len(migrated["triggers"]) > 10
        assert dict(copied["rows"]).keys() >= {"django_migrations", "django_content_type", "auth_permission"}

    def test_it_ran_no_migration(self, partners: None, monkeypatch: pytest.MonkeyPatch) -> None:
        begin_partner(name="Fast", schema_name="fast_one", domain="fast.localhost")
        monkeypatch.setattr(migrating, "call_command", lambda *_, **__: pytest.fail("migrated"))

        bring_to_head("fast_one")

        assert head("fast_one").is_reached

    @pytest.mark.parametrize("trouble", ["behind", "none", "strange"])
    def test_without_a_template_to_copy_it_is_migrated(
        self, partners: None, trouble: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrated: list[str] = []
        monkeypatch.setattr(migrating, "_migrate", migrated.append)
        with connection.cursor() as cursor:
            if trouble == "behind":
                take_back(TEMPLATE)
            elif trouble == "none":
                cursor.execute(f"alter schema {TEMPLATE} rename to elsewhere")
                SchemaHead.objects.filter(schema_name=TEMPLATE).delete()
            else:
                cursor.execute(f"create view {TEMPLATE}.strange as select 1 as one")
        begin_partner(name="Slow", schema_name="slowly", domain="slowly.localhost")

        bring_to_head("slowly")

        assert migrated == ["slowly"] and is_empty("slowly")

    def test_the_head_of_an_earlier_schema_of_the_name_says_nothing(self, partners: None) -> None:
        SchemaHead.objects.create(schema_name="again", fingerprint=head("acme").fingerprint)

        begin_partner(name="Again", schema_name="again", domain="again.localhost")

        assert "again" not in heads.heads()
