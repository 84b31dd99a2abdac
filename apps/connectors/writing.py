"""Writes one record: prepares the call, sends it, says what became of it, and finds out when it is not sure."""

import copy
import dataclasses
from typing import Any

from apps.connectors.bodies import (
    Body,
    failed,
    id_in,
    is_alike,
    key_is_remembered,
    key_puts,
    marked,
    marker_for,
    outcome_of,
    redacted,
    unmet,
    uuid_for,
)
from apps.connectors.building import build
from apps.connectors.classify import Fault, fault_of
from apps.connectors.hooks import hooks_for
from apps.connectors.manifest import Family
from apps.connectors.manifest.objects import Batch, BodyLookup, ByIdempotencyKey, ByLookup, Guard, WriteSpec
from apps.connectors.manifest.requests import Lookup
from apps.connectors.paths import get, put, text_of
from apps.connectors.reading import Reader
from apps.connectors.sdk import HookContext
from apps.connectors.templates import fill
from apps.connectors.transport import Received, Transport
from apps.connectors.types import (
    Answer,
    PreparedCall,
    ProbeResult,
    ReauthorisationError,
    Record,
    VendorPermanentError,
    VendorTransientError,
)
from apps.core.http import (
    AnswerTooLargeError,
    BlockedAddressError,
    MaybeSentError,
    NotSentError,
    OutboundRequest,
    excerpt,
)
from apps.core.json_text import dump_bytes

__all__ = ["Writer", "marker_for"]


@dataclasses.dataclass(frozen=True, slots=True)
class _Version:
    """A record as it was read, and the vendor's name for that version of it."""

    record: Record
    token: Any


