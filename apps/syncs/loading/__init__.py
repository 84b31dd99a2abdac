"""Turns a page of vendor records into raw rows, canonical rows, history, references and changes, in a few statements."""

from apps.syncs.loading.burials import load_deletions, settle
from apps.syncs.loading.context import Counts, LoadContext
from apps.syncs.loading.overtaking import OvertakingError, are_settled, made_here
from apps.syncs.loading.page import Prepared, load_page, prepare_page

__all__ = [
    "Counts",
    "LoadContext",
    "OvertakingError",
    "Prepared",
    "are_settled",
    "load_deletions",
    "load_page",
    "made_here",
    "prepare_page",
    "settle",
]
