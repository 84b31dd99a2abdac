"""Saving what people configure: who and why go into the history."""

from typing import Any

from apps.accounts.models import User


def save_with_history(row: Any, actor: User | None, reason: str) -> None:
    row._history_user = actor
    row._change_reason = reason
    row.save()
