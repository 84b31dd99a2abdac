"""Webhooks: the practice vendor really sends one, it is caught as it came, and shown to the connector in many shapes."""

import asyncio
import dataclasses
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from apps.connectors.manifest import Manifest
from apps.connectors.templates import fill_text
from apps.connectors.types import WebhookVerdict
from apps.connectors.webhooks import verify_webhook, webhook_secret_name
from conformance.bench import Bench
from conformance.result import CheckExempt, CheckFailed, need
from sandbox.declarative.vendor import DeclaredVendor

WAIT_SECONDS = 20
LONGEST = 900  # seconds a webhook may be under way
HUGE = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Caught:
    """One request of the vendor, as it came in."""

    manifest: Manifest
    secret: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    record_id: str
    object_name: str
    at: datetime

    def judge(self, *, secret: str | None = None, now: datetime | None = None, body: bytes | None = None,
              headers: dict[str, str] | None = None, url: str | None = None) -> WebhookVerdict:  # fmt: skip
        return verify_webhook(
            self.manifest, self.secret if secret is None else secret, method=self.method, url=url or self.url,
            headers=self.headers if headers is None else headers, body=self.body if body is None else body,
            now=now or self.at,
        )  # fmt: skip


def good(bench: Bench) -> str:
    caught = _caught(bench)
    verdict = caught.judge()
    need(verdict.accepted, f"a genuine webhook is refused: {verdict.reason}")
    ids = [event.external_id for event in verdict.events]
    need(caught.record_id in ids, f"the event about {caught.record_id} is read as about {ids}")
    named = {event.object_name for event in verdict.events}
    need(caught.object_name in named, f"the event about {caught.object_name} is read as about {named}")
    return f"A genuine webhook is accepted and names the right record ({caught.object_name})."


def forged(bench: Bench) -> str:
    _signed(bench)
    caught = _caught(bench)
    # Some vendors carry the key itself in the body.
    bare = caught.body.replace(caught.secret.encode(), b"") if _kind(bench) == "secret_body" else None
    forgeries: dict[str, WebhookVerdict] = {
        "another key": caught.judge(secret=secrets.token_hex(8)),
        "no signature": caught.judge(headers={}, url=caught.url.partition("?")[0], body=bare),
    }
    if bench.manifest.webhooks is not None and bench.manifest.webhooks.signature.kind == "hmac":
        forgeries["another body"] = caught.judge(body=caught.body.replace(b"}", b" }", 1))
    for kind, verdict in forgeries.items():
        need(not verdict.accepted, f"a forgery ({kind}) is accepted")
        need(verdict.status in (400, 401, 403), f"a forgery ({kind}) is answered with {verdict.status}")
    return f"Forgeries are refused ({', '.join(forgeries)})."


def stale(bench: Bench) -> str:
    signature = _signed(bench)
    caught = _caught(bench)
    if not _has_time(caught, signature):
        raise CheckExempt("The vendor signs no time: a replay is dropped by its event id alone.")
    need(
        signature.tolerance_seconds <= LONGEST,
        f"a webhook may be {signature.tolerance_seconds} s old: a replay would pass",
    )
    late = caught.judge(now=caught.at + timedelta(seconds=int(signature.tolerance_seconds) + 60))
    need(not late.accepted, "a webhook that was signed long ago is accepted")
    need(caught.judge(now=caught.at + timedelta(seconds=5)).accepted, "a webhook that took 5 s is refused")
    return f"A webhook older than {signature.tolerance_seconds} s is refused."


def replayed(bench: Bench) -> str:
    caught = _caught(bench)
    first, second = caught.judge(), caught.judge()
    ids = [[event.event_id for event in verdict.events] for verdict in (first, second)]
    need(all(ids[0]), "the event has no id: a repetition could not be recognised")
    need(ids[0] == ids[1], "the same webhook has other event ids the second time")
    need(len(set(ids[0])) == len(ids[0]), "two events of one webhook have the same id: one would be dropped")
    return "A repeated webhook has the same event ids, so it is kept once."


