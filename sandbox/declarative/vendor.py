"""A practice vendor made of its `vendor.yaml` and, where data cannot say it, `behaviour.py` beside it."""

import hashlib
import importlib
import importlib.util
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from sandbox.declarative import access, hooks, problems, rpc
from sandbox.declarative.conditions import Record
from sandbox.declarative.ids import from_pattern, new_id
from sandbox.declarative.language import OAuth2, Session, VendorFile
from sandbox.declarative.loading import CATALOG, VendorFileError, folder, load
from sandbox.declarative.operations import body_of, need_headers, routes
from sandbox.declarative.problems import Problem
from sandbox.declarative.published import Watch
from sandbox.declarative.records import Records
from sandbox.declarative.samples import sample
from sandbox.declarative.templates import fill, fill_text, get
from sandbox.framework import jsontext
from sandbox.framework.clock import Clock, iso_seconds, parse_moment, utc_now
from sandbox.framework.http import Call, Handler, Refusal, Reply
from sandbox.framework.limits import Verdict, Window
from sandbox.framework.store import SYSTEM, Document, Store
from sandbox.framework.vendor import Action, ActionError, ActionField, OAuthPaths, Route, Vendor
from sandbox.framework.webhooks import Signer

BEHAVIOUR = ("before", "before_save", "after_save", "render", "routes", "actions", "prepare")


