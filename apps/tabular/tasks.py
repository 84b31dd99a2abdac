"""The app's kinds of work. Each enters here inside its partner's schema and calls one service."""

from datetime import datetime

from apps.core.work import Work, handles, kinds
from apps.tabular.services import exporting, staging


@handles(kinds.STAGE)
def stage(work: Work, now: datetime) -> datetime | None:
    return staging.stage(work, now)


@handles(kinds.EXPORT)
def export(work: Work, now: datetime) -> datetime | None:
    return exporting.export(work, now)