def out_of_order(bench: Bench) -> str:
    with _listening(bench) as (name, received):
        made = bench.make(name)
        received.wait(1)
        first = received.take()
        bench.touch(name, made)
        received.wait(1)
        second = received.take()
    verdicts = [_as_caught(bench, item, name, made).judge() for item in (*second, *first)]
    ids = [event.event_id for verdict in verdicts for event in verdict.events if event.external_id == made]
    need(len(ids) >= 2, f"making and changing a record gave {len(ids)} events about it")
    need(len(set(ids)) == len(ids), "different events about one record have the same id")
    found = bench.client().fetch(name, made)
    need(found is not None, "the record that the events name cannot be fetched")
    return "Events out of order are told apart, and the record is fetched as it is now."


def unknown(bench: Bench) -> str:
    """The same signature rules over an event of a kind the manifest does not know."""
    caught = _caught(bench)
    spec = bench.manifest.webhooks
    assert spec is not None
    text = json.loads(caught.body)
    verdict = verify_webhook(
        _unsigned(bench.manifest), caught.secret, method=caught.method, url=caught.url,
        headers=_renamed(caught.headers, list(spec.events.objects)),
        body=json.dumps(_renamed(text, list(spec.events.objects))).encode(), now=caught.at,
    )  # fmt: skip
    need(verdict.accepted and verdict.status == 200, f"an event of an unknown kind is refused: {verdict.reason}")
    named = [event.object_name for event in verdict.events if event.object_name]
    need(not named, f"an event of an unknown kind is taken for one about {named}")
    return "An event of a kind we do not know is accepted and passed over."


def huge(bench: Bench) -> str:
    caught = _caught(bench)
    for body in (b"[" + b" " * HUGE + b"]", b"x" * HUGE, b"[" * 100_000, b'{"a":' * 50_000):
        began = time.monotonic()
        try:
            verdict = caught.judge(body=body)
        except RecursionError as error:
            raise CheckFailed("a deeply nested body ends in a crash") from error
        need(time.monotonic() - began < 2, "judging a body of 1 MB takes more than 2 s")
        if _kind(bench) == "hmac":
            need(not verdict.accepted, "a body of 1 MB with another body's signature is accepted")
    return "A body of 1 MB is judged without harm."


# Catching one


