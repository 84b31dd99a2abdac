"""What the customer buys: suppliers, purchase orders, and the bills that suppliers send."""

from django.db import models

from apps.canonical.models.base import CurrencyField, MoneyField, Record, history
from apps.canonical.models.delivery import Project
from apps.canonical.models.people import Resource
from apps.canonical.models.sales import Party


class Supplier(Party):
    """Who the customer buys from, subcontractors above all: "vendor" in most ERPs, "contact" in Xero, "party" in Tryton."""

    history = history()

    class Meta(Record.Meta):
        indexes = [
            models.Index(fields=["customer", "tax_number"]),
            models.Index(fields=["customer", "reference"]),
        ]


class PurchaseLine(Record):
    """A line of something bought; its currency is the document's."""

    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="Whose cost it is."
    )
    resource = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="Whose work is bought."
    )
    position = models.PositiveIntegerField(default=0)
    description = models.TextField(blank=True, default="")
    sku = models.CharField(max_length=100, blank=True, default="")
    quantity = models.DecimalField(max_digits=16, decimal_places=4, default=1)
    unit = models.CharField(max_length=20, blank=True, default="")
    unit_amount = MoneyField(default=0)
    amount = MoneyField(default=0, help_text="Untaxed.")
    account_code = models.CharField(max_length=100, blank=True, default="", help_text="Ledger account, by its code.")
    tax_code = models.CharField(max_length=60, blank=True, default="")
    tax_percent = models.DecimalField(max_digits=8, decimal_places=4, null=True, blank=True)
    tax_amount = MoneyField(null=True, blank=True)

    class Meta(Record.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.description[:60]


class PurchaseOrderStatus(models.TextChoices):
    PLANNED = "planned", "planned, not yet in the system"
    DRAFT = "draft"
    SUBMITTED = "submitted", "awaiting approval"
    APPROVED = "approved", "approved, with the supplier"
    RECEIVED = "received"
    CLOSED = "closed", "closed, nothing more is expected"
    CANCELLED = "cancelled"


class PurchaseOrder(Record):
    supplier = models.ForeignKey(
        Supplier, null=True, blank=True, on_delete=models.PROTECT, related_name="purchase_orders"
    )
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="purchase_orders"
    )
    number = models.CharField(max_length=100, blank=True, default="", help_text="Given by the system that issues it.")
    reference = models.CharField(max_length=200, blank=True, default="", help_text="Ours: the marker written with it.")
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=PurchaseOrderStatus.choices, default=PurchaseOrderStatus.DRAFT)
    order_date = models.DateField(null=True, blank=True)
    delivery_date = models.DateField(null=True, blank=True, help_text="When it is wanted.")
    currency = CurrencyField()
    untaxed_amount = MoneyField(default=0)
    tax_amount = MoneyField(default=0)
    total_amount = MoneyField(default=0)
    payment_terms_days = models.PositiveSmallIntegerField(null=True, blank=True)
    is_produced_here = models.BooleanField(default=False, help_text="Drafted by a flow, not only read.")

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "status", "order_date"])]

    def __str__(self) -> str:
        return self.number or self.reference or f"purchase order {self.pk}"


class PurchaseOrderLine(PurchaseLine):
    purchase_order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines")
    received_quantity = models.DecimalField(max_digits=16, decimal_places=4, null=True, blank=True)
    billed_quantity = models.DecimalField(max_digits=16, decimal_places=4, null=True, blank=True)

    history = history()

    class Meta(Record.Meta):
        ordering = ["purchase_order_id", "position"]


class BillStatus(models.TextChoices):
    PLANNED = "planned", "planned, not yet in the ERP"
    DRAFT = "draft"
    SUBMITTED = "submitted", "awaiting approval"
    POSTED = "posted"
    PAID = "paid"
    VOIDED = "voided"


class Bill(Record):
    """An invoice from a supplier ("vendor bill", "purchase invoice")."""

    class Kind(models.TextChoices):
        BILL = "bill"
        CREDIT_NOTE = "credit_note"

    supplier = models.ForeignKey(Supplier, null=True, blank=True, on_delete=models.PROTECT, related_name="bills")
    purchase_order = models.ForeignKey(
        PurchaseOrder, null=True, blank=True, on_delete=models.SET_NULL, related_name="bills"
    )
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="bills")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.BILL)
    number = models.CharField(max_length=100, blank=True, default="", help_text="Given by the ERP.")
    supplier_number = models.CharField(max_length=200, blank=True, default="", help_text="On the supplier's document.")
    reference = models.CharField(max_length=200, blank=True, default="", help_text="Ours: the marker written with it.")
    status = models.CharField(max_length=10, choices=BillStatus.choices, default=BillStatus.DRAFT)
    issue_date = models.DateField(null=True, blank=True)
    due_date = models.DateField(null=True, blank=True)
    currency = CurrencyField()
    untaxed_amount = MoneyField(default=0)
    tax_amount = MoneyField(default=0)
    total_amount = MoneyField(default=0)
    paid_amount = MoneyField(default=0)
    paid_at = models.DateTimeField(null=True, blank=True)
    is_produced_here = models.BooleanField(default=False, help_text="Drafted by a flow, not only read from the ERP.")

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "status", "issue_date"])]

    def __str__(self) -> str:
        return self.number or self.supplier_number or self.reference or f"bill {self.pk}"


class BillLine(PurchaseLine):
    bill = models.ForeignKey(Bill, on_delete=models.CASCADE, related_name="lines")
    purchase_order_line = models.ForeignKey(
        PurchaseOrderLine, null=True, blank=True, on_delete=models.SET_NULL, related_name="bill_lines"
    )
    is_rebillable = models.BooleanField(default=False, help_text="To be charged on to the client.")

    history = history()

    class Meta(Record.Meta):
        ordering = ["bill_id", "position"]
