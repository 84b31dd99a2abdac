"""What only the engine can do: keep subscriptions alive, and stop before burying most of what is known."""

from conformance.bench import Bench
from conformance.result import CheckExempt


def webhook_subscription(bench: Bench) -> str:
    return _in_schema(bench, "check_subscription", "Keeping subscriptions")


def mass_deletion(bench: Bench) -> str:
    return _in_schema(bench, "check_mass_deletion", "Applying deletions")


def _in_schema(bench: Bench, name: str, what: str) -> str:
    if not bench.storing.has_database:
        raise CheckExempt(f"{what} needs a database: run inside a partner's schema (`--schema`).")
    return str(getattr(bench.storing, name)(bench))