class _Received:
    def __init__(self, told: Callable[[], str] = str) -> None:
        self.told = told
        """What the vendor knows of its deliveries here."""
        self.items: list[tuple[str, str, dict[str, str], bytes]] = []
        self.changed = threading.Condition()

    def add(self, item: tuple[str, str, dict[str, str], bytes]) -> None:
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    def wait(self, least: int) -> None:
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.items) >= least, timeout=WAIT_SECONDS):
                raise CheckFailed(f"the practice vendor sent no webhook within {WAIT_SECONDS} s ({self.told()})")
        time.sleep(0.2)  # what belongs together arrives together

    def take(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        with self.changed:
            taken, self.items = self.items, []
        return taken


@contextmanager
def _listening(bench: Bench) -> Iterator[tuple[str, _Received]]:
    """An address that takes the vendor's webhooks; hands out the object whose records make them."""
    name = _subject(bench)
    received = _Received()
    manifest, secret = bench.manifest, _secret(bench)

    class Target(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = f"http://127.0.0.1:{self.server.server_port}{self.path}"  # type: ignore[attr-defined]
            headers = dict(self.headers.items())
            verdict = verify_webhook(
                manifest, secret, method="POST", url=url, headers=headers, body=body, now=datetime.now(UTC)
            )
            echoed = next(
                (values[0] for values in parse_qs(urlsplit(self.path).query).values() if verdict.reply in values), ""
            )
            reply = (verdict.reply or echoed).encode()
            self.send_response(verdict.status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)
            if not verdict.handshake:
                received.add(("POST", url, headers, body))

        def log_message(self, *_args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/hooks/practice"
    number = _subscribe(bench, address)
    hooks = bench.vendor.webhooks
    assert hooks is not None
    received.told = lambda: str(bench.call(lambda: hooks.told(number)))
    try:
        yield name, received
    finally:
        bench.call(lambda: hooks.forget(number))
        server.shutdown()
        server.server_close()


def _subscribe(bench: Bench, address: str) -> str:
    hooks = bench.vendor.webhooks
    if hooks is None:
        raise CheckFailed("the manifest takes webhooks; the practice vendor sends none")
    work = hooks.subscribe(account=bench.account["id"], target_url=address, events=bench.join.webhook_events)
    subscription = asyncio.run_coroutine_threadsafe(work, bench.served.loop).result(30)
    need(
        subscription["status"] == "active",
        f"the vendor's trial of the address failed: {subscription['status']} ({subscription['last_result']})",
    )
    return str(subscription["id"])


def _caught(bench: Bench) -> Caught:
    with _listening(bench) as (name, received):
        made = bench.make(name)
        received.wait(1)
        items = received.take()
    for item in items:
        caught = _as_caught(bench, item, name, made)
        if made.encode() in item[3]:
            return caught
    raise CheckFailed(f"the vendor's webhook does not name the record {made} that was made")


def _as_caught(bench: Bench, item: tuple[str, str, dict[str, str], bytes], name: str, made: str) -> Caught:
    method, url, headers, body = item
    return Caught(bench.manifest, _secret(bench), method, url, headers, body, made, name, datetime.now(UTC))


def _subject(bench: Bench) -> str:
    """The first object whose records make events."""
    spec = bench.manifest.webhooks
    if spec is None:
        raise CheckExempt("The connector takes no webhooks; it is read on a schedule.")
    for name in spec.events.objects.values():
        if bench.makable(name):
            return name
    raise CheckExempt("The kit can make records of none of the objects that send events.")


def _secret(bench: Bench) -> str:
    spec = bench.manifest.webhooks
    if spec is not None and spec.signature.key_from:
        # The vendor tells it at an address of its own; what the address is, the webhook says.
        return str(bench.account["webhook_signing_key"])
    config, credentials = bench.settings(bench.join.connect)
    # What the vendor signs with where a subscription was told no key of its own.
    subscription = {"secret": bench.account.get("webhook_signing_key", "")}
    known = {"config": config, "credentials": credentials, "subscription": subscription}
    return fill_text(webhook_secret_name(bench.manifest), known)


def _kind(bench: Bench) -> str:
    return str(bench.manifest.webhooks.signature.kind) if bench.manifest.webhooks else "none"


def _signed(bench: Bench) -> Any:
    if bench.manifest.webhooks is not None and _kind(bench) == "none":
        need(not _vendor_signs(bench), "the vendor signs its webhooks and the manifest does not look at the signature")
        raise CheckExempt("The vendor signs nothing; the address itself is the secret.")
    _subject(bench)
    assert bench.manifest.webhooks is not None
    return bench.manifest.webhooks.signature


def _vendor_signs(bench: Bench) -> bool:
    if not isinstance(bench.vendor, DeclaredVendor):
        return bench.vendor.webhooks is not None
    spec = bench.vendor.file.webhooks
    told = str([spec.headers, spec.query, spec.each, spec.body]) if spec else ""
    return "signature" in told or "secret" in told


def _has_time(caught: Caught, signature: Any) -> bool:
    """Whether the signature knows a time at all: a timestamp among what is signed."""
    return bool(signature.timestamp_header) or "timestamp" in list(getattr(signature, "signed", []))


def _unsigned(manifest: Manifest) -> Manifest:
    assert manifest.webhooks is not None
    signature = manifest.webhooks.signature.model_copy(update={"kind": "none"})
    return manifest.model_copy(update={"webhooks": manifest.webhooks.model_copy(update={"signature": signature})})


def _renamed(body: Any, known: list[str]) -> Any:
    """Every text by which the manifest tells an object replaced by one nobody knows."""
    if isinstance(body, dict):
        return {name: _renamed(value, known) for name, value in body.items()}
    if isinstance(body, list):
        return [_renamed(value, known) for value in body]
    if isinstance(body, str) and any(fnmatchcase(body, pattern) for pattern in known if pattern != "*"):
        return "practice.never_heard_of"
    return body
