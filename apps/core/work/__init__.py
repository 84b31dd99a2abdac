"""Background work: `wake` it from services, register its handler with `handles`."""

from apps.core.work.queue import LeaseLostError, Work, kept, renew, wake
from apps.core.work.registry import handles

__all__ = ["LeaseLostError", "Work", "handles", "kept", "renew", "wake"]
