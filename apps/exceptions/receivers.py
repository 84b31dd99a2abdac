"""Connects the one signal pair to the services that keep cases."""

from typing import Any

from apps.core.problems import Problem, problem_cleared, problem_found, rehearsing
from apps.exceptions import services


def connect() -> None:
    problem_found.connect(_found, dispatch_uid="exceptions.found")
    problem_cleared.connect(_cleared, dispatch_uid="exceptions.cleared")


def _found(problem: Problem, **_: Any) -> None:
    if not rehearsing.get():
        services.open_case(problem)


def _cleared(customer_id: int, trace_keys: list[str], note: str, **_: Any) -> None:
    if not rehearsing.get():
        services.resolve_cases(customer_id=customer_id, trace_keys=trace_keys, note=note)
