"""The product's own client on a real system, without a database; and a line that breaks after the answer was given."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apps.connectors.client import VendorClient
from apps.connectors.manifest import manifest_for
from apps.connectors.types import PreparedCall, Record
from apps.core.http import MaybeSentError, OutboundRequest, OutboundResponse, send
from tests.connectors.support import MemoryTokens

Send = Callable[[OutboundRequest], OutboundResponse]


def client_of(slug: str, config: dict[str, Any], *, through: Send = send, **credentials: str) -> VendorClient:
    return VendorClient(
        manifest_for(slug),
        config=config,
        tokens=MemoryTokens(**credentials),
        clock=lambda: datetime.now(UTC),
        send=through,
    )


def cut_after(method: str, word: str) -> Send:
    """Lets every call through, but answers those of this method whose address or body holds `word` with a broken line."""

    def through(request: OutboundRequest) -> OutboundResponse:
        answer = send(request)
        if request.method == method and word in f"{request.url} {(request.body or b'').decode()}":
            raise MaybeSentError("the line broke after the vendor had answered")
        return answer

    return through


def read_all(client: VendorClient, name: str, cursor: str | None = None, size: int = 100) -> tuple[list[Record], str]:
    """(records, the cursor to go on from)"""
    pages = list(client.pages(name, cursor=cursor, page_size=size, now=datetime.now(UTC)))
    return [record for page in pages for record in page.records], pages[-1].high_water or ""


def prepared(client: VendorClient, name: str, operation: str, body: Record, key: str, **more: Any) -> PreparedCall:
    return client.prepare(name, operation, body, idempotency_key=key, **more)
