"""Cases of one cause are known as such: across records and customers, and not with what is something else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Customer, User
from apps.connectors.models import Connection
from apps.core.problems import Problem, clear, report
from apps.exceptions.causes import MOST, key_of, steady
from apps.exceptions.models import Cause, ExceptionCase
from apps.exceptions.reasons import REASONS, Owner, Severity
from apps.exceptions.selectors import alike, causes
from apps.exceptions.services import retry_cause
from tests.syncs.support import NOW, connect


def unmapped(code: str, value_map: str = "tax_codes") -> dict[str, Any]:
    return {"problems": [{"code": "value_unmapped", "field": "lines[3].tax", "value_map": value_map, "map_key": code}]}


class TestKey:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Project 4711 was not found", "Project 99 was not found"),
            ("Name “Ondine” is taken", "Name “Northwind, Ltd.” is taken"),
            ("ada@example.com has no seat", "bo.b@firm.example has no seat"),
            ("Invoice INV-0012 is locked since 2026-10-01", "Invoice INV-7 is locked since 2025-01-31"),
            ("id 0b4e8a3e-0000-4000-8000-000000000000 unknown", "id 5c1e8a3e-1111-4000-9000-0000000000ff unknown"),
        ],
    )
    def test_what_differs_from_record_to_record_is_left_out(self, one: str, other: str) -> None:
        assert steady(one) == steady(other)
        assert key_of("t", {"error": one}) == key_of("u", {"error": other})

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"error": "Name is taken"}, {"error": "Name is too long"}),
            ({"error": "no", "status": 422}, {"error": "no", "status": 409}),
            (unmapped("standard"), unmapped("reduced")),
            (unmapped("standard"), unmapped("standard", "purchase_tax_codes")),
            (
                {"problems": [{"code": "required_missing", "field": "name"}]},
                {"problems": [{"code": "required_missing", "field": "email"}]},
            ),
        ],
    )
    def test_what_is_repaired_apart_is_apart(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        assert key_of("t", one) != key_of("t", other)

    def test_the_place_in_a_list_does_not_matter_and_nothing_is_endless(self) -> None:
        first = {"problems": [{"code": "not_a_number", "field": "lines[2].price"}]}
        later = {"problems": [{"code": "not_a_number", "field": f"lines[{place}].price"} for place in (7, 9)]}
        assert key_of("t", first) == key_of("t", later) == "lines[].price not_a_number"
        assert len(key_of("word " * 500, {})) <= MOST

    def test_odd_details_are_no_error(self) -> None:
        assert key_of("It failed", {"problems": ["x", None]}) == "It failed"
        assert key_of("", {}) == ""


def open_case(connection: Connection | None, customer: Customer, key: str, **more: Any) -> ExceptionCase:
    report(
        Problem(
            customer_id=customer.pk,
            connection_id=connection.pk if connection else None,
            trace_key=key,
            reason="value_unmapped",
            title=f"{key}: tax",
            subject_kind="connection",
            subject_id=connection.pk if connection else 0,
            **{"detail": unmapped("standard"), **more},
        )
    )
    return ExceptionCase.objects.get(customer=customer, trace_key=key)


@pytest.fixture
def three(customer: Customer, other_customer: Customer) -> list[ExceptionCase]:
    here, there = connect(customer, "xero"), connect(other_customer, "xero")
    return [
        open_case(here, customer, "a", amount=100, currency="EUR"),
        open_case(here, customer, "b", amount=50, currency="EUR"),
        open_case(there, other_customer, "c", amount=25, currency="EUR"),
    ]


class TestCause:
    def test_one_over_customers_with_what_is_at_risk(self, three: list[ExceptionCase]) -> None:
        cause = causes().get()

        assert {case.cause_id for case in three} == {cause.pk}
        assert (cause.reason, cause.connector, cause.key) == ("value_unmapped", "xero", "tax_codes: “standard”")
        assert (cause.open_count, cause.customer_count, cause.total, cause.currency) == (3, 2, 175, "EUR")
        assert [alike(case) for case in three] == [2, 2, 2]

    def test_another_kind_of_system_is_another_cause(self, customer: Customer, three: list[ExceptionCase]) -> None:
        open_case(connect(customer, "harvest"), customer, "d")
        open_case(None, customer, "e")

        assert sorted(Cause.objects.values_list("connector", flat=True)) == ["", "harvest", "xero"]

    def test_it_stays_when_its_cases_end_and_is_the_same_when_they_come_back(self, three: list[ExceptionCase]) -> None:
        for case in three:
            clear(customer_id=case.customer_id, trace_keys=[case.trace_key], note="mapped")
        before = causes().get()
        assert before.open_count == 0

        open_case(three[0].connection, three[0].customer, "a")

        assert causes().get().open_count == 1 and Cause.objects.get().pk == before.pk

    def test_a_case_whose_words_change_changes_its_cause(self, three: list[ExceptionCase]) -> None:
        open_case(three[0].connection, three[0].customer, "a", detail=unmapped("reduced"))

        assert [cause.open_count for cause in causes().order_by("key")] == [1, 2]

    def test_all_are_tried_again(self, three: list[ExceptionCase], alice: User) -> None:
        assert retry_cause(Cause.objects.get(), actor=alice, reason="mapped now", now=NOW) == 3
        assert set(ExceptionCase.objects.values_list("status", flat=True)) == {"retrying"}


def test_every_reason_says_who_ends_it_and_how_soon() -> None:
    assert {reason.owner for reason in REASONS.values()} == set(Owner)
    assert {reason.severity for reason in REASONS.values()} == set(Severity)


def test_the_list_shows_open_ones_and_the_page_leads_to_their_cases(
    partner_client: Callable[[User | None], Client], alice: User, three: list[ExceptionCase]
) -> None:
    client, cause = partner_client(alice), Cause.objects.get()
    listed = client.get("/admin/exceptions/cause/").content.decode()
    assert "tax_codes: “standard”" in listed and "175.00 EUR" in listed and "Critical" not in listed

    page = client.get(f"/admin/exceptions/cause/{cause.pk}/change/").content.decode()
    cases = f"/admin/exceptions/exceptioncase/?cause__id__exact={cause.pk}&status__exact=open"
    assert cases in page and "Retry all" in page and "150.00 EUR" in page

    filtered = client.get(cases).content.decode()
    assert all(case.title in filtered for case in three)

    client.post(f"/admin/exceptions/cause/{cause.pk}/do/retry/", {"reason": "mapped now"})
    assert set(ExceptionCase.objects.values_list("status", flat=True)) == {"retrying"}


def test_a_cause_without_open_cases_is_not_listed_but_has_its_page(
    partner_client: Callable[[User | None], Client], alice: User, three: list[ExceptionCase]
) -> None:
    for case in three:
        clear(customer_id=case.customer_id, trace_keys=[case.trace_key], note="mapped")
    client, cause = partner_client(alice), Cause.objects.get()

    assert "tax_codes" not in client.get("/admin/exceptions/cause/").content.decode()
    assert "No open case has this cause" in client.get(f"/admin/exceptions/cause/{cause.pk}/change/").content.decode()
