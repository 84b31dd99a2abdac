"""Business records: what all connected systems agree on. Read from them, so read-only but for rates and contracts."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from apps.backoffice.base import EditableAdmin, RecordAdmin, link
from apps.backoffice.columns import money, pill, shown, when, words
from apps.backoffice.long_lists import LongChangeList
from apps.backoffice.naming import name_changes, name_details, names_of, record_url, title_of
from apps.backoffice.origins import name_origins
from apps.backoffice.site import site
from apps.backoffice.survivorship import stories_of
from apps.backoffice.verbs import Call, Verb
from apps.canonical import models, services
from apps.canonical.models import Change, ExternalRef, Proposal, ProposalStatus
from apps.core import clock
from apps.exceptions.models import ExceptionCase
from apps.exceptions.selectors import OPEN
from apps.flows.services import undo_write_off, write_off
from apps.mappings.services import change_owner, field_of, proposing_connection, role_for
from apps.syncs.models import Delivery, SourceRecord

_BOOKKEEPING = {"id", "customer", "custom", "is_stub", "source_updated_at", "deleted_at", "created_at", "updated_at"}


def entity_of(model: type[Model]) -> str:
    """`TimeEntry` → `time_entry`, as external refs and changes name it."""
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in model.__name__).lstrip("_")


class CanonicalAdmin(RecordAdmin):
    """Lists with customer and state; a page that shows the record, where it lives, and what happened to it."""

    page_template = "backoffice/record.html"
    children: tuple[str, ...] = ()

    def page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        entity = entity_of(self.model)
        about = {"entity": entity, "record_id": row.pk}
        return {
            "entity": entity,
            "facts": _facts(row),
            "custom": row.custom,
            "refs": list(ExternalRef.objects.filter(**about).select_related("connection")),
            "sources": list(SourceRecord.objects.filter(**about).defer("payload").select_related("connection")[:10]),
            "changes": name_changes(name_origins(Change.objects.filter(**about).order_by("-id")[:15])),
            "deliveries": list(Delivery.objects.filter(**about).select_related("connection")[:10]),
            "cases": list(ExceptionCase.objects.filter(**about, status__in=OPEN).order_by("-id")[:10]),
            "children": [_children(row, name) for name in self.children],
            "stories": stories_of(entity, row),
        }

    @display(description="Name")
    def what(self, row: Any) -> str:
        mark = format_html(' <span class="tl-pill tl-plain">{}</span>', "known by name only") if row.is_stub else ""
        return format_html("{}{}", str(row), mark)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, row: Any) -> str:
        return link(row.customer)

    @display(description="Client", ordering="client__name")
    def client_link(self, row: Any) -> str:
        return link(row.client)

    @display(description="Project", ordering="project__name")
    def project_link(self, row: Any) -> str:
        return link(row.project)

    @display(description="Person", ordering="resource__name")
    def resource_link(self, row: Any) -> str:
        return link(row.resource)

    @display(description="Supplier", ordering="supplier__name")
    def supplier_link(self, row: Any) -> str:
        return link(row.supplier)

    @display(description="Department", ordering="department__name")
    def department_link(self, row: Any) -> str:
        return link(row.department)

    @display(description="Reports to", ordering="manager__name")
    def manager_link(self, row: Any) -> str:
        return link(row.manager)

    @display(description="Assigned to", ordering="assignee__name")
    def assignee_link(self, row: Any) -> str:
        return link(row.assignee)

    @display(description="Opportunity", ordering="opportunity__name")
    def opportunity_link(self, row: Any) -> str:
        return link(row.opportunity)

    @display(description="State", ordering="status")
    def state(self, row: Any) -> str:
        return pill(row.status.replace("_", " "), row.status)

    @display(description="Means", ordering="status_category")
    def category(self, row: Any) -> str:
        return pill(row.get_status_category_display(), row.status_category)

    @display(description="Approval", ordering="approval")
    def approval_state(self, row: Any) -> str:
        return pill(row.approval, row.approval)

    @display(description="Amount", ordering="amount")
    def amount_shown(self, row: Any) -> str:
        return money(row.amount, row.currency)

    @display(description="Total", ordering="total_amount")
    def total(self, row: Any) -> str:
        return money(row.total_amount, row.currency)

    @display(description="Per hour", ordering="hourly_amount")
    def hourly(self, row: Any) -> str:
        return money(row.hourly_amount, row.currency)

    @display(description="Every")
    def rhythm(self, row: Any) -> str:
        count = row.interval_count
        return f"{row.get_interval_display().lower()}" if count == 1 else f"{count} {row.interval}s"

    @display(description="Debit", ordering="debit_amount")
    def debit(self, row: Any) -> str:
        return money(row.debit_amount, row.journal_entry.currency) if row.debit_amount else ""

    @display(description="Credit", ordering="credit_amount")
    def credit(self, row: Any) -> str:
        return money(row.credit_amount, row.journal_entry.currency) if row.credit_amount else ""

    @display(description="Journal entry", ordering="journal_entry__number")
    def journal_link(self, row: Any) -> str:
        return link(row.journal_entry)

    @display(description="Purchase order", ordering="purchase_order__number")
    def order_link(self, row: Any) -> str:
        return link(row.purchase_order)

    @display(description="Bill", ordering="bill__number")
    def bill_link(self, row: Any) -> str:
        return link(row.bill)

    @display(description="Amount", ordering="amount")
    def order_amount(self, row: Any) -> str:
        return money(row.amount, row.purchase_order.currency)

    @display(description="Amount", ordering="amount")
    def bill_amount(self, row: Any) -> str:
        return money(row.amount, row.bill.currency)

    @display(description="Paid", ordering="paid_amount")
    def paid(self, row: Any) -> str:
        return money(row.paid_amount, row.currency)

    @display(description="Budget")
    def budget(self, row: Any) -> str:
        return (
            money(row.budget_amount, row.currency)
            if row.budget_amount is not None
            else f"{shown(row.budget_hours)} h"
            if row.budget_hours is not None
            else "–"
        )

    @display(description="Hours", ordering="hours")
    def hours_shown(self, row: Any) -> str:
        return shown(row.hours)

    @display(description="Quantity", ordering="quantity")
    def quantity_shown(self, row: Any) -> str:
        return shown(row.quantity)

    @display(description="Percent", ordering="percent")
    def percent_shown(self, row: Any) -> str:
        return shown(row.percent)

    @display(description="Amount", ordering="amount")
    def line_amount(self, row: Any) -> str:
        return money(row.amount, row.invoice.currency)

    @display(description="Invoice", ordering="invoice__number")
    def invoice_link(self, row: Any) -> str:
        return link(row.invoice)

    @display(description="Made here", boolean=True, ordering="is_produced_here")
    def made_here(self, row: Any) -> bool:
        return bool(row.is_produced_here)


@dataclass(frozen=True, slots=True)
class Listing:
    """How a kind of record is listed."""

    columns: tuple[str, ...]
    search: tuple[str, ...]
    filters: tuple[str | tuple[str, type[admin.FieldListFilter]], ...] = ()
    related: tuple[str, ...] = ()
    date: str | None = None
    """Drilled down by; reads the whole table, so not for the largest."""
    children: tuple[str, ...] = ()


LISTINGS: dict[type[Model], Listing] = {
    models.Client: Listing(
        ("what", "customer_link", "domain", "email", "tax_number", "country"),
        ("name", "reference", "domain", "tax_number", "email"),
        ("country", "is_active", "is_stub"),
        children=("opportunities", "projects", "invoices"),
    ),
    models.Contact: Listing(
        ("what", "customer_link", "client_link", "email", "job_title"),
        ("first_name", "last_name", "email"),
        ("is_billing",),
        ("client",),
    ),
    models.Opportunity: Listing(
        ("what", "customer_link", "client_link", "state", "amount_shown", "close_date"),
        ("name", "client__name", "owner_name"),
        ("status", "stage"),
        ("client",),
        "close_date",
        ("lines", "projects"),
    ),
    models.Quote: Listing(
        ("what", "customer_link", "opportunity_link", "state", "total", "valid_until_date"),
        ("number", "title", "opportunity__name"),
        ("status",),
        ("opportunity",),
        "accepted_at",
        ("lines",),
    ),
    models.QuoteLine: Listing(
        ("what", "customer_link", "opportunity_link", "quantity_shown", "amount_shown"),
        ("name", "sku"),
        (),
        ("opportunity",),
    ),
    models.Resource: Listing(
        ("what", "customer_link", "role", "department_link", "manager_link", "email", "is_active"),
        ("name", "email", "code"),
        ("is_active", "is_contractor", "employment_type"),
        ("department", "manager"),
        children=("cost_rates", "assignments", "absences"),
    ),
    models.Department: Listing(
        ("what", "customer_link", "code", "manager_link", "is_active"),
        ("name", "code"),
        ("is_active",),
        ("manager",),
        children=("resources", "children"),
    ),
    models.CostRate: Listing(
        ("hourly", "resource_link", "customer_link", "effective_from_date", "effective_to_date"),
        ("resource__name",),
        (),
        ("resource",),
        "effective_from_date",
    ),
    models.Absence: Listing(
        ("start_date", "end_date", "resource_link", "customer_link", "kind", "hours_shown", "state"),
        ("resource__name", "kind"),
        ("status",),
        ("resource",),
        "start_date",
    ),
    models.Booking: Listing(
        ("start_date", "end_date", "resource_link", "project_link", "customer_link", "hours_per_day", "state"),
        ("resource__name", "project__name", "task"),
        ("status", "is_billable"),
        ("resource", "project"),
        "start_date",
    ),
    models.Project: Listing(
        ("what", "customer_link", "client_link", "state", "code", "budget", "start_date"),
        ("name", "code", "client__name"),
        ("status", "is_billable", "is_stub"),
        ("client",),
        "start_date",
        ("milestones", "assignments", "invoices"),
    ),
    models.Milestone: Listing(
        ("what", "customer_link", "project_link", "state", "amount_shown", "due_date"),
        ("name", "project__name"),
        ("status",),
        ("project",),
        "due_date",
    ),
    models.Assignment: Listing(
        ("what", "customer_link", "resource_link", "project_link", "is_manager"),
        ("resource__name", "project__name"),
        ("is_manager",),
        ("project", "resource"),
    ),
    models.TimeEntry: Listing(
        (
            "work_date",
            "resource_link",
            "hours_shown",
            "project_link",
            "task",
            "approval_state",
            "is_billable",
            "customer_link",
        ),
        ("notes", "task", "project__name", "resource__name"),
        ("approval", "is_billable", "is_billed_at_source", ("work_date", admin.DateFieldListFilter)),
        ("project", "resource"),
        None,
        ("billings", "write_offs"),
    ),
    models.Expense: Listing(
        ("spent_date", "customer_link", "project_link", "resource_link", "amount_shown", "approval_state"),
        ("notes", "category", "project__name"),
        ("approval", "is_billable"),
        ("project", "resource"),
        "spent_date",
        ("billings", "write_offs"),
    ),
    models.Ticket: Listing(
        (
            "what",
            "customer_link",
            "client_link",
            "category",
            "priority",
            "assignee_link",
            "opened_at",
            "resolve_due_at",
        ),
        ("number", "subject", "client__name"),
        ("status_category", "priority", "is_escalated"),
        ("client", "assignee"),
        "opened_at",
    ),
    models.TaxRate: Listing(
        ("name", "customer_link", "code", "percent_shown", "is_active"), ("name", "code"), ("is_active",)
    ),
    models.LedgerAccount: Listing(("code", "name", "customer_link", "kind", "is_active"), ("code", "name"), ("kind",)),
    models.Invoice: Listing(
        ("what", "customer_link", "client_link", "state", "total", "paid", "issue_date", "made_here"),
        ("number", "reference", "client__name"),
        ("status", "kind", "is_produced_here"),
        ("client",),
        "issue_date",
        ("lines", "payments"),
    ),
    models.InvoiceLine: Listing(
        ("description", "customer_link", "invoice_link", "quantity_shown", "unit", "line_amount", "tax_code"),
        ("description",),
        ("tax_code",),
        ("invoice",),
    ),
    models.Subscription: Listing(
        ("what", "customer_link", "client_link", "state", "amount_shown", "rhythm", "current_period_end_date"),
        ("name", "reference", "client__name"),
        ("status", "interval"),
        ("client",),
        "start_date",
    ),
    models.Supplier: Listing(
        ("what", "customer_link", "reference", "email", "tax_number", "country"),
        ("name", "reference", "tax_number", "email"),
        ("country", "is_active", "is_stub"),
        children=("purchase_orders", "bills", "resources"),
    ),
    models.PurchaseOrder: Listing(
        ("what", "customer_link", "supplier_link", "project_link", "state", "total", "order_date"),
        ("number", "reference", "supplier__name", "project__name"),
        ("status", "is_produced_here"),
        ("supplier", "project"),
        "order_date",
        ("lines", "bills"),
    ),
    models.PurchaseOrderLine: Listing(
        ("description", "customer_link", "order_link", "project_link", "quantity_shown", "order_amount"),
        ("description", "purchase_order__number"),
        (),
        ("purchase_order", "project"),
    ),
    models.Bill: Listing(
        ("what", "customer_link", "supplier_link", "project_link", "state", "total", "paid", "issue_date"),
        ("number", "supplier_number", "reference", "supplier__name"),
        ("status", "kind", "is_produced_here"),
        ("supplier", "project"),
        "issue_date",
        ("lines",),
    ),
    models.BillLine: Listing(
        ("description", "customer_link", "bill_link", "project_link", "quantity_shown", "bill_amount"),
        ("description", "bill__number"),
        ("is_rebillable",),
        ("bill", "project"),
    ),
    models.JournalEntry: Listing(
        ("what", "customer_link", "kind", "state", "total", "entry_date", "project_link", "made_here"),
        ("number", "reference", "description", "project__name"),
        ("kind", "status", "is_produced_here"),
        ("project",),
        "entry_date",
        ("lines", "reversals"),
    ),
    models.JournalLine: Listing(
        ("account_code", "customer_link", "journal_link", "description", "debit", "credit", "project_link"),
        ("account_code", "description", "journal_entry__number"),
        (),
        ("journal_entry", "project"),
    ),
    models.Payment: Listing(
        ("paid_date", "customer_link", "client_link", "amount_shown", "reference"),
        ("reference", "client__name", "invoice__number"),
        ("status",),
        ("client", "invoice"),
        "paid_date",
    ),
}


def _write_off(row: Any, call: Call) -> Any:
    return write_off(row, actor=call.actor, reason=call.reason, now=call.now)


WRITE_OFF = Verb(
    name="write-off",
    title="Write off",
    permission="canonical.write_off_work",
    effect=lambda row: "It is never invoiced. It counts as written off in the control totals, and this can be taken back.",
    run=_write_off,
    icon="money_off",
    applies=lambda row: row.approval == "approved" and row.deleted_at is None,
    done="written off",
)
VERBS: dict[type[Model], tuple[Verb, ...]] = {models.TimeEntry: (WRITE_OFF,), models.Expense: (WRITE_OFF,)}


def _register(model: type[Model], listing: Listing) -> None:
    members = {
        "__doc__": f"Lists {model._meta.verbose_name_plural}.",
        "list_display": listing.columns,
        "list_display_links": listing.columns[:1],
        "list_select_related": ("customer", *listing.related),
        "list_filter": (*listing.filters, "customer"),
        "search_fields": listing.search,
        "date_hierarchy": listing.date,
        "ordering": ("-id",),
        "children": listing.children,
        "verbs": VERBS.get(model, ()),
    }
    # Links are for the record itself in the first column: a linked relation there would swallow it.
    admin_class = type(f"{model.__name__}Admin", (CanonicalAdmin,), members)
    site.register(model, admin_class)


for _model, _listing in LISTINGS.items():
    _register(_model, _listing)


class RateInline(TabularInline):  # type: ignore[misc]
    model = models.Rate
    extra = 0
    fields = (
        "kind",
        "resource",
        "project",
        "role",
        "task",
        "hourly_amount",
        "effective_from_date",
        "effective_to_date",
    )
    autocomplete_fields = ("resource", "project")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A table's fields have no labels of their own: the column's name is put on each for those who cannot see it."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs["aria-label"] = words(db_field.name)
        return field


class CustomerOfParentMixin:
    """New lines belong to the customer of what they hang on."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for row in formset.save(commit=False):
            row.customer_id = form.instance.customer_id
            row.save()
        for row in formset.deleted_objects:
            row.delete()
        formset.save_m2m()


