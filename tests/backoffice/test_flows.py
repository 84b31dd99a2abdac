"""Flows are installed and set with a form drawn from their settings, and previewed before they write."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import pytest
from django.test import Client
from django.utils import timezone
from pydantic import BaseModel, Field

from apps.accounts.models import Customer, User
from apps.backoffice.settings_form import SettingsForm
from apps.flows.blueprints import BLUEPRINTS
from apps.flows.models import Flow
from tests.backoffice.made import make_connection

Clients = Callable[[User | None], Client]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Settings(BaseModel):
    erp_connection: int | None = Field(None, title="ERP", description="Where drafts are made.")
    colour: Colour = Colour.RED
    size: Literal["small", "large"] = "small"
    share: Decimal = Field(Decimal("0.5"), title="Share", ge=0, le=1)
    days: int = 30
    is_quiet: bool = True
    people: list[str] = Field(default_factory=list)


def _form(
    customer: Customer, data: dict[str, str] | None = None, settings: dict[str, object] | None = None
) -> SettingsForm:
    return SettingsForm(data, model=Settings, customer=customer, settings=settings)


def test_titles_descriptions_choices_and_defaults_are_the_models(customer: Customer) -> None:
    make_connection(customer, "xero", name="Books")
    form = _form(customer)

    assert form.fields["erp_connection"].label == "ERP"
    assert form.fields["erp_connection"].help_text == "Where drafts are made."
    assert "Books (xero)" in str(form["erp_connection"])
    assert [value for value, _ in form.fields["colour"].choices] == ["red", "blue"]  # type: ignore[attr-defined]
    assert [value for value, _ in form.fields["size"].choices] == ["small", "large"]  # type: ignore[attr-defined]
    assert form.fields["days"].initial == 30
    assert form.fields["is_quiet"].initial is True


def test_what_stands_now_is_the_start(customer: Customer) -> None:
    form = _form(customer, settings={"days": 14, "people": ["a@x.example", "b@x.example"], "is_quiet": False})

    assert form.fields["days"].initial == 14
    assert form.fields["people"].initial == "a@x.example\nb@x.example"
    assert form.fields["is_quiet"].initial is False


def test_valid_settings_come_out_as_the_model_keeps_them(customer: Customer) -> None:
    form = _form(
        customer,
        {
            "colour": "blue",
            "size": "large",
            "share": "0.25",
            "days": "7",
            "people": "a@x.example\n\n b@x.example",
            "reason": "r",
        },
    )

    assert form.is_valid(), form.errors
    assert form.settings == {
        "erp_connection": None,
        "colour": "blue",
        "size": "large",
        "share": "0.25",
        "days": 7,
        "is_quiet": False,
        "people": ["a@x.example", "b@x.example"],
    }


def test_what_the_model_refuses_stands_at_its_field(customer: Customer) -> None:
    form = _form(customer, {"colour": "blue", "size": "small", "share": "3", "reason": "r"})

    assert not form.is_valid()
    assert "share" in form.errors


@pytest.mark.parametrize("blueprint", list(BLUEPRINTS))
def test_a_blueprint_is_installed_set_and_shown(
    partner_client: Clients, alice: User, customer: Customer, blueprint: str
) -> None:
    client = partner_client(alice)
    url = f"/admin/install/{customer.pk}/{blueprint}/"
    form = client.get(url).context["form"]
    data = {name: "" if field.initial is None else str(field.initial) for name, field in form.fields.items()}
    data = {name: "" if value in ("[]", "False") else value for name, value in data.items()}

    response = client.post(url, {**data, "reason": "pilot"}, follow=True)

    flow = Flow.objects.get(customer=customer, blueprint=blueprint)
    assert response.redirect_chain[-1][0] == f"/admin/flows/flow/{flow.pk}/change/"
    assert BLUEPRINTS[blueprint].summary.split(";")[0] in response.content.decode()
    settings = client.get(f"/admin/flow/{flow.pk}/settings/")
    assert settings.status_code == 200
    assert client.get(f"/admin/install/{customer.pk}/").status_code == 200


def test_a_preview_writes_nothing(partner_client: Clients, alice: User, customer: Customer) -> None:
    flow = Flow.objects.create(customer=customer, blueprint="sales_to_delivery", starts_at=timezone.now())

    page = partner_client(alice).get(f"/admin/flow/{flow.pk}/preview/")

    assert page.status_code == 200
    assert "Nothing was written" in page.content.decode()
    assert not flow.items.exists()


def test_an_unknown_blueprint_is_not_found(partner_client: Clients, alice: User, customer: Customer) -> None:
    assert partner_client(alice).get(f"/admin/install/{customer.pk}/no_such/").status_code == 404
