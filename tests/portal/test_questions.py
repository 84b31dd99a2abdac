"""Answering: the answer is kept, the case moves on, and nonsense is refused."""

import pytest
from django.test import Client

from apps.exceptions.models import ExceptionCase
from apps.mappings.models import ValueMap
from tests.browser.seed import World

HTMX = {"hx-request": "true"}


@pytest.fixture
def case(world: World) -> ExceptionCase:
    return ExceptionCase.objects.get(trace_key="value:tax_codes:standard")


class TestAnswer:
    def test_offers_the_customers_own_records(self, as_carol: Client, case: ExceptionCase) -> None:
        content = as_carol.get("/questions/").content.decode()

        assert '<option value="OUTPUT">Standard 19 % (19 %)</option>' in content

    def test_is_kept_and_releases_what_waited(self, as_carol: Client, case: ExceptionCase) -> None:
        response = as_carol.post(f"/questions/{case.pk}/answer/", {"answer": "OUTPUT"}, headers=HTMX)

        assert "Thank you. “Standard 19 % (19 %)” it is." in response.content.decode()
        assert "1 question left." in response.content.decode()
        assert ValueMap.objects.get(name="tax_codes").entries["standard"] == "OUTPUT"
        case.refresh_from_db()
        assert case.status != "open"

    def test_several_cases_that_wait_for_one_answer_ask_once(self, as_carol: Client, case: ExceptionCase) -> None:
        before = as_carol.get("/questions/").content.decode().count("Which tax rate in Xero")
        for number in (1, 2):
            ExceptionCase.objects.create(
                customer=case.customer, connection=case.connection, trace_key=f"flow:2:project:{number}",
                reason=case.reason, audience="customer", title="no tax code", subject_kind="flow", subject_id=2,
                detail=case.detail, occurrences=30,
            )  # fmt: skip

        content = as_carol.get("/questions/").content.decode()

        assert content.count("Which tax rate in Xero") == before
        assert f"{case.occurrences + 2} records wait" in content

    def test_is_asked_once(self, as_carol: Client, case: ExceptionCase) -> None:
        as_carol.post(f"/questions/{case.pk}/answer/", {"answer": "OUTPUT"})

        content = as_carol.get("/questions/").content.decode()

        assert f'id="question-{case.pk}"' not in content

    def test_works_without_script(self, as_carol: Client, case: ExceptionCase) -> None:
        response = as_carol.post(f"/questions/{case.pk}/answer/", {"answer": "OUTPUT"}, follow=True)

        assert "Thank you. “Standard 19 % (19 %)” is kept" in response.content.decode()

    @pytest.mark.parametrize("answer", ["", "NOT-OFFERED", "<script>"])
    def test_what_was_not_offered_is_refused(self, as_carol: Client, case: ExceptionCase, answer: str) -> None:
        response = as_carol.post(f"/questions/{case.pk}/answer/", {"answer": answer})

        assert response.status_code == 422
        assert not ValueMap.objects.filter(name="tax_codes").exists()
        case.refresh_from_db()
        assert case.status == "open"

    def test_a_settled_question_is_no_error(self, as_carol: Client, case: ExceptionCase) -> None:
        case.status = "resolved"
        case.save()

        response = as_carol.post(f"/questions/{case.pk}/answer/", {"answer": "OUTPUT"}, headers=HTMX)

        assert response.status_code == 200
        assert b"settled meanwhile" in response.content

    def test_a_case_for_staff_is_not_the_customers_to_answer(self, as_carol: Client, world: World) -> None:
        case = ExceptionCase.objects.get(audience="staff")

        response = as_carol.post(f"/questions/{case.pk}/answer/", {"answer": "x"}, headers=HTMX)

        assert b"settled meanwhile" in response.content
        case.refresh_from_db()
        assert case.status == "open"
