"""What changed in a deal after it was won, and what it would change here. Shown to a person; never applied by itself."""

from dataclasses import dataclass

from apps.flows.rules.delivery_plan import DeliveryPlan, MilestonePlan, RatePlan


@dataclass(frozen=True, slots=True)
class Proposal:
    field: str
    before: str
    after: str
    effect: str


def proposal_for(before: DeliveryPlan, after: DeliveryPlan) -> list[Proposal]:
    """Differences in the order a reader wants them: does it still exist, whose, what for, how much, when."""
    return [
        Proposal(field=field, before=old, after=new, effect=effect)
        for field, old, new, effect in _fields(before, after)
        if old != new
    ]


def _fields(before: DeliveryPlan, after: DeliveryPlan) -> list[tuple[str, str, str, str]]:
    old, new = before.contract, after.contract
    old_project, new_project = before.project, after.project
    return [
        ("status", _status(before), _status(after), _status_effect(after)),
        (
            "client",
            _client(before),
            _client(after),
            "Contract and project move to the other client; invoices sent stay.",
        ),
        ("name", old.name, new.name, "Contract and project are renamed in the project system and the ERP."),
        (
            "currency",
            old.currency,
            new.currency,
            "Work not yet invoiced needs rates in the new currency; invoices stay.",
        ),
        (
            "billing_method",
            old.billing_method.value,
            new.billing_method.value,
            "A new version of the contract's terms applies from the day it is accepted.",
        ),
        ("value_amount", _text(old.value_amount), _text(new.value_amount), _value_effect(before, after)),
        (
            "cap_amount",
            _text(old.cap_amount),
            _text(new.cap_amount),
            "The cap changes; work beyond it is looked at again.",
        ),
        (
            "budget_hours",
            _text(old_project.budget_hours),
            _text(new_project.budget_hours),
            "The project's budget of hours changes in the project system.",
        ),
        (
            "rates",
            _rates(old.rates),
            _rates(new.rates),
            "New rates hold for work from the day they are accepted; work before keeps its rate.",
        ),
        (
            "milestones",
            _milestones(before.milestones),
            _milestones(after.milestones),
            "Milestones not yet invoiced change; invoiced ones stay.",
        ),
        ("start_date", _text(old.start_date), _text(new.start_date), "Contract and project start on the new date."),
        ("end_date", _text(old.end_date), _text(new.end_date), "Contract and project end on the new date."),
    ]


def _status(plan: DeliveryPlan) -> str:
    return "won" if plan.is_won else "not won"


def _status_effect(after: DeliveryPlan) -> str:
    if after.is_won:
        return "The deal is won again; contract and project continue as they are."
    return "Nothing is deleted: close the project and stop billing if the work really ends."


def _client(plan: DeliveryPlan) -> str:
    return plan.client_name or plan.contract.client_id


def _value_effect(before: DeliveryPlan, after: DeliveryPlan) -> str:
    old, new = before.contract.value_amount, after.contract.value_amount
    if old is None or new is None or before.contract.currency != after.contract.currency:
        return "Contract value and project budget change."
    word = "rise" if new > old else "fall"
    return f"Contract value and project budget {word} by {abs(new - old)} {after.contract.currency}."


def _rates(rates: tuple[RatePlan, ...]) -> str:
    return "; ".join(f"{rate.role or 'all work'}: {rate.hourly.normalize():f}" for rate in rates)


def _milestones(milestones: tuple[MilestonePlan, ...]) -> str:
    return "; ".join(f"{milestone.name}: {milestone.amount}" for milestone in milestones)


def _text(value: object) -> str:
    return "" if value is None else str(value)
