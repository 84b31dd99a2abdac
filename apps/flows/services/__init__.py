"""Installing, running and previewing flows."""

from apps.flows.services.flows import install_blueprint, react, retry_item, run_flow, update_settings
from apps.flows.services.previews import FlowPreview, PlannedDelivery, PlannedItem, preview
from apps.flows.services.voids import InvoiceNotVoidError, bill_again

__all__ = [
    "FlowPreview",
    "InvoiceNotVoidError",
    "PlannedDelivery",
    "PlannedItem",
    "bill_again",
    "install_blueprint",
    "preview",
    "react",
    "retry_item",
    "run_flow",
    "update_settings",
]
