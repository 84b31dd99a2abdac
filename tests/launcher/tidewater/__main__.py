"""python -m tests.launcher.tidewater [port]: the vendor of the tutorial; its key is $TIDEWATER_KEY, or a new one."""

import os
import secrets
import sys

from tests.launcher.tidewater.server import Tidewater, serve

if __name__ == "__main__":
    key = os.environ.get("TIDEWATER_KEY") or secrets.token_hex(8)
    server = serve(Tidewater(key), int(sys.argv[1]) if len(sys.argv) > 1 else 8899)
    print(f"Tidewater answers at http://127.0.0.1:{server.server_port}; its office key is {key}", flush=True)
    server.serve_forever()
