"""What the queue calls. It carries no schema of its own: each claimed row names its partner."""

import logging
import time
from datetime import UTC, datetime
from typing import Any

from apps.core.tenancy.context import partner_context
from apps.core.work import queue
from apps.core.work.memory import remembering
from apps.core.work.registry import handler_for

logger = logging.getLogger(__name__)
_DRAIN_SECONDS = 5.0


def ring(**_: Any) -> int:
    """Do due work for a few seconds, then let go so that a stopping worker is not held up. Returns how many rows were done."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    done = 0
    while time.monotonic() < deadline:
        work = queue.claim()
        if work is None:
            return done
        with queue.bell_held():
            run(work)
        done += 1
    queue.ring_bell()
    return done


def run(work: queue.Work) -> None:
    """Do one claimed row inside its partner's schema; whatever happens, the claim ends."""
    try:
        with (
            partner_context(work.schema_name, exists=work.schema_exists),
            remembering(work.schema_name, work.config_stamp),
        ):
            next_due_at = handler_for(work.kind)(work, datetime.now(UTC))
    except queue.LeaseLostError:
        logger.warning("core.work.lease_lost %s", work)
    except Exception as error:
        logger.exception("core.work.failed %s %s of %s", work.kind, work.key, work.schema_name)
        queue.fail(work, error=f"{type(error).__name__}: {error}")
    else:
        queue.finish(work, next_due_at=next_due_at)
