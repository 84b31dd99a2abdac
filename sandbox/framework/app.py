"""Turns a `Vendor` into an aiohttp application: log, faults, authorisation, limits, one transaction per request."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.framework import control, hostile, inspector, oauth
from sandbox.framework.faults import HOSTILE_KINDS, Fault, UnknownFaultError
from sandbox.framework.http import Call, Handler, Refusal, Reply
from sandbox.framework.limits import Verdict
from sandbox.framework.vendor import Vendor

MAX_BODY = 10 * 1024 * 1024
_HTML_FAULT = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We'll be right back</h1></body></html>"
)

AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(vendor: Vendor) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY)
    for method, pattern, handler in vendor.routes():
        app.router.add_route(method, pattern, _api(vendor, handler))
    for path in vendor.oauth.authorize:
        app.router.add_route("GET", path, _plain(vendor, _consent_page))
        app.router.add_route("POST", path, _plain(vendor, _consent_answer))
    for path in vendor.oauth.token:
        app.router.add_route("POST", path, _plain(vendor, _token))
    control.add_routes(app, vendor)
    inspector.add_routes(app, vendor)
    app.router.add_route("*", "/{rest:.*}", _api(vendor, _nothing_here))
    return app


def _nothing_here(call: Call) -> Reply:
    return call.vendor.no_such_path(call.method, call.path)


async def _consent_page(vendor: Vendor, request: web.Request) -> Reply:
    return oauth.consent_page(vendor, request.query)


async def _consent_answer(vendor: Vendor, request: web.Request) -> Reply:
    posted = await request.post()
    form = {name: str(value) for name, value in posted.items()}
    chosen = [str(value) for value in posted.getall("account", [])]
    return oauth.consent_answer(vendor, form, chosen, vendor.clock())


async def _token(vendor: Vendor, request: web.Request) -> Reply:
    return oauth.token_answer(vendor, await request.read(), request.headers, vendor.clock())


def _plain(vendor: Vendor, handler: Callable[[Vendor, web.Request], Awaitable[Reply]]) -> AiohttpHandler:
    """The OAuth pages: logged, and open to faults, but needing no token."""

    async def run(request: web.Request) -> web.StreamResponse:
        started, now = time.perf_counter(), vendor.clock()
        try:
            fault = vendor.faults.for_request(request.method, request.path, request.headers)
        except UnknownFaultError as error:
            return _response(Reply({"message": str(error)}, 400))
        reply = _fault_answer(vendor, fault)
        if reply is None:
            await _slow(fault)
            if fault and fault.kind == "drop_before":
                return _abort(request)
            reply = await handler(vendor, request)
        _log(vendor, request, reply, now=now, started=started, fault=fault, body=await _body(request))
        if fault and fault.kind == "drop_after":
            return _abort(request)
        return _response(reply)

    return run


def _api(vendor: Vendor, handler: Handler) -> AiohttpHandler:
    async def run(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        call = Call(
            vendor=vendor, store=vendor.store, now=vendor.clock(), method=request.method, path=request.path,
            url=str(request.url), query=request.query, headers=request.headers, body=await request.read(),
            params=request.match_info,
        )  # fmt: skip
        try:
            fault = vendor.faults.for_request(call.method, call.path, call.headers, call.body)
        except UnknownFaultError as error:
            return _response(Reply({"message": str(error)}, 400))
        reply = await _answer(vendor, handler, call, fault)
        _log(
            vendor, request, reply, now=call.now, started=started, fault=fault, body=call.body, account=call.account,
            resource=call.resource, operation=call.operation,
        )  # fmt: skip
        if fault and fault.kind in ("drop_before", "drop_after"):
            return _abort(request)
        if fault and fault.kind in HOSTILE_KINDS:
            return await hostile.answer(request, reply, fault)
        return _response(reply)

    return run


async def _answer(vendor: Vendor, handler: Handler, call: Call, fault: Fault | None) -> Reply:
    try:
        vendor.authenticate(call)
    except Refusal as refusal:
        return vendor.finish(call, refusal.reply)
    vendor.limiter.in_flight[call.account] += 1
    try:
        verdict = vendor.limiter.take(call.account, call.now, call.path)
        headers = vendor.limit_headers(verdict)
        planned = _fault_answer(vendor, fault)
        if planned is not None or not verdict.allowed:
            reply = planned or vendor.too_many(verdict)
        else:
            await _slow(fault)
            if fault and fault.kind == "drop_before":
                return Reply({"message": "dropped before anything was done"}, 499)
            reply = await vendor.elsewhere(call) or _commit(vendor, handler, call)
    finally:
        vendor.limiter.in_flight[call.account] -= 1
    return vendor.finish(call, Reply(reply.body, reply.status, {**headers, **reply.headers}, reply.content_type))


def _commit(vendor: Vendor, handler: Handler, call: Call) -> Reply:
    """Run the handler in one transaction; a refusal or a defect leaves nothing behind."""
    try:
        with vendor.store.transaction():
            reply = vendor.run(handler, call)
    except Refusal as refusal:
        return refusal.reply
    if vendor.webhooks is not None:
        vendor.webhooks.wake()
    return reply


def _fault_answer(vendor: Vendor, fault: Fault | None) -> Reply | None:
    if fault is None:
        return None
    if fault.kind == "429":
        return vendor.too_many(Verdict(False, {}, "", int(fault.seconds(1))))
    if fault.kind == "500":
        return vendor.failure()
    if fault.kind == "expired_token":
        return vendor.unauthorized("This access token has expired", expired=True)
    if fault.kind == "html":
        return Reply(_HTML_FAULT, int(fault.seconds(200)), content_type="text/html")
    return None


async def _slow(fault: Fault | None) -> None:
    if fault and fault.kind == "slow":
        await asyncio.sleep(fault.seconds(5))


async def _body(request: web.Request) -> bytes:
    # After `post()` aiohttp keeps no raw form; `read()` gives what it still has.
    return await request.read()


def _abort(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _response(reply: Reply) -> web.Response:
    return web.Response(
        text=reply.text(), status=reply.status, headers=reply.headers, content_type=reply.content_type, charset="utf-8"
    )


def _log(
    vendor: Vendor, request: web.Request, reply: Reply, *, now: Any, started: float, fault: Fault | None,
    body: bytes, account: str = "", resource: str = "", operation: str = "",
) -> None:  # fmt: skip
    vendor.log.add(
        at=now, method=request.method, path=request.path_qs, status=reply.status, account=account,
        fault=f"{fault.kind}:{fault.arg}".rstrip(":") if fault else "",
        milliseconds=(time.perf_counter() - started) * 1000, headers=request.headers, body=body, answer=reply.text(),
        resource=resource, operation=operation,
    )  # fmt: skip
