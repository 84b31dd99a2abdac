"""Answers no honest vendor gives: each ends in records or in a named error, in bounded time, and never elsewhere."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from apps.connectors.types import Record, VendorPermanentError, VendorTransientError
from apps.core.errors import AppError
from conformance.bench import Bench
from conformance.result import CheckExempt, CheckFailed, need

PATIENCE = 2.0
DRIP = 15


def unknown_fields(bench: Bench) -> str:
    name, records = _read_with(bench, "unknown_fields")
    need(records, f"{name}: new fields at the vendor made the read fail")
    return "New fields in the vendor's records do no harm."


def missing_fields(bench: Bench) -> str:
    _read_with(bench, "missing_fields", may_fail=True)
    return "Fields that are no longer there end in records or in a named error."


def wrong_types(bench: Bench) -> str:
    _read_with(bench, "wrong_types", may_fail=True)
    return "Values of other types end in records or in a named error."


def html(bench: Bench) -> str:
    client = bench.client()
    client.verify()
    for status in ("200", "503"):
        bench.fault("html", arg=status, count=None)
        try:
            client.verify()
        except VendorTransientError:
            bench.clear()
            continue
        except VendorPermanentError as error:
            raise CheckFailed(f"a maintenance page ({status}) was taken for a refusal: {error.message}") from error
        raise CheckFailed(f"a maintenance page ({status}) was taken for an answer")
    return "A maintenance page instead of JSON is tried again later."


def slow_loris(bench: Bench) -> str:
    client = bench.client(manifest=bench.impatient(total=PATIENCE))
    client.verify()
    bench.fault("drip", arg=str(DRIP), count=None)
    began = time.monotonic()
    try:
        client.verify()
    except VendorTransientError:
        took = time.monotonic() - began
    else:
        raise CheckFailed("an answer that drips was taken for one")
    need(took < 2 * PATIENCE + 4, f"an answer that drips was waited for {took:.0f} s; allowed were {PATIENCE:g} s")
    return "An answer that drips is cut off at the time limit."


def gzip_lies(bench: Bench) -> str:
    for kind in ("gzip_lie", "gzip_bomb"):
        client = bench.client(manifest=bench.impatient(total=20))
        client.verify()
        bench.fault(kind, count=None)
        began = time.monotonic()
        try:
            client.verify()
        except AppError:
            need(time.monotonic() - began < 15, f"{kind}: giving up took too long")
            continue
        finally:
            bench.clear()
        raise CheckFailed(f"{kind} was taken for an answer")
    return "Plain text called gzip, and a small gzip of 64 MB, are given up."


def redirect(bench: Bench) -> str:
    with _Trap() as trap:
        client = bench.client()
        client.verify()
        for target in (trap.address, "http://169.254.169.254/latest/meta-data/"):
            bench.fault("redirect", arg=target, count=None)
            try:
                client.verify()
            except AppError:
                continue
            finally:
                bench.clear()
            raise CheckFailed(f"a redirect to {target} was taken for an answer")
        need(not trap.visits, "a redirect to another address was followed")
    return "A redirect to a private address is refused, and the log-in goes nowhere."


def _read_with(bench: Bench, fault: str, *, may_fail: bool = False) -> tuple[str, list[Record]]:
    names = bench.objects()
    if not names:
        raise CheckExempt("The kit can make records of none of the objects (conformance.yaml, `objects`).")
    records: list[Record] = []
    for name in names:
        for _ in range(3):
            bench.make(name)
        client = bench.client()
        client.verify()
        bench.fault(fault, count=None)
        try:
            found, _cursor = bench.read(name, client=client)
            records += found
        except (VendorTransientError, VendorPermanentError) as error:
            if not may_fail:
                raise CheckFailed(
                    f"{name}: {fault.replace('_', ' ')} at the vendor ended in: {error.message}"
                ) from error
        except AssertionError as error:
            raise CheckFailed(str(error)) from error
        except Exception as error:
            raise CheckFailed(f"{name}: {fault.replace('_', ' ')} ended in {type(error).__name__}: {error}") from error
        finally:
            bench.clear()
    return names[0], records


class _Trap:
    """A private address that notes who comes."""

    def __enter__(self) -> "_Trap":
        visits: list[str] = []

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                visits.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_GET

            def log_message(self, *_args: object) -> None:
                return None

        self.visits = visits
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
