"""Ends an exchange whose total time is over. A read time-out alone does not: a server that sends a byte now and then
(slow loris) never trips it. One thread a process shuts the socket down at the deadline."""

import contextlib
import heapq
import itertools
import os
import socket
import threading
import time
from dataclasses import dataclass, field

_condition = threading.Condition()
_queue: list[tuple[float, int, "Exchange"]] = []
_order = itertools.count()
_thread_pid = 0


@dataclass(slots=True)
class Exchange:
    """How far one request got."""

    deadline: float
    sock: socket.socket | None = None
    was_written: bool = False
    is_over: bool = False
    has_expired: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def finish(self) -> None:
        with self.lock:
            self.is_over = True
            self.sock = None


def watch(exchange: Exchange) -> None:
    global _thread_pid
    with _condition:
        if _thread_pid != os.getpid():  # threads do not survive a fork
            _queue.clear()
            _thread_pid = os.getpid()
            threading.Thread(target=_run, name="outbound-watchdog", daemon=True).start()
        heapq.heappush(_queue, (exchange.deadline, next(_order), exchange))
        if _queue[0][2] is exchange:
            _condition.notify()


def _run() -> None:
    while True:
        with _condition:
            while not _queue:
                _condition.wait()
            wait = _queue[0][0] - time.monotonic()
            if _queue[0][2].is_over:
                heapq.heappop(_queue)
                continue
            if wait > 0:
                _condition.wait(wait)
                continue
            _, _, exchange = heapq.heappop(_queue)
        _expire(exchange)


def _expire(exchange: Exchange) -> None:
    with exchange.lock:
        if exchange.is_over:
            return
        exchange.has_expired = True
        if exchange.sock is not None:
            with contextlib.suppress(OSError):
                # The plain socket's shutdown: that of a TLS socket changes state the reading thread is using.
                socket.socket.shutdown(exchange.sock, socket.SHUT_RDWR)