@admin.register(models.RateCard, site=site)
class RateCardAdmin(CustomerOfParentMixin, EditableAdmin):
    list_display = ("name", "customer_link", "currency")
    list_select_related = ("customer",)
    list_filter = ("currency", "customer")
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("customer", "name", "currency")}),)
    inlines = (RateInline,)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, row: Any) -> str:
        return link(row.customer)


_SIGNING = ("signature_status", "sent_at", "viewed_at", "signed_at", "declined_at")


class VersionInline(StackedInline):  # type: ignore[misc]
    model = models.ContractVersion
    extra = 0
    fields = (
        ("number", "effective_date", "billing_method"),
        ("rate_card", "cap_amount", "payment_terms_days"),
        ("rounding_step_hours", "rounding_mode", "rounding_scope"),
        ("minimum_hours", "discount_percent", "expense_markup_percent"),
        ("group_by", "lines_by", "tax_code"),
        ("adjustments", "voided"),
    )
    autocomplete_fields = ("rate_card",)


@admin.register(models.Contract, site=site)
class ContractAdmin(CustomerOfParentMixin, EditableAdmin):
    list_display = ("what", "customer_link", "client_link", "state", "value", "start_date", "end_date")
    list_select_related = ("customer", "client")
    list_filter = ("status", "customer")
    search_fields = ("number", "name", "client__name")
    date_hierarchy = "start_date"
    autocomplete_fields = ("client", "opportunity")
    fieldsets = (
        (None, {"fields": ("customer", "client", "opportunity", "number", "name", "status", "currency")}),
        ("Value and term", {"fields": ("value_amount", "start_date", "end_date")}),
        ("Signing", {"fields": (*_SIGNING, "decline_reason")}),
    )
    # The signing system tells these; typing them would claim a signature nobody gave.
    readonly_fields = (*_SIGNING, "decline_reason")
    inlines = (VersionInline,)

    what = CanonicalAdmin.what
    customer_link = CanonicalAdmin.customer_link
    client_link = CanonicalAdmin.client_link
    state = CanonicalAdmin.state

    @display(description="Value", ordering="value_amount")
    def value(self, row: Any) -> str:
        return money(row.value_amount, row.currency)


