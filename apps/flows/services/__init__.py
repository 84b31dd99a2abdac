"""Installing, running and previewing flows."""

from apps.flows.services.control import control
from apps.flows.services.flows import install_blueprint, react, retry_item, run_flow, update_settings
from apps.flows.services.previews import FlowPreview, PlannedDelivery, PlannedItem, preview
from apps.flows.services.voids import InvoiceNotVoidError, bill_again
from apps.flows.services.write_offs import NotUnbilledError, undo_write_off, write_off

__all__ = [
    "FlowPreview",
    "InvoiceNotVoidError",
    "NotUnbilledError",
    "PlannedDelivery",
    "PlannedItem",
    "bill_again",
    "control",
    "install_blueprint",
    "preview",
    "react",
    "retry_item",
    "run_flow",
    "undo_write_off",
    "update_settings",
    "write_off",
]
