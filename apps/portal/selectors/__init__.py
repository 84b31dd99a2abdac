"""Reads of the portal: each takes the customer it reads for and answers with plain values ready for a page."""

from apps.portal.selectors.activity import ActivityItem, ActivityPage, activity
from apps.portal.selectors.deals import Deal, DealDetail, DealPage, Step, deal_detail, deals
from apps.portal.selectors.flow import Arrow, FlowPicture, Node, flow_picture
from apps.portal.selectors.invoices import (
    InvoiceDetail,
    InvoicePage,
    InvoiceRow,
    Work,
    WorkPage,
    invoice_detail,
    invoice_rows,
    invoices,
    line_work,
    work_of,
)
from apps.portal.selectors.measures import Health, Measures, Money, health, measures
from apps.portal.selectors.questions import OpenQuestion, open_question, open_questions, question_count
from apps.portal.selectors.systems import State, System, system, systems

__all__ = [
    "ActivityItem",
    "ActivityPage",
    "Arrow",
    "Deal",
    "DealDetail",
    "DealPage",
    "FlowPicture",
    "Health",
    "InvoiceDetail",
    "InvoicePage",
    "InvoiceRow",
    "Measures",
    "Money",
    "Node",
    "OpenQuestion",
    "State",
    "Step",
    "System",
    "Work",
    "WorkPage",
    "activity",
    "deal_detail",
    "deals",
    "flow_picture",
    "health",
    "invoice_detail",
    "invoice_rows",
    "invoices",
    "line_work",
    "measures",
    "open_question",
    "open_questions",
    "question_count",
    "system",
    "systems",
    "work_of",
]