def _decide(accept: bool) -> Any:
    def run(proposal: Proposal, call: Call) -> object:
        return services.decide_proposal(proposal, accept=accept, actor=call.actor, reason=call.reason, now=call.now)

    return run


def _is_open(proposal: Proposal) -> bool:
    return proposal.status == ProposalStatus.OPEN


_EFFECTS = {
    Proposal.Kind.FIELD: "The proposed value replaces ours, and is written to the systems that follow.",
    Proposal.Kind.MATCH: (
        "The two become one record: what points to the newer one moves to the older, which keeps its own values."
    ),
}


def _effect(proposal: Proposal) -> str:
    if proposal.kind in _EFFECTS:
        return _EFFECTS[Proposal.Kind(proposal.kind)]
    effects = [line["effect"] for line in proposal.details if line.get("effect")]
    return " ".join(effects) or "Takes the proposed values over, and writes them to the systems that follow."


def _owner_effect(proposal: Proposal) -> str:
    connection = proposing_connection(proposal)
    role = role_for(proposal, connection) if connection else "nobody"
    return (
        f"The {role} system owns “{title_of(field_of(proposal))}” of every {words(proposal.entity).lower()} from now on, and this "
        "value is taken over. What other systems say of it becomes a proposal."
    )


@admin.register(Proposal, site=site)
class ProposalAdmin(RecordAdmin):
    page_template = "backoffice/proposal.html"
    list_display = ("what", "customer_link", "kind_shown", "state", "found")
    list_select_related = ("customer",)
    list_filter = ("status", "kind", "entity", "customer")
    search_fields = ("title", "key")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    verbs = (
        Verb(
            name="accept",
            title="Accept",
            permission="canonical.decide_proposal",
            effect=_effect,
            run=_decide(accept=True),
            icon="check",
            tone="primary",
            applies=_is_open,
            done="accepted",
        ),
        Verb(
            name="reject",
            title="Reject",
            permission="canonical.decide_proposal",
            effect=lambda proposal: "Everything stays as it is; the same proposal is not made again.",
            run=_decide(accept=False),
            icon="close",
            applies=_is_open,
            done="rejected",
        ),
        Verb(
            name="change-owner",
            title="Change owner",
            permission="mappings.change_stewardship",
            effect=_owner_effect,
            run=lambda proposal, call: change_owner(proposal, actor=call.actor, reason=call.reason, now=call.now),
            icon="swap_horiz",
            applies=lambda proposal: _is_open(proposal) and proposing_connection(proposal) is not None,
            on_list=False,
            done="owned by the system that proposed it",
        ),
    )

    def page(self, request: HttpRequest, row: Proposal) -> dict[str, Any]:
        pairs = [(row.entity, pk) for pk in (row.record_id, row.other_record_id) if pk]
        names = names_of(pairs)
        return {
            "effect": _effect(row),
            "is_open": _is_open(row),
            "origin_name": name_origins([row])[0].origin_name,
            "differences": name_details(row),
            "records": [
                {"name": names.get(pair, f"{words(row.entity)} {pair[1]}"), "url": record_url(*pair)} for pair in pairs
            ],
        }

    @display(description="Proposal", ordering="title")
    def what(self, proposal: Proposal) -> str:
        return proposal.title

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, proposal: Proposal) -> str:
        return link(proposal.customer)

    @display(description="Kind", ordering="kind")
    def kind_shown(self, proposal: Proposal) -> str:
        alike = f", {proposal.score:.0f} % alike" if proposal.score is not None else ""
        return f"{proposal.get_kind_display().capitalize()}{alike}"

    @display(description="State", ordering="status")
    def state(self, proposal: Proposal) -> str:
        return pill(proposal.status, proposal.status)

    @display(description="Found", ordering="created_at")
    def found(self, proposal: Proposal) -> str:
        return when(proposal.created_at, clock.now())


