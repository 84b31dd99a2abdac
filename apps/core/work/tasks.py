"""What the queue calls. It carries no schema of its own: each claimed row names its partner."""

import logging
import time
from contextlib import nullcontext
from typing import Any

import psycopg

from apps.core import clock
from apps.core.courtesy import live_under_way
from apps.core.models import Lane
from apps.core.tenancy.context import partner_context
from apps.core.work import queue
from apps.core.work.bell import Ear, bell_held, ring_bell
from apps.core.work.memory import remembering
from apps.core.work.registry import handler_for

logger = logging.getLogger(__name__)
_DRAIN_SECONDS = 5.0
_ear = Ear()


def answer(**_: Any) -> int:
    """What a ring of the queue starts: do due work, then listen for more, for a few seconds in all, so that a stopping worker is
    not held up. Returns how many rows were done."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    done = drain(deadline)
    try:
        while (left := deadline - time.monotonic()) > 0:
            with _ear.open():
                work = queue.claim()
                heard = _ear.wait(left) if work is None else 0
            if work is not None:
                _do(work)
                done += 1
            if work is not None or heard:
                if heard > 1:
                    ring_bell()  # one worker is not enough
                done += drain(deadline)
    except psycopg.OperationalError:
        logger.warning("core.work.ear_lost: the queue's own bell rings on", exc_info=True)
    return done + drain(deadline)


def drain(deadline: float | None = None) -> int:
    """Do due work until there is none, or until the deadline: then somebody else is called. Returns how many rows were done."""
    deadline = deadline or time.monotonic() + _DRAIN_SECONDS
    done = 0
    while (work := queue.claim()) is not None:
        _do(work)
        done += 1
        if time.monotonic() > deadline:
            ring_bell()
            break
    return done


def _do(work: queue.Work) -> None:
    with bell_held(), live_under_way() if work.lane == Lane.LIVE else nullcontext():
        run(work)


def run(work: queue.Work) -> None:
    """Do one claimed row inside its partner's schema; whatever happens, the claim ends."""
    try:
        with (
            partner_context(work.schema_name, exists=work.schema_exists),
            remembering(work.schema_name, work.config_stamp),
        ):
            next_due_at = handler_for(work.kind)(work, clock.now())
    except queue.LeaseLostError:
        logger.warning("core.work.lease_lost %s", work)
    except Exception as error:
        logger.exception("core.work.failed %s %s of %s", work.kind, work.key, work.schema_name)
        queue.fail(work, error=f"{type(error).__name__}: {error}")
    else:
        queue.finish(work, next_due_at=next_due_at)