class DeclaredVendor(Vendor):
    def __init__(
        self, store: Store, *, file: VendorFile, name: str, behaviour: ModuleType | None = None, clock: Clock = utc_now
    ) -> None:
        self.file, self.name, self.label, self.behaviour = file, name, file.vendor.name, behaviour
        self.api_prefix = file.vendor.prefix
        self.windows = tuple(Window(item.name, item.requests, item.seconds, item.path) for item in file.limits.windows)
        self.concurrent = file.limits.concurrent
        self.oauth = _oauth(file)
        self._sessions = [auth for auth in file.auth if isinstance(auth, Session)]
        self._open = {auth.path for auth in self._sessions} | ({file.rpc.path} if file.rpc else set())
        self._signer = hooks.FileSigner(self, file.webhooks) if file.webhooks else None
        self.watch: Watch | None = None  # set by tests where the published files are at hand
        super().__init__(store, clock=clock)

    @property
    def session_paths(self) -> list[str]:
        return [auth.path for auth in self._sessions]

    # Routes

    def routes(self) -> list[Route]:
        own: list[Route] = list(self._of_behaviour("routes", []))
        taken = {route[:2] for route in own}
        found = [*own, *(route for route in routes(self) if route[:2] not in taken)]
        for auth in self._sessions:
            found.append((auth.method, auth.path, lambda call, auth=auth: access.log_in(self, auth, call)))
        if self.file.rpc is not None:
            found.append(("POST", self.file.rpc.path, lambda call: rpc.answer(self, call)))
        return found

    def actions(self) -> list[Action]:
        resource = ActionField(
            "resource", "Kind of record", choices=lambda _account: [(n, n) for n in self.file.resources]
        )
        values = ActionField("values", "Values (JSON)", value="{}", required=False)
        return [
            *self._of_behaviour("actions", []),
            Action("make", "Make a record", self._make, fields=(resource, values)),
            Action("change", "Change a record", self._change, fields=(resource, ActionField("id", "Id"), values)),
            Action("remove", "Delete a record", self._remove, fields=(resource, ActionField("id", "Id"))),
        ]

    def authenticate(self, call: Call) -> None:
        if call.path in self._open:
            return
        with self._told(call.now):
            call.account = access.account_of(self, call)
            need_headers(call, self.file.defaults.required_headers)
            self._check_tenant(call)

    def run(self, handler: Handler, call: Call) -> Reply:
        with self._told(call.now):
            return self._once(handler, call)

    def finish(self, call: Call, reply: Reply) -> Reply:
        if self.watch is not None:
            self.watch.note(call, reply)
        headers = {name: fill_text(value, {"request_id": secrets.token_hex(8)})
                   for name, value in self.file.defaults.answer_headers.items()}  # fmt: skip
        return Reply(reply.body, reply.status, {**headers, **reply.headers}, reply.content_type)

    # Refusals

    def malformed(self, message: str) -> Reply:
        return self._problem("malformed", message)

    def unauthorized(self, message: str, *, expired: bool = False) -> Reply:
        return self._problem("expired" if expired else "unauthorized", message)

    def too_many(self, verdict: Verdict) -> Reply:
        values = {"retry_after": verdict.retry_after, "problem": verdict.problem or self._first_window()}
        return self._problem("rate_limited", "Too many requests", values={**values, **self._limit_values(verdict)})

    def failure(self) -> Reply:
        return self._problem("failure", "Something went wrong on our side")

    def no_such_path(self, method: str, path: str) -> Reply:
        return self._problem("no_such_path", f"There is no {method} {path}")

    def limit_headers(self, verdict: Verdict) -> dict[str, str]:
        values = self._limit_values(verdict)
        return {name: fill_text(text, values) for name, text in self.file.limits.headers.items()}

    # Accounts

    def assertion_account(self, assertion: str, now: datetime) -> Document | None:
        return access.assertion_account(self, assertion, now)

    def token_extra(self, pair: Mapping[str, Any]) -> dict[str, Any]:
        found = self.store.peek(SYSTEM, "tokens", str(pair["access_token"])) or {}
        known = access.values_of(self.account(found["account"]), self)
        return dict(fill(self.oauth.extra, {**known, "issued_at": str(int(self.clock().timestamp() * 1000))}))

    def new_account_id(self, slug: str) -> str:
        return str(new_id(self.file.vendor.account_id, self.store, SYSTEM, "account"))

    def prepare_account(self, account: Document) -> None:
        if "username" not in account:
            account |= {
                "username": f"practice-{secrets.token_hex(4)}@example.com",
                "password": secrets.token_urlsafe(24),
            }
            for name, pattern in self.file.vendor.credentials.items():
                account[name] = from_pattern(pattern, self.store, SYSTEM, f"{self.name} {name}")
            signed = [auth for auth in self.file.auth if isinstance(auth, OAuth2)]
            if any(auth.jwt_bearer or auth.client_assertion for auth in signed):
                account["private_key"], account["public_key"] = access.new_key_pair()
            self.store.put(SYSTEM, "accounts", account["id"], account)
        records = Records(self, account["id"], self.clock())
        for name, resource in self.file.resources.items():
            for given in resource.seed:
                records.create(name, fill(given, access.values_of(account, self)))
        self._of_behaviour("prepare", None, account)

    def credentials(self, account: Document) -> dict[str, str]:
        hidden = ("id", "order", "name", "slug", "currency", "public_key")
        return {"account_id": account["id"], **{name: value for name, value in account.items() if name not in hidden}}

    # Webhooks

    def webhook_signer(self) -> Signer | None:
        return self._signer

    def announce(self, records: Records, resource: str, record: Record, event: str) -> None:
        """Called with every saved record: subscriptions are kept, events queued."""
        spec = self.file.webhooks
        if spec is None or self._signer is None:
            return
        if spec.subscriptions and resource == spec.subscriptions.resource:
            hooks.keep_subscription(self, records, record, event)
            return
        action, name = self._signer.names(resource, event)
        if name and self.webhooks is not None:
            content = self._signer.event(records, resource, record, action, name)
            self.webhooks.queue(records.account, [name, resource], content)

    # Records past the API, for tests, training and the conformance kit

    def records(self, account: str) -> Records:
        return Records(self, account, self.clock())

    def make(self, account: str, resource: str, *, at: datetime | None = None, **values: Any) -> Record:
        """Make a valid record as somebody at the vendor would; what is not given is invented."""
        with self.store.transaction(), self._told(self.clock()):
            records = self.records(account)
            made = records.create(resource, sample(records, resource, values), at=at)
        if self.webhooks is not None:
            self.webhooks.wake()
        return made

    def query_name(self, resource: str) -> str:
        return self.file.resources[resource].query_name or resource

    def resource_named(self, name: str) -> str:
        """The resource a query or procedure names."""
        for resource in self.file.resources:
            if self.query_name(resource).lower() == name.lower():
                return resource
        known = ", ".join(sorted(map(self.query_name, self.file.resources)))
        raise Problem("bad_query", f"There is no {name}; the practice vendor has: {known}", field=name, given=name)

    # Inside

    def _make(self, account: str, params: Mapping[str, Any], _now: datetime) -> dict[str, Any]:
        made = self.make(account, self._resource(params), **_values(params))
        return {"message": f"{params['resource']} made.", "id": self.records(account).id_of(params["resource"], made)}

    def _change(self, account: str, params: Mapping[str, Any], _now: datetime) -> dict[str, Any]:
        records, name = self.records(account), self._resource(params)
        held = records.get(name, params["id"])
        if held is None:
            raise ActionError(f"There is no {name} {params['id']} in this account")
        records.assign(name, held, _values(params))
        return {"message": f"{name} {params['id']} changed.", "id": params["id"]}

    def _remove(self, account: str, params: Mapping[str, Any], _now: datetime) -> dict[str, Any]:
        records, name = self.records(account), self._resource(params)
        held = records.get(name, params["id"])
        if held is None:
            raise ActionError(f"There is no {name} {params['id']} in this account")
        records.delete(name, held)
        return {"message": f"{name} {params['id']} deleted.", "id": params["id"]}

    def _resource(self, params: Mapping[str, Any]) -> str:
        name = str(params.get("resource", ""))
        if name not in self.file.resources:
            raise ActionError(f"{self.label} has no {name!r}; it has: {', '.join(self.file.resources)}")
        return name

    def _once(self, handler: Handler, call: Call) -> Reply:
        """An idempotency key is answered from memory the second time."""
        spec = self.file.idempotency
        if spec is None or call.method not in spec.methods or call.path in self._open:
            return handler(call)
        if spec.where == "body":
            key = get(body_of(self, call), spec.name)
        else:
            key = call.headers.get(spec.name) if spec.where == "header" else call.query.get(spec.name)
        if not key:
            return handler(call)
        if len(str(key)) > spec.longest:
            raise Problem("invalid", f"{spec.name} may have at most {spec.longest} characters", field=spec.name)
        digest = hashlib.sha256(f"{call.method} {call.path}\n".encode() + call.body).hexdigest()
        held = self.store.get(call.account, "_keys", str(key))
        if held is not None and (call.now - parse_moment(held["at"])).total_seconds() < spec.seconds:
            if held["digest"] != digest and spec.other_body == "refuse":
                raise Problem("key_reused", f"{spec.name} was already used with another request", field=spec.name)
            return Reply(jsontext.loads(held["body"]), held["status"], {**held["headers"], **spec.replay_header})
        reply = handler(call)
        self.store.put(call.account, "_keys", str(key), {
            "digest": digest, "at": iso_seconds(call.now), "status": reply.status, "headers": reply.headers,
            "body": jsontext.dumps(reply.body),
        })  # fmt: skip
        return reply

    def _check_tenant(self, call: Call) -> None:
        tenant = self.file.tenant
        if tenant is None:
            return
        wanted = fill_text(tenant.value, access.values_of(self.account(call.account), self))
        if tenant.where == "path":
            given = call.params.get(tenant.name, wanted)  # a path without it is about no account in particular
        else:
            given = (call.headers if tenant.where == "header" else call.query).get(tenant.name, "")
        if given != wanted:
            raise Problem(tenant.case, f"{tenant.name} does not name an account this log-in opens", field=tenant.name)

    def _told(self, now: datetime) -> "_Told":
        return _Told(self, now)

    def _problem(self, case: str, message: str, *, values: Mapping[str, Any] | None = None) -> Reply:
        return problems.reply(self.file.errors, case, message, self.clock(), values=values)

    def _limit_values(self, verdict: Verdict) -> dict[str, Any]:
        now = self.clock().timestamp()
        limits = {window.name: window.requests for window in self.limiter.windows}
        waits = {name: max(0, round(verdict.reset.get(name, 0) + 0.5)) for name in limits}
        return {
            "remaining": {name: verdict.remaining.get(name, 0) for name in limits}, "limit": limits,
            "used": {name: limits[name] - verdict.remaining.get(name, 0) for name in limits}, "reset_in": waits,
            "reset": {name: int(now) + wait for name, wait in waits.items()},
            "reset_ms": {name: (int(now) + wait) * 1000 for name, wait in waits.items()},
        }  # fmt: skip

    def _first_window(self) -> str:
        return self.windows[0].name if self.windows else ""

    def _of_behaviour(self, name: str, otherwise: Any, *given: Any) -> Any:
        work = getattr(self.behaviour, name, None)
        return otherwise if work is None else work(self, *given)


