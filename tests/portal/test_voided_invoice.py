"""A voided invoice says what became of its work."""

from django.test import Client

from apps.canonical.models import Invoice
from tests.flows.services.stage import Stage, stage

__all__ = ["stage"]


def void(stage: Stage, pk: int) -> None:
    Invoice.objects.filter(pk=pk).update(status="voided")


def test_it_names_the_invoice_that_bills_it_again(stage: Stage, as_carol: Client) -> None:
    stage.install("time_to_invoice", settle_seconds=0)
    stage.hours("2", stage.project())
    stage.react()
    (first,) = stage.invoices()
    assert b"voided in your ERP" not in as_carol.get(f"/invoices/{first.pk}/").content
    void(stage, first.pk)
    stage.react()
    again = stage.invoices()[-1]

    page = as_carol.get(f"/invoices/{first.pk}/").content.decode()

    assert "Its work is billed on:" in page and f'href="/invoices/{again.pk}/"' in page and again.reference in page


def test_it_says_that_somebody_is_asked(stage: Stage, as_carol: Client) -> None:
    stage.install("time_to_invoice", settle_seconds=0, voided="ask")
    stage.hours("2", stage.project())
    stage.react()
    void(stage, stage.invoices()[0].pk)
    stage.react()

    page = as_carol.get(f"/invoices/{stage.invoices()[0].pk}/").content.decode()

    assert "we ask before it is billed again" in page
