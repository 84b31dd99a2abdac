"""Logging in: who we are, one renewal after a 401, one for fifty workers."""

from concurrent.futures import ThreadPoolExecutor

from apps.connectors.auth import is_renewable
from apps.connectors.client import VendorClient
from apps.connectors.manifest.auth import OAuth2Code
from conformance.bench import Bench
from conformance.joining import Connect
from conformance.result import CheckExempt, need

WORKERS = 50


def verification(bench: Bench) -> str:
    found = bench.client().verify()
    need(found.account_id, "the verification told no account id")
    return f"“Test connection” tells the account {found.account_name!r}."


def one_renewal(bench: Bench) -> str:
    client = bench.client(connect=_renewable(bench))
    client.verify()
    bench.expire()
    bench.call(bench.vendor.log.clear)

    client.verify()

    times = bench.renewals()
    need(times == 1, f"after one 401 the log-in was renewed {times} times")
    return "After a 401 the log-in is renewed once and the call succeeds."


def token_race(bench: Bench) -> str:
    connect = _renewable(bench)
    config, credentials = bench.settings(connect)
    tokens = bench.storing.tokens(bench.manifest, config, credentials)
    clients = [VendorClient(bench.manifest, config=config, tokens=tokens) for _ in range(WORKERS)]
    clients[0].verify()
    for client in clients:
        client._transport._current()  # every worker holds the token that is about to run out
    bench.expire()
    bench.call(bench.vendor.log.clear)

    with ThreadPoolExecutor(WORKERS) as pool:
        answers = list(pool.map(lambda client: client.verify().account_id, clients))

    times = bench.renewals()
    need(len(set(answers)) == 1, "the workers do not agree on the account")
    need(times == 1, f"{WORKERS} workers renewed the log-in {times} times instead of once")
    method = bench.manifest.method(connect.method)
    if not isinstance(method, OAuth2Code):
        return f"{WORKERS} workers at once: one renewal."
    later = bench.storing.again(tokens)
    kept, began = later.read().credentials.get("refresh_token"), credentials.get("refresh_token")
    if bench.vendor.oauth.rotates_refresh:
        need(kept != began, "the vendor gave a new refresh token and the old one is still stored")
    bench.expire()
    VendorClient(bench.manifest, config=config, tokens=later).verify()
    return f"{WORKERS} workers at once: one renewal, and the stored refresh token opens the next."


def _renewable(bench: Bench) -> Connect:
    connect = bench.join.renew or bench.join.connect
    method = bench.manifest.method(connect.method)
    if not is_renewable(method):
        raise CheckExempt(f"Logging in by {method.kind} knows nothing that could be renewed.")
    return connect