@admin.register(models.WriteOff, site=site)
class WriteOffAdmin(RecordAdmin):
    page_template = "backoffice/write_off.html"
    list_display = ("what", "customer_link", "hours_shown", "amount_shown", "state", "made")
    list_select_related = ("customer", "made_by", "time_entry__project", "time_entry__resource", "expense__project")
    list_filter = (("undone_at", admin.EmptyFieldListFilter), "customer")
    search_fields = ("reason", "time_entry__project__name", "expense__project__name")
    date_hierarchy = "made_at"
    ordering = ("-id",)
    verbs = (
        Verb(
            name="undo",
            title="Take back",
            permission="canonical.write_off_work",
            effect=lambda row: "The work is unbilled again, and comes with the next draft.",
            run=lambda row, call: undo_write_off(row, actor=call.actor, reason=call.reason, now=call.now),
            icon="undo",
            applies=lambda row: row.undone_at is None,
            done="taken back",
        ),
    )

    def page(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {"work": link(row.time_entry or row.expense)}

    @display(description="Work")
    def what(self, row: Any) -> str:
        return f"{row.time_entry or row.expense}"

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, row: Any) -> str:
        return link(row.customer)

    @display(description="Hours", ordering="hours")
    def hours_shown(self, row: Any) -> str:
        return shown(row.hours) if row.time_entry_id else "–"

    @display(description="Worth", ordering="amount")
    def amount_shown(self, row: Any) -> str:
        return money(row.amount, row.currency)

    @display(description="State")
    def state(self, row: Any) -> str:
        return pill("taken back", "plain") if row.undone_at else pill("written off", "done")

    @display(description="Since", ordering="made_at")
    def made(self, row: Any) -> str:
        return when(row.made_at, clock.now())


