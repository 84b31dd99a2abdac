"""As many webhooks as the web server takes, from senders that each wait for the answer; and what is left of them after a kill -9.

Only what was acknowledged is promised: each such event has to be a committed row afterwards, compared by its id. Who got no answer
sends again, as vendors do.
"""

import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django_tenants.utils import schema_context

from apps.syncs.models import InboxEvent
from benchmarks import installation
from benchmarks.measuring import Usage, measured, postgres_meter
from benchmarks.processes import arrivals, tell
from benchmarks.senders import Address, send_as_answered
from benchmarks.stack import Stack, await_postgres

SENDERS = 64
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 60.0
_WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Case:
    """`killed`: what is killed in the middle and started again."""

    name: str
    killed: tuple[str, ...] = ()

    @property
    def kills_postgres(self) -> bool:
        return "postgres" in self.killed


CASES = (
    Case("undisturbed"),
    Case("web killed (-9) in the middle", ("web",)),
    Case("everything killed (-9) in the middle", ("postgres", "web", "worker")),
)


@dataclass(slots=True)
class Saturation:
    """One run. Milliseconds are those of the attempt that was acknowledged."""

    case: str
    seconds: float = 0.0
    acknowledged: list[str] = field(default_factory=list)
    """The deals' ids."""
    acknowledge_ms: list[float] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)
    unanswered: int = 0
    """Attempts without an answer of success; each was made again."""
    lost: int = 0
    doubled: int = 0
    most_copies: int = 0
    """Of one deal's project at the vendor, as far as the workers had come."""
    usage: Usage = field(default_factory=Usage)
    """Of the web server, and of Postgres."""

    @property
    def per_second(self) -> float:
        return len(self.acknowledged) / self.seconds

    @property
    def longest_silence_s(self) -> float:
        pairs = zip(self.answered_at, self.answered_at[1:], strict=False)
        return max((later - earlier for earlier, later in pairs), default=0.0)

    def note(self, deal: str, milliseconds: float, is_acknowledged: bool) -> None:
        if not is_acknowledged:
            self.unanswered += 1
            return
        self.acknowledged.append(deal)
        self.acknowledge_ms.append(milliseconds)
        self.answered_at.append(time.monotonic())

    def compare(self, kept: Counter[str]) -> None:
        """`kept`: how many rows there are of each deal."""
        self.lost = sum(1 for deal in self.acknowledged if not kept[deal])
        self.doubled = sum(1 for copies in kept.values() if copies > 1)


def saturate(base_url: str, case: Case, seconds: float) -> Saturation:
    """The workers are at work meanwhile: what is acknowledged is fetched, planned and delivered on the same cores."""
    key = secrets.token_urlsafe(24)
    installation.empty()
    tell(base_url, "/reset")
    hooks = installation.install_hooks(base_url, key)
    result = Saturation(case.name)
    with Stack() as stack:
        address = Address(f"http://127.0.0.1:{stack.port}{hooks.path}", key, installation.HOST)
        _send(address, _WARM_SECONDS, Saturation("warm-up"))
        if case.killed:
            _send_and_kill(stack, case, address, seconds, result)
        else:
            with measured(stack.pid("web"), postgres_meter(installation.backend())) as result.usage:
                _send(address, seconds, result)
        await_postgres()
        with schema_context(installation.SCHEMA):
            rows = InboxEvent.objects.filter(connection_id=hooks.connection_id)
            result.compare(Counter(rows.values_list("external_id", flat=True)))
        result.most_copies = arrivals(base_url)["most_copies"]
    return result


def _send(address: Address, seconds: float, result: Saturation) -> None:
    began = time.monotonic()
    send_as_answered(address, SENDERS, seconds, result.note, patience=_PATIENCE_SECONDS, pause=_PAUSE_SECONDS)
    result.seconds = time.monotonic() - began


def _send_and_kill(stack: Stack, case: Case, address: Address, seconds: float, result: Saturation) -> None:
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(_send, address, seconds, result)
        time.sleep(seconds / 2)
        if case.kills_postgres:
            stack.kill_all()
        else:
            stack.kill(*case.killed)
        stack.start(*(name for name in case.killed if name != "postgres"))
        sending.result()
