"""Systems that are not reached by HTTP. Each kind of `client.kind` is answered for by a class that an app above registers here,
so that the engine reads files and tables exactly as it reads an API."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from apps.connectors.client import VendorClient
from apps.connectors.manifest import Family
from apps.connectors.models import Connection
from apps.connectors.types import Answer, Page, PreparedCall, ProbeResult, Record, VendorPermanentError, Verification
from apps.core.errors import PermanentError
from apps.core.http import CallRecord


class UnknownKindError(PermanentError):
    code = "unknown_kind"


class Source(VendorClient, ABC):
    """Parent of what answers for such a kind: it can be verified and read, but not written to record by record."""

    reads_ahead = False  # it reads through this thread's own database connection

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.manifest = connection.manifest

    @abstractmethod
    def verify(self) -> Verification: ...

    def choices(self, variable: str) -> list[tuple[str, str]]:
        return []

    def pages(
        self,
        object_name: str,
        *,
        cursor: str | None,
        resume: dict[str, Any] | None = None,
        page_size: int | None = None,
        now: datetime,
    ) -> Iterator[Page]:
        raise self._unable(f"{object_name} is not read from it")

    def fetch(self, object_name: str, external_id: str) -> Record | None:
        return None

    def find(self, object_name: str, **criteria: str) -> list[Record]:
        return []

    def prepare(self, object_name: str, operation: str, *args: Any, **kwargs: Any) -> PreparedCall:  # type: ignore[override]
        raise self._unable(f"{operation} of {object_name} cannot be sent to it")

    def send(self, call: PreparedCall) -> Answer:
        raise self._unable("nothing can be sent to it")

    def probe(self, object_name: str, operation: str, **kwargs: Any) -> ProbeResult:  # type: ignore[override]
        return ProbeResult("unknown", reason="nothing is sent to this system record by record")

    def _unable(self, what: str) -> VendorPermanentError:
        text = f"{self.connection.name}: {what}."
        return VendorPermanentError(text, family=Family.VALIDATION, call=None, code="not_supported")


_KINDS: dict[str, type[Source]] = {}
_S = TypeVar("_S", bound=type[Source])


def answers_for(kind: str) -> Callable[[_S], _S]:
    def register(source: _S) -> _S:
        _KINDS[kind] = source
        return source

    return register


def source_for(connection: Connection) -> Source:
    kind = connection.manifest.client.kind
    if kind not in _KINDS:
        raise UnknownKindError(f"nothing answers for client.kind {kind!r}; there are: {', '.join(sorted(_KINDS))}")
    return _KINDS[kind](connection)


def read_call(what: str, address: str, *, details: Mapping[str, str] | None = None) -> CallRecord:
    """What a page's origin is told by, where there was no HTTP call."""
    return CallRecord(
        method=what, url=address, request_headers=dict(details or {}), request_body="", status=None,
        response_headers={}, response_body="", elapsed_ms=0,
    )  # fmt: skip
