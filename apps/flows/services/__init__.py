"""Installing, running and previewing flows."""

from apps.flows.services.flows import install_blueprint, react, retry_item, run_flow, update_settings
from apps.flows.services.previews import FlowPreview, PlannedDelivery, PlannedItem, preview

__all__ = [
    "FlowPreview",
    "PlannedDelivery",
    "PlannedItem",
    "install_blueprint",
    "preview",
    "react",
    "retry_item",
    "run_flow",
    "update_settings",
]
