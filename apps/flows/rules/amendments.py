"""What changed in a deal after it was won, and what that would change here. Shown to a person, never applied."""

from dataclasses import dataclass

from apps.flows.rules.delivery_plan import DeliveryPlan, MilestonePlan, RatePlan

# In the order a reader wants them: does it still exist, whose is it, what is it, how much, when.
_EFFECTS = {
    "status": "",
    "client": "Contract and project move to the other client; invoices sent stay.",
    "name": "Contract and project are renamed in the project system and the ERP.",
    "currency": "Work not yet invoiced needs rates in the new currency; invoices sent stay.",
    "billing_method": "A new version of the contract's terms applies from the day it is accepted.",
    "value_amount": "Contract value and project budget change.",
    "cap_amount": "The cap changes; work beyond it is looked at again.",
    "budget_hours": "The project's budget of hours changes in the project system.",
    "rates": "New rates hold for work from the day they are accepted; work before keeps its rate.",
    "milestones": "Milestones not yet invoiced change; invoiced ones stay.",
    "start_date": "Contract and project start on the new date.",
    "end_date": "Contract and project end on the new date.",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    field: str
    before: str
    after: str
    effect: str


def proposal_for(before: DeliveryPlan, after: DeliveryPlan) -> list[Proposal]:
    """One line for each difference, with what accepting it would do."""
    old, new = _told(before), _told(after)
    if not _is_other_client(before, after):
        new["client"] = old["client"]
    special = {"status": _status_effect(after), "value_amount": _value_effect(before, after)}
    return [
        Proposal(field=field, before=old[field], after=new[field], effect=special.get(field) or effect)
        for field, effect in _EFFECTS.items()
        if old[field] != new[field]
    ]


def _told(plan: DeliveryPlan) -> dict[str, str]:
    contract = plan.contract
    return {
        "status": "won" if plan.is_won else "not won",
        "client": " ".join(part for part in (plan.client_name, f"[{contract.client_id}]") if part != "[]"),
        "name": contract.name,
        "currency": contract.currency,
        "billing_method": contract.billing_method.value,
        "value_amount": _text(contract.value_amount),
        "cap_amount": _text(contract.cap_amount),
        "budget_hours": _text(plan.project.budget_hours),
        "rates": _rates(contract.rates),
        "milestones": _milestones(plan.milestones),
        "start_date": _text(contract.start_date),
        "end_date": _text(contract.end_date),
    }


def _is_other_client(before: DeliveryPlan, after: DeliveryPlan) -> bool:
    """By id where both have one: a client that was renamed, or created since, is still the same."""
    old, new = before.contract.client_id, after.contract.client_id
    return old != new if old and new else before.client_name != after.client_name


def _status_effect(after: DeliveryPlan) -> str:
    if after.is_won:
        return "The deal is won again; contract and project continue as they are."
    return "Nothing is deleted: close the project and stop billing if the work really ends."


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
