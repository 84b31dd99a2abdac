"""The one way out: every call to another system goes through `send`, which guards addresses, time and size."""

from apps.core.http.errors import AnswerTooLargeError, BlockedAddressError, MaybeSentError, NotSentError, OutboundError
from apps.core.http.redact import excerpt, redact_headers, redact_text, redact_url
from apps.core.http.sender import send
from apps.core.http.values import CallRecord, OutboundRequest, OutboundResponse

__all__ = [
    "AnswerTooLargeError",
    "BlockedAddressError",
    "CallRecord",
    "MaybeSentError",
    "NotSentError",
    "OutboundError",
    "OutboundRequest",
    "OutboundResponse",
    "excerpt",
    "redact_headers",
    "redact_text",
    "redact_url",
    "send",
]