class NamedChangeList(LongChangeList):
    """Names the records and who changed them, for a whole page at once."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = name_changes(name_origins(self.result_list))


@admin.register(Change, site=site)
class ChangeAdmin(RecordAdmin):
    page_template = "backoffice/change.html"
    list_display = ("what", "customer_link", "entity_shown", "kind", "told", "by", "moment")
    list_display_links = ("what",)
    list_select_related = ("customer",)
    list_filter = ("kind", "entity", "customer", ("at", admin.DateFieldListFilter))
    search_fields = ("=record_id", "origin")
    search_help_text = "Search a record's number or an origin"
    ordering = ("-id",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NamedChangeList]:
        return NamedChangeList

    def page(self, request: HttpRequest, row: Change) -> dict[str, Any]:
        named = name_changes(name_origins([row]))[0]
        return {"title": f"{named.record_name}: {row.get_kind_display().lower()}"}

    @display(description="Record")
    def what(self, change: Any) -> str:
        return str(change.record_name)

    @display(description="Kind of record", ordering="entity")
    def entity_shown(self, change: Change) -> str:
        return words(change.entity)

    @display(description="What changed")
    def told(self, change: Any) -> str:
        fields = [difference.field for difference in change.differences]
        return ", ".join(fields[:4]) + (f" and {len(fields) - 4} more" if len(fields) > 4 else "") or "–"

    @display(description="By", ordering="origin")
    def by(self, change: Any) -> str:
        return str(change.origin_name)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, change: Change) -> str:
        return link(change.customer)

    @display(description="When", ordering="at")
    def moment(self, change: Change) -> str:
        return when(change.at, clock.now())


class NamedRefList(LongChangeList):
    """Names the records the references stand for, for a whole page at once."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        names = names_of((row.entity, row.record_id) for row in rows)
        for row in rows:
            row.record_name = names.get((row.entity, row.record_id), words(row.entity))
        self.result_list = rows


