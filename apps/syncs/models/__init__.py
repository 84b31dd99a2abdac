"""Syncs: what is read when (pulls), what came in (inbox, source records), what goes out (deliveries)."""

from apps.syncs.models.inbound import InboxEvent, SourceRecord
from apps.syncs.models.outbound import Delivery, DeliveryAttempt, Sighting
from apps.syncs.models.pulls import Sync, SyncRun

__all__ = ["Delivery", "DeliveryAttempt", "InboxEvent", "Sighting", "SourceRecord", "Sync", "SyncRun"]
