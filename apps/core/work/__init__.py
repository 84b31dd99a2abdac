"""Background work: `wake` it from services, register its handler with `handles`."""

from apps.core.work.queue import LeaseLostError, Work, kept, renew, wake
from apps.core.work.registry import handles
from apps.core.work.slices import Slice

__all__ = ["LeaseLostError", "Slice", "Work", "handles", "kept", "renew", "wake"]
