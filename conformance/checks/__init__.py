"""The checks, in the order they are told. Each takes a `Bench` and says in a sentence what it saw."""

from collections.abc import Callable

from conformance.bench import Bench
from conformance.checks import batches, guards, hostile, keeping, limits, login, reading, webhooks, writing

Check = Callable[[Bench], str]

CHECKS: dict[str, Check] = {
    "verification": login.verification,
    "one_renewal": login.one_renewal,
    "token_race": login.token_race,
    "pages_under_change": reading.pages_under_change,
    "late_commit": reading.late_commit,
    "fetch_one": reading.fetch_one,
    "deletion": reading.deletion,
    "mass_deletion": keeping.mass_deletion,
    "rate_limit": limits.rate_limit,
    "ledger": limits.ledger,
    "server_error": writing.server_error,
    "dropped_before": writing.dropped_before,
    "dropped_after": writing.dropped_after,
    "refused_write": writing.refused_write,
    "stale_version": guards.stale_version,
    "batches": batches.batches,
    "webhook_subscription": keeping.webhook_subscription,
    "webhook_good": webhooks.good,
    "webhook_forged": webhooks.forged,
    "webhook_stale": webhooks.stale,
    "webhook_replayed": webhooks.replayed,
    "webhook_out_of_order": webhooks.out_of_order,
    "webhook_unknown": webhooks.unknown,
    "webhook_huge": webhooks.huge,
    "unknown_fields": hostile.unknown_fields,
    "missing_fields": hostile.missing_fields,
    "wrong_types": hostile.wrong_types,
    "html": hostile.html,
    "slow_loris": hostile.slow_loris,
    "gzip_lies": hostile.gzip_lies,
    "redirect": hostile.redirect,
}
