"""The operator's one kind of work: completing a new partner, inside the schema it is about."""

import logging
from datetime import datetime

from apps.backoffice.partners import set_up
from apps.core.work import LeaseLostError, Work, handles, kept, kinds
from apps.partners.models import Partner
from apps.partners.services import note_failed_set_up

logger = logging.getLogger(__name__)
_TRIES = 3


@handles(kinds.SET_UP)
def set_up_partner(work: Work, now: datetime) -> datetime | None:
    """What fails is tried a few times, then told in the console, where a person goes on."""
    try:
        with kept(work):
            set_up(work.schema_name)
    except LeaseLostError:
        raise
    except Exception as error:
        if work.attempts < _TRIES:
            raise
        logger.exception("backoffice.set_up_failed %s", work.schema_name)
        partner = Partner.objects.get(schema_name=work.schema_name)
        note_failed_set_up(partner, error=f"{type(error).__name__}: {error}".strip())
    return None
