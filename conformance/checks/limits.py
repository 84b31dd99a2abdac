"""Limits: the vendor's wish to wait, to the second, and a ledger that agrees with the vendor's count."""

from apps.connectors.manifest import Family
from apps.connectors.types import VendorTransientError
from conformance.bench import Bench
from conformance.result import CheckExempt, CheckFailed, need
from sandbox.framework.limits import Verdict

WAITS = (7, 41)


def rate_limit(bench: Bench) -> str:
    client = bench.client()
    client.verify()
    told = _is_told(bench)
    default = bench.manifest.client.rate.retry_after_default
    for wait in WAITS:
        bench.clear()
        bench.fault("429", arg=str(wait), count=1)
        try:
            client.verify()
        except VendorTransientError as error:
            need(error.family is Family.RATE_LIMITED, f"a refusal for too many calls was taken for {error.family}")
            found = error.retry_after_seconds
        else:
            raise CheckFailed("a refusal for too many calls went unnoticed")
        wanted = wait if told else default
        need(
            found is not None and abs(found - wanted) <= 1,
            f"the vendor {'asked for' if told else 'says nothing, so the manifest waits'} {wanted} s; we would wait {found}",
        )
    windows = _windows(bench)
    if told:
        return f"Too many calls: the wait the vendor asks for is kept to the second ({windows})."
    return f"Too many calls: the vendor names no time, the manifest waits {default} s ({windows})."


def ledger(bench: Bench) -> str:
    if not bench.storing.has_database:
        raise CheckExempt("The ledger needs a database: run inside a partner's schema (`--schema`).")
    return bench.storing.check_ledger(bench)  # type: ignore[attr-defined, no-any-return]


def _is_told(bench: Bench) -> bool:
    """Whether the vendor's refusal names a time: two refusals with different waits then differ."""

    def shape(wait: int) -> tuple[str, str]:
        reply = bench.vendor.too_many(Verdict(False, {}, "", wait))
        return str(sorted(reply.headers.items())), ""

    first, second = bench.call(lambda: (shape(WAITS[0]), shape(WAITS[1])))
    return bool(first != second)


def _windows(bench: Bench) -> str:
    """Every window of the vendor, narrowed to one call, refuses the second."""
    client = bench.client()
    client.verify()
    names = []
    wide = bench.call(lambda: {window.name: (1_000_000, window.seconds) for window in bench.vendor.limiter.windows})
    for window in bench.call(lambda: list(bench.vendor.limiter.windows)):
        if window.path:
            continue
        narrow = {**wide, window.name: (1, window.seconds)}
        bench.call(lambda narrow=narrow: bench.vendor.limiter.configure(windows=narrow))
        try:
            for _ in range(3):
                client.verify()
        except VendorTransientError as error:
            need(error.family is Family.RATE_LIMITED, f"window {window.name}: taken for {error.family}")
            names.append(window.name)
        else:
            raise CheckFailed(f"the vendor's window {window.name} was full and nobody noticed")
        finally:
            bench.call(lambda: bench.vendor.limiter.configure(windows=wide))
    return ", ".join(names) or "no windows"
