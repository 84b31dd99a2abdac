"""Use cases of syncs: pulling, webhooks, deliveries, applying again."""

from apps.syncs.services.burying import accept_deletions, refuse_deletions
from apps.syncs.services.deliveries import (
    cancel_delivery,
    confirm_delivery,
    edit_delivery,
    intend,
    retry_delivery,
)
from apps.syncs.services.dry_runs import DryRunItem, DryRunReport, dry_run
from apps.syncs.services.inbox import receive_webhook
from apps.syncs.services.moves import DeliveryStateError
from apps.syncs.services.reprocessing import release, reprocess
from apps.syncs.services.runs import RunStateError, add_syncs, cancel_run, choose_objects, set_schedule, start_run
from apps.syncs.services.shapes import decide_shape
from apps.syncs.services.trials import Trial, try_on_many, try_on_record, try_outbound

__all__ = [
    "DeliveryStateError",
    "DryRunItem",
    "DryRunReport",
    "RunStateError",
    "Trial",
    "accept_deletions",
    "add_syncs",
    "cancel_delivery",
    "cancel_run",
    "choose_objects",
    "confirm_delivery",
    "decide_shape",
    "dry_run",
    "edit_delivery",
    "intend",
    "receive_webhook",
    "refuse_deletions",
    "release",
    "reprocess",
    "retry_delivery",
    "set_schedule",
    "start_run",
    "try_on_many",
    "try_on_record",
    "try_outbound",
]
