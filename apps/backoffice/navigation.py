"""The sidebar: what a person may see, in the order of a working day. Badges count what waits for somebody."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.canonical.models import Proposal, ProposalStatus
from apps.exceptions.models import CaseStatus, ExceptionCase
from apps.exceptions.selectors import OPEN

Item = dict[str, Any]

# Title, icon, address, permission.
_CUSTOMERS = (
    ("Customers", "domain", "accounts_customer_changelist", "accounts.view_customer"),
    ("Connections", "cable", "connectors_connection_changelist", "connectors.view_connection"),
    ("Connector catalog", "apps", "catalog", "connectors.view_connection"),
)
_MONEY = (
    ("Control totals", "balance", "flows_controltotal_changelist", "flows.view_controltotal"),
    ("Write-offs", "money_off", "canonical_writeoff_changelist", "canonical.view_writeoff"),
)
_NOTICES = (
    ("Delivery log", "outgoing_mail", "notices_notice_changelist", "notices.view_notice"),
    ("Alert rules", "notifications", "notices_alertrule_changelist", "notices.view_alertrule"),
    ("Maintenance", "engineering", "notices_maintenancewindow_changelist", "notices.view_maintenancewindow"),
    ("Mail", "mail", "mail", "notices.view_notice"),
)
_DATA = (
    ("Syncs", "sync", "syncs_sync_changelist", "syncs.view_sync"),
    ("Runs", "history", "syncs_syncrun_changelist", "syncs.view_syncrun"),
    ("Files", "table_view", "tabular_datafile_changelist", "tabular.view_datafile"),
    ("Source records", "inbox", "syncs_sourcerecord_changelist", "syncs.view_sourcerecord"),
    ("Record shapes", "data_object", "mappings_objectshape_changelist", "mappings.view_objectshape"),
    ("Webhook inbox", "webhook", "syncs_inboxevent_changelist", "syncs.view_inboxevent"),
    ("Deliveries", "outbox", "syncs_delivery_changelist", "syncs.view_delivery"),
)
_RECORDS = (
    ("Clients", "handshake", "canonical_client_changelist", "canonical.view_client"),
    ("Contacts", "contact_mail", "canonical_contact_changelist", "canonical.view_contact"),
    ("Opportunities", "trending_up", "canonical_opportunity_changelist", "canonical.view_opportunity"),
    ("Quotes", "request_quote", "canonical_quote_changelist", "canonical.view_quote"),
    ("Projects", "folder_open", "canonical_project_changelist", "canonical.view_project"),
    ("Milestones", "flag", "canonical_milestone_changelist", "canonical.view_milestone"),
    ("Team", "groups", "canonical_resource_changelist", "canonical.view_resource"),
    ("Assignments", "assignment_ind", "canonical_assignment_changelist", "canonical.view_assignment"),
    ("Time entries", "schedule", "canonical_timeentry_changelist", "canonical.view_timeentry"),
    ("Bookings", "event", "canonical_booking_changelist", "canonical.view_booking"),
    ("Absences", "event_busy", "canonical_absence_changelist", "canonical.view_absence"),
    ("Departments", "lan", "canonical_department_changelist", "canonical.view_department"),
    ("Cost rates", "toll", "canonical_costrate_changelist", "canonical.view_costrate"),
    ("Expenses", "receipt", "canonical_expense_changelist", "canonical.view_expense"),
    ("Contracts", "contract", "canonical_contract_changelist", "canonical.view_contract"),
    ("Rate cards", "price_change", "canonical_ratecard_changelist", "canonical.view_ratecard"),
    ("Invoices", "receipt_long", "canonical_invoice_changelist", "canonical.view_invoice"),
    ("Payments", "payments", "canonical_payment_changelist", "canonical.view_payment"),
    ("Subscriptions", "autorenew", "canonical_subscription_changelist", "canonical.view_subscription"),
    ("Suppliers", "local_shipping", "canonical_supplier_changelist", "canonical.view_supplier"),
    ("Purchase orders", "shopping_cart", "canonical_purchaseorder_changelist", "canonical.view_purchaseorder"),
    ("Bills", "request_page", "canonical_bill_changelist", "canonical.view_bill"),
    ("Journal entries", "menu_book", "canonical_journalentry_changelist", "canonical.view_journalentry"),
    ("Tickets", "support_agent", "canonical_ticket_changelist", "canonical.view_ticket"),
    ("Tax rates", "percent", "canonical_taxrate_changelist", "canonical.view_taxrate"),
    ("Ledger accounts", "account_balance", "canonical_ledgeraccount_changelist", "canonical.view_ledgeraccount"),
    ("Changes", "difference", "canonical_change_changelist", "canonical.view_change"),
)
_SETTINGS = (
    ("Flows", "account_tree", "flows_flow_changelist", "flows.view_flow"),
    ("Flow items", "conversion_path", "flows_flowitem_changelist", "flows.view_flowitem"),
    ("Mappings", "schema", "mappings_mapping_changelist", "mappings.view_mapping"),
    ("Value maps", "compare_arrows", "mappings_valuemap_changelist", "mappings.view_valuemap"),
    ("Field owners", "verified_user", "mappings_stewardship_changelist", "mappings.view_stewardship"),
    ("People", "person", "accounts_user_changelist", "accounts.view_user"),
    ("Brand", "palette", "brand", "partners.change_brand"),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    may = request.user.has_perm
    groups: list[dict[str, Any]] = [
        {"title": "Work", "items": _work(request)},
        {"title": "Customers", "items": _items(_CUSTOMERS, may)},
        {"title": "Money", "items": _items(_MONEY, may)},
        {"title": "Notices", "items": _items(_NOTICES, may)},
        {"title": "Flow of data", "items": _items(_DATA, may)},
        {"title": "Business records", "collapsible": True, "items": _items(_RECORDS, may)},
        {"title": "Settings", "collapsible": True, "items": _items(_SETTINGS, may)},
    ]
    return [group for group in groups if group["items"]]


def operator_sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    entries = (
        ("Partners", "handshake", "partners_partner_changelist", "partners.view_partner"),
        ("Host names", "dns", "partners_domain_changelist", "partners.view_domain"),
        ("Due work", "pending_actions", "core_duework_changelist", "core.view_duework"),
        ("Operators", "person", "accounts_user_changelist", "accounts.view_user"),
    )
    return [{"title": "Fleet", "items": _items(entries, request.user.has_perm)}]


def _work(request: HttpRequest) -> list[Item]:
    items: list[Item] = [{"title": "Home", "icon": "space_dashboard", "link": reverse("admin:index")}]
    if request.user.has_perm("exceptions.view_exceptioncase"):
        count = ExceptionCase.objects.filter(status__in=OPEN).count()
        url = f"{reverse('admin:exceptions_exceptioncase_changelist')}?status__exact={CaseStatus.OPEN}"
        items.append({"title": "Cases", "icon": "report", "link": url, "badge": count})
    if request.user.has_perm("exceptions.view_cause"):
        items.append({"title": "Causes", "icon": "hub", "link": reverse("admin:exceptions_cause_changelist")})
    if request.user.has_perm("canonical.view_proposal"):
        count = Proposal.objects.filter(status=ProposalStatus.OPEN).count()
        url = f"{reverse('admin:canonical_proposal_changelist')}?status__exact={ProposalStatus.OPEN}"
        items.append({"title": "Proposals", "icon": "rule", "link": url, "badge": count, "badge_variant": "warning"})
    return items


def _items(entries: tuple[tuple[str, str, str, str], ...], may: Callable[[str], bool]) -> list[Item]:
    return [
        {"title": title, "icon": icon, "link": reverse(f"admin:{name}")}
        for title, icon, name, permission in entries
        if may(permission)
    ]
