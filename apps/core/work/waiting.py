"""Partners whose work this process leaves alone, since their schema lacks migrations that this code needs (docs/adr/0018).

The claim brings the schema's fingerprint, so a partner that is at the head costs a look-up here. One that is not is asked about
again once a second, until it has caught up.
"""

import logging
import time

from apps.core.statements import schemaless
from apps.core.tenancy import heads
from apps.core.work.kinds import AT_ANY_HEAD

logger = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
_waiting: dict[str, None] = {}
_looked_at = 0.0


def left_out() -> list[str]:
    """Schemas not to be claimed for, as of a second ago at most."""
    global _looked_at
    if _waiting and time.monotonic() - _looked_at > _LOOK_SECONDS:
        _looked_at = time.monotonic()
        _look_again()
    return list(_waiting)


def must_wait(schema_name: str, kind: str, fingerprint: str | None) -> bool:
    """Whether work of this kind has to wait for the schema's migration. Said once in the log, until it went on."""
    if kind in AT_ANY_HEAD or heads.is_at_head(schema_name, fingerprint):
        return False
    if schema_name not in _waiting:
        _waiting[schema_name] = None
        logger.warning(
            "core.work.waits_for_migration %s: lacks %s; run migrate_partners",
            schema_name,
            ", ".join(heads.missing_in(schema_name)[:3]),
        )
    return True


def forget() -> None:
    """Wait for nobody, as a new process would."""
    _waiting.clear()


def _look_again() -> None:
    with schemaless() as cursor:
        cursor.execute(
            "select schema_name, fingerprint from public.core_schemahead where schema_name = any(%s)", [list(_waiting)]
        )
        rows = cursor.fetchall()
    for schema_name, fingerprint in rows:
        if heads.is_at_head(schema_name, fingerprint):
            del _waiting[schema_name]
            logger.info("core.work.goes_on %s: is at the head", schema_name)
