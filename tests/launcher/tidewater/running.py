"""Tidewater's server in a thread, for tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.launcher.tidewater.server import Tidewater, serve


@contextmanager
def running(vendor: Tidewater) -> Iterator[str]:
    """The address at which it answers."""
    server = serve(vendor)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
