"""Why a call got no answer. The difference that matters to a write: certainly not sent, or perhaps sent."""

from typing import TYPE_CHECKING

from apps.core.errors import AppError, PermanentError, TransientError

if TYPE_CHECKING:
    from apps.core.http.values import CallRecord


class OutboundError(AppError):
    """Parent of the three; `call` is the redacted record of the attempt."""

    call: "CallRecord | None" = None


class NotSentError(OutboundError, TransientError):
    """The request certainly did not reach the other side (name, connection or TLS failed)."""

    code = "not_sent"


class MaybeSentError(OutboundError, TransientError):
    """The request was at least partly written, and no complete answer came."""

    code = "maybe_sent"


class AnswerTooLargeError(OutboundError, PermanentError):
    """The answer is larger than allowed. The request did arrive."""

    code = "answer_too_large"


class BlockedAddressError(OutboundError, PermanentError):
    """The address is private, local or otherwise not to be called. Nothing was sent."""

    code = "address_refused"