class _Told:
    """Turns a `Problem` into the refusal the vendor would give."""

    def __init__(self, vendor: DeclaredVendor, now: datetime) -> None:
        self._vendor, self._now = vendor, now

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, Problem):
            raise problems.refusal(self._vendor.file.errors, error, self._now) from error


def declared(slug: str, store: Store, *, clock: Clock = utc_now) -> DeclaredVendor:
    """The practice vendor of `sandbox/catalog/<slug>/`."""
    return DeclaredVendor(store, file=load(slug), name=slug, behaviour=behaviour_of(slug), clock=clock)


def behaviour_of(slug: str) -> ModuleType | None:
    path = folder(slug) / "behaviour.py"
    if not path.is_file():
        return None
    module = _module(slug, path)
    own = {
        name for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    }  # fmt: skip
    if unknown := {name for name in own - set(BEHAVIOUR) if not isinstance(vars(module)[name], type)}:
        raise VendorFileError(
            f"{path}: found {sorted(unknown)}; allowed: {', '.join(BEHAVIOUR)}, and helpers that begin with _"
        )
    return module


def _module(slug: str, path: Path) -> ModuleType:
    if path.is_relative_to(CATALOG):
        return importlib.import_module(f"sandbox.catalog.{slug}.behaviour")
    spec = importlib.util.spec_from_file_location(f"practice_{slug}_behaviour", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _oauth(file: VendorFile) -> OAuthPaths:
    for auth in file.auth:
        if isinstance(auth, OAuth2):
            return OAuthPaths(
                authorize=tuple(auth.authorize), token=tuple(auth.token), access_seconds=auth.access_seconds,
                rotates_refresh=auth.rotates, client_credentials=auth.client_credentials, jwt_bearer=auth.jwt_bearer,
                client_assertion=auth.client_assertion, extra=dict(auth.extra),
            )  # fmt: skip
    return OAuthPaths(authorize=(), token=(), access_seconds=0, rotates_refresh=False)


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    given = params.get("values") or {}
    found: dict[str, Any] = jsontext.loads(given) if isinstance(given, str) else dict(given)
    return found


__all__ = ["DeclaredVendor", "Refusal", "declared"]