class Writer:
    """The writing half of a client."""

    def __init__(self, transport: Transport, reader: Reader) -> None:
        self.transport = transport
        self.manifest = transport.manifest
        self._reader = reader
        self._hooks = hooks_for(self.manifest)
        self._remembered: dict[tuple[str, str], Any] = {}

    def prepare(
        self,
        object_name: str,
        operation: str,
        body: Record,
        *,
        idempotency_key: str,
        external_id: str | None,
        variables: dict[str, Any] | None,
    ) -> PreparedCall:
        spec = self.manifest.write(object_name, operation)
        marker = marker_for(idempotency_key)
        content = self._content(object_name, operation, spec, body, marker)
        sent = {name: value for name, value in content.items() if name not in spec.consume}
        scope = self.transport.scope(
            external_id=self._reader.key(object_name, external_id),
            idempotency_key=idempotency_key,
            idempotency_uuid=uuid_for(idempotency_key),
            marker=marker,
            variables=variables or {},
        )
        # `${body}` is what is sent; `${body.x}` may also name a field that is only used in the address.
        scope["body"] = Body(sent, content)
        built = build(self.manifest, spec.request, scope, key_puts(spec, idempotency_key))
        return PreparedCall(
            object_name=object_name,
            operation=operation,
            request=self.transport.outbound(built),
            redacted_body=redacted(built.body, self.transport.secrets()),
            external_id=external_id,
            idempotency_key=idempotency_key,
            marker=marker,
            body=body,
            variables=variables or {},
            item=fill(copy.deepcopy(spec.batch.item), scope) if spec.batch else None,
        )

    def send_together(self, calls: list[PreparedCall]) -> list[Answer]:
        """Send writes of one operation in one request; the answers in their order."""
        spec = self.manifest.write(calls[0].object_name, calls[0].operation)
        if len(calls) == 1 or spec.batch is None:
            return [self.send(call) for call in calls]
        scope = self.transport.scope(items=[call.item for call in calls])
        request = self.transport.outbound(build(self.manifest, spec.batch.request, scope))
        received = self._exchanged(request)
        if isinstance(received, Answer):
            return [received] * len(calls)
        if received.fault is not None:
            return [self._fault(received.fault, received, in_batch=True)] * len(calls)
        found = get(received.body, spec.batch.results)
        results = found if isinstance(found, list) else []
        if spec.batch.key:
            by_key = {text_of(get(result, spec.batch.key)): result for result in results}
            results = [by_key.get(call.marker) for call in calls]
        elif len(results) != len(calls):
            results = [None] * len(calls)  # nobody can say which belongs to which
        return [self._one_of(call, spec.batch, received, one) for call, one in zip(calls, results, strict=True)]

    def _one_of(self, call: PreparedCall, batch: Batch, received: Received, result: Any) -> Answer:
        """What one result of a batch says about its write; its record shows nothing of the others."""
        received = self._share_of(call, received, result)
        status = text_of(get(result, batch.status)) if batch.status else ""
        is_failed = bool(batch.failed) and bool(get(result, batch.failed))
        if not isinstance(result, dict) or (batch.status and not status.isdigit()):
            text = f"{self.manifest.connector.name} took the batch, but said nothing about this write."
            return failed("uncertain", text, Family.TRANSIENT, received.response.call, "no_result")
        number = int(status) if status else received.response.status
        if is_failed and number < 300:
            number = 400
        body = get(result, batch.body)
        client, headers = self.manifest.client, received.response.headers
        fault = fault_of(
            client.errors, client.rate, status=number, headers=headers, body=body, now=self.transport.clock()
        )
        if fault is not None:
            return dataclasses.replace(self._fault(fault, received), status=number)
        return self._answer(call, dataclasses.replace(received, body=body))

    def _share_of(self, call: PreparedCall, received: Received, result: Any) -> Received:
        secrets = self.transport.secrets()
        own = dataclasses.replace(
            received.response.call,
            request_body=excerpt(dump_bytes(redacted(call.item, secrets)), secrets),
            response_body=excerpt(dump_bytes(result), secrets),
        )
        return dataclasses.replace(received, response=dataclasses.replace(received.response, call=own))

    def send(self, call: PreparedCall) -> Answer:
        spec = self.manifest.write(call.object_name, call.operation)
        if spec.look_up:
            completed = self._completed(call, spec)
            if isinstance(completed, Answer):
                return completed
            call = completed
        return self._guarded(call, spec.guard) if spec.guard else self._once(call)

    def _once(self, call: PreparedCall) -> Answer:
        received = self._exchanged(call.request)
        return received if isinstance(received, Answer) else self._answer(call, received)

    def _exchanged(self, request: OutboundRequest) -> Received | Answer:
        """The vendor's answer, or what became of a call that got none."""
        try:
            return self.transport.exchange(request)
        except NotSentError as error:
            return failed("not_sent", error.message, Family.TRANSIENT, error.call, error.code)
        except BlockedAddressError as error:
            return failed("refused", error.message, Family.PERMISSION, error.call, error.code)
        except (MaybeSentError, AnswerTooLargeError) as error:
            return failed("uncertain", error.message, Family.TRANSIENT, error.call, error.code)
        except VendorTransientError as error:
            return failed("not_sent", error.message, Family.TRANSIENT, error.call, error.code)
        except ReauthorisationError as error:
            return failed("refused", error.message, Family.AUTH, error.call, error.code)

    def _fault(self, fault: Fault, received: Received, *, in_batch: bool = False) -> Answer:
        outcome = outcome_of(fault.family, fault.may_have_happened)
        if in_batch and outcome == "refused" and fault.family is not Family.AUTH:
            outcome = "not_sent"  # one bad write shall not be held against the others: each is sent alone now
        return Answer(
            outcome=outcome,
            status=received.response.status,
            code=fault.code,
            message=fault.message,
            retry_after_seconds=fault.retry_after_seconds,
            family=fault.family,
            call=received.response.call,
        )

    def probe(
        self,
        object_name: str,
        operation: str,
        *,
        idempotency_key: str,
        marker: str,
        natural_key: str,
        body: Record,
        external_id: str | None,
        variables: dict[str, Any] | None,
        age_seconds: float | None,
    ) -> ProbeResult:
        spec = self.manifest.write(object_name, operation)
        content = self._content(object_name, operation, spec, body, marker)
        latest = ProbeResult("unknown", reason="the vendor offers no way to find out")
        for way in spec.probe:
            if isinstance(way, ByIdempotencyKey):
                if not key_is_remembered(spec, age_seconds):
                    continue
                call = self.prepare(
                    object_name,
                    operation,
                    body,
                    idempotency_key=idempotency_key,
                    external_id=external_id,
                    variables=variables,
                )
                result = self._ask_again(call)
            else:
                value = text_of(get(content, way.field)) if way.field else natural_key
                known = {"marker": marker, "idempotency_uuid": uuid_for(idempotency_key), "body": content}
                result = self._look(object_name, way, known, natural_key=value, age=age_seconds)
            if result.state != "unknown":
                return result
            latest = result
        if spec.repeatable:
            return ProbeResult("absent", reason="doing it again has the same effect, so it may be sent again")
        return latest

    def _content(self, object_name: str, operation: str, spec: WriteSpec, body: Record, marker: str) -> Record:
        """The body with its mark, after the connector's hook."""
        content: Record = copy.deepcopy(body)
        if spec.marker:
            content = marked(content, spec.marker, marker)
        hook = self._hooks.get("request_body")
        if hook is None:
            return content
        changed: Record = hook(content, HookContext(object_name, operation, self.transport.config))
        return changed

    def _completed(self, call: PreparedCall, spec: WriteSpec) -> PreparedCall | Answer:
        """The call with what the vendor has to be asked for first, or why it cannot be sent."""
        body = copy.deepcopy(call.body)
        for item in spec.look_up:
            if item.unless and get(body, item.unless) not in (None, "", [], {}):
                continue
            if item.only_with and get(body, item.only_with) in (None, "", [], {}):
                continue
            try:
                value = self._asked(call, item, body)
            except VendorTransientError as error:
                outcome = "rate_limited" if error.family is Family.RATE_LIMITED else "not_sent"
                answer = failed(outcome, error.message, error.family, error.call, error.code)
                return dataclasses.replace(answer, retry_after_seconds=error.retry_after_seconds)
            except VendorPermanentError as error:
                return failed("refused", error.message, error.family, error.call, error.code)
            if value is None:
                text = f"{self.manifest.connector.name}, {item.into}: {item.missing}."
                return failed("refused", text, Family.VALIDATION, None, "look_up_empty")
            put(body, item.into, value)
        return self.prepare(
            call.object_name,
            call.operation,
            body,
            idempotency_key=call.idempotency_key,
            external_id=call.external_id,
            variables=call.variables,
        )

    def _guarded(self, call: PreparedCall, guard: Guard) -> Answer:
        """Send a change for the version the record has now; when somebody was faster, decide by what they changed."""
        try:
            before = self._version(call, guard)
            answer = self._once(self._for_version(call, guard, before))
            if answer.outcome != "refused" or answer.family is not Family.CONFLICT:
                return answer
            after = self._version(call, guard)
            sent = {name: value for name, value in call.body.items() if name != guard.into.split(".")[0]}
            other = [name for name, value in sent.items() if not is_alike(after.record.get(name), value)]
            if not other:
                return dataclasses.replace(answer, outcome="done", external_id=call.external_id, record=after.record)
            touched = [name for name in other if not is_alike(after.record.get(name), before.record.get(name))]
            if touched:
                text = f"Somebody changed {', '.join(touched)} at {self.manifest.connector.name} at the same time"
                return dataclasses.replace(answer, message=f"{text} ({answer.message}).")
            return self._once(self._for_version(call, guard, after))
        except VendorTransientError as error:
            outcome = "rate_limited" if error.family is Family.RATE_LIMITED else "not_sent"
            found = failed(outcome, error.message, error.family, error.call, error.code)
            return dataclasses.replace(found, retry_after_seconds=error.retry_after_seconds)
        except VendorPermanentError as error:
            return failed("refused", error.message, error.family, error.call, error.code)

    def _version(self, call: PreparedCall, guard: Guard) -> "_Version":
        read = self.manifest.object(call.object_name).read
        lookup = guard.lookup or (read.fetch if read else None)
        assert lookup is not None  # the manifest's validation saw to it
        values = {"external_id": self._reader.key(call.object_name, call.external_id), "body": call.body}
        record, headers = self._reader.current(call.object_name, lookup, values)
        token = headers.get(guard.token_header.lower()) if guard.token_header else get(record, guard.token)
        if record is None or token in (None, ""):
            where = guard.token_header or guard.token
            raise VendorPermanentError(
                f"{self.manifest.connector.name}: the record to be changed was not found, or without a version at {where}.",
                family=Family.NOT_FOUND,
                call=None,
                code="no_version",
            )
        return _Version(record, token)

    def _for_version(self, call: PreparedCall, guard: Guard, version: "_Version") -> PreparedCall:
        if guard.kind == "if_match":
            headers = {**call.request.headers, guard.header: text_of(version.token)}
            return dataclasses.replace(call, request=dataclasses.replace(call.request, headers=headers))
        return self.prepare(
            call.object_name,
            call.operation,
            put(copy.deepcopy(call.body), guard.into, version.token),
            idempotency_key=call.idempotency_key,
            external_id=call.external_id,
            variables=call.variables,
        )

    def _asked(self, call: PreparedCall, item: BodyLookup, body: Record) -> Any:
        values = {"body": body, "external_id": self._reader.key(call.object_name, call.external_id)}
        question = (item.into, repr(fill(item.lookup.model_dump(), self.transport.scope(**values))))
        if question in self._remembered:
            return self._remembered[question]
        found = self._reader.look_up(call.object_name, item.lookup, values)
        value = get(found[0], item.value) if found else None
        if item.remember and value is not None:
            self._remembered[question] = value
        return value

    def _answer(self, call: PreparedCall, received: Received) -> Answer:
        spec = self.manifest.write(call.object_name, call.operation)
        fault, response = received.fault, received.response
        if fault is not None:
            return self._fault(fault, received)
        body = received.body
        hook = self._hooks.get("answer")
        if hook is not None:
            body = hook(body, HookContext(call.object_name, call.operation, self.transport.config))
        external_id = text_of(get(body, spec.answer_id)) if spec.answer_id else ""
        if not external_id and spec.answer_header:
            external_id = id_in(response.headers.get(spec.answer_header.lower(), ""))
        record = get(body, spec.answer_record) if body is not None else None
        problem = unmet(spec, body)
        if not problem and not external_id and not call.external_id and spec.answer_lookup:
            record, problem = self._read_back(call, spec.answer_lookup)
            external_id = text_of(get(record, self.manifest.object(call.object_name).primary_key))
        where = spec.answer_id or spec.answer_header
        if where and not external_id and not call.external_id:
            problem = problem or f"the answer carries no id at {where}"
        if problem:
            text = f"{self.manifest.connector.name} accepted the call, but {problem}."
            return failed("uncertain", text, Family.TRANSIENT, response.call, "unexpected_answer", response.status)
        return Answer(
            outcome="done",
            external_id=external_id or call.external_id,
            record=record if isinstance(record, dict) else None,
            status=response.status,
            call=response.call,
        )

    def _read_back(self, call: PreparedCall, lookup: Lookup) -> tuple[Record | None, str]:
        """The record a write made without naming it, or why it is not known."""
        values = {
            "body": call.body,
            "marker": call.marker,
            "idempotency_key": call.idempotency_key,
            "idempotency_uuid": uuid_for(call.idempotency_key),
        }
        try:
            found = self._reader.look_up(call.object_name, lookup, values)
        except (VendorTransientError, VendorPermanentError) as error:
            return None, f"the record could not be read back: {error.message}"
        return (found[0], "") if found else (None, "the record was not found afterwards")

    def _ask_again(self, call: PreparedCall) -> ProbeResult:
        answer = self.send(call)
        if answer.outcome == "done":
            return ProbeResult("found", answer.record, answer.external_id, call=answer.call)
        return ProbeResult(
            "unknown",
            reason=answer.message,
            retry_after_seconds=answer.retry_after_seconds,
            call=answer.call,
        )

    def _look(
        self, object_name: str, way: ByLookup, known: dict[str, Any], *, natural_key: str, age: float | None
    ) -> ProbeResult:
        value = natural_key if way.by == "natural_key" else known["marker"]
        if not value:
            return ProbeResult("unknown", reason=f"the record has no {way.by.replace('_', ' ')}")
        values = {**known, "natural_key": value, "value": value}
        try:
            found = self._reader.look_up(object_name, way.lookup, values)
        except (VendorTransientError, VendorPermanentError) as error:
            if not (isinstance(error, VendorPermanentError) and error.family is Family.NOT_FOUND):
                wait = error.retry_after_seconds if isinstance(error, VendorTransientError) else None
                return ProbeResult("unknown", reason=error.message, retry_after_seconds=wait, call=error.call)
            found = []
        if len(found) > 1:
            return ProbeResult(
                "unknown", reason=f"{len(found)} records carry {value!r}; a person has to say which is ours"
            )
        if found:
            key = self.manifest.object(object_name).primary_key
            return ProbeResult("found", found[0], text_of(get(found[0], key)))
        if way.settle_seconds and (age is None or age < way.settle_seconds):
            wait = float(way.settle_seconds) - (age or 0.0)
            return ProbeResult("unknown", reason="the vendor's search may not show it yet", retry_after_seconds=wait)
        return ProbeResult("absent", reason=f"no record carries {value!r}")
