"""Turns a page of vendor records into raw rows, canonical rows, history, references and changes, in a few statements."""

from apps.syncs.loading.context import Counts, LoadContext
from apps.syncs.loading.page import load_page

__all__ = ["Counts", "LoadContext", "load_page"]
