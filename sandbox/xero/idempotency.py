"""Idempotency-Key: the same key with the same request gives the first answer again; with another one, 400."""

import hashlib

from sandbox.framework.http import Call, Handler, Refusal, Reply
from sandbox.xero.answers import invalid_post

HEADER = "Idempotency-Key"
LONGEST = 128


def run_once(handler: Handler, call: Call) -> Reply:
    key = call.headers.get(HEADER, "")
    if not key or call.method not in ("PUT", "POST"):
        return handler(call)
    if len(key) > LONGEST:
        raise Refusal(invalid_post(f"{HEADER} must not be longer than {LONGEST} characters"))
    fingerprint = hashlib.sha256(f"{call.method} {call.path} ".encode() + call.body).hexdigest()
    known = call.store.peek(call.account, "idempotency_keys", key)
    if known is None:
        reply = handler(call)
        call.store.put(
            call.account, "idempotency_keys", key,
            {"id": key, "fingerprint": fingerprint, "status": reply.status, "body": reply.body},
        )  # fmt: skip
        return reply
    if known["fingerprint"] != fingerprint:
        raise Refusal(invalid_post(f"{HEADER} {key!r} was already used with another request"))
    return Reply(known["body"], known["status"])