@admin.register(ExternalRef, site=site)
class ExternalRefAdmin(RecordAdmin):
    list_display = ("object_shown", "external_id", "connection_link", "becomes", "customer_link")
    list_select_related = ("customer", "connection")
    list_filter = ("entity", "customer", "connection__connector")
    search_fields = ("external_id", "=record_id")
    ordering = ("-id",)
    fields = ("customer", "connection", "object_shown", "external_id", "becomes", "url")
    readonly_fields = ("object_shown", "becomes")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NamedRefList]:
        return NamedRefList

    @display(description="Object", ordering="object_name")
    def object_shown(self, ref: ExternalRef) -> str:
        return words(ref.object_name)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, ref: ExternalRef) -> str:
        return link(ref.customer)

    @display(description="In", ordering="connection__name")
    def connection_link(self, ref: ExternalRef) -> str:
        return link(ref.connection)

    @display(description="Is", ordering="entity")
    def becomes(self, ref: ExternalRef) -> str:
        name = getattr(ref, "record_name", "") or words(ref.entity)
        return format_html('<a href="{}">{}</a>', record_url(ref.entity, ref.record_id), name)


def _facts(row: Any) -> list[dict[str, Any]]:
    """The record's own fields in words; relations as links. Amounts get their currency."""
    facts = []
    for field in row._meta.concrete_fields:
        if field.name in _BOOKKEEPING:
            continue
        value = getattr(row, field.name)
        if field.is_relation:
            if value is not None:
                facts.append({"title": words(field.name), "html": link(value)})
        elif value not in (None, ""):
            currency = getattr(row, "currency", "")
            text = money(value, currency) if field.name.endswith(("amount", "rate")) else _display(row, field, value)
            facts.append({"title": title_of(field.name), "text": text})
    return facts


def _display(row: Any, field: Any, value: Any) -> str:
    return str(getattr(row, f"get_{field.name}_display")()) if field.choices else shown(value)


def _children(row: Any, name: str) -> dict[str, Any]:
    manager = getattr(row, name)
    model = manager.model
    opts = model._meta
    rows = list(manager.all()[:50])
    has_page = site.is_registered(model)
    return {
        "title": words(name),
        "rows": [
            {
                "text": str(child),
                "amount": money(child.amount, getattr(child, "currency", "") or getattr(row, "currency", ""))
                if getattr(child, "amount", None) is not None
                else "",
                "url": reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[child.pk]) if has_page else "",
            }
            for child in rows
        ],
    }
