"""`python -m sandbox --data DIR`: run the practice vendors until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import signal
import sys
from datetime import date
from pathlib import Path

from sandbox.declarative.loading import VendorFileError
from sandbox.scenario import SCENARIOS
from sandbox.server import AlreadyRunningError, Options, Practice, UnknownVendorError, known_vendors

FIRST = ("hubspot", "harvest", "xero")  # what runs when nothing is said


def main() -> None:
    try:
        asyncio.run(_run(_options()))
    except (
        AlreadyRunningError,
        UnknownVendorError,
        VendorFileError,
        OSError,
    ) as error:  # OSError: a port that is taken
        sys.exit(f"{error}")


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Practice vendors.")
    parser.add_argument("--data", type=Path, required=True, help="folder for state and sandbox.json")
    parser.add_argument("--vendors", default=",".join(FIRST), help=f"`all`, or of: {', '.join(known_vendors())}")
    parser.add_argument("--port", action="append", default=[], metavar="VENDOR=PORT", help="else any free port")
    for vendor in FIRST:
        parser.add_argument(f"--{vendor}-port", type=int, default=0, help="the same for one of the first three")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--scenario", choices=SCENARIOS, default="demo")
    parser.add_argument("--anchor", type=date.fromisoformat, help="YYYY-MM-DD; today when the folder is first made")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--webhook-target-allowed-hosts", nargs="+", default=["127.0.0.1", "localhost"], help="and their subdomains"
    )
    given = parser.parse_args()
    return Options(
        data=given.data,
        vendors=known_vendors() if given.vendors == "all" else [name for name in given.vendors.split(",") if name],
        ports={
            **{name: getattr(given, f"{name}_port") for name in FIRST},
            **{name: int(number) for name, _, number in (item.partition("=") for item in given.port)},
        },
        host=given.host,
        scenario=given.scenario,
        anchor=given.anchor,
        seed=given.seed,
        webhook_hosts=[host for item in given.webhook_target_allowed_hosts for host in item.split(",") if host],
    )


async def _run(options: Options) -> None:
    practice = Practice(options)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await practice.start()
    print(practice.ready_line(), flush=True)
    await stopped.wait()
    await practice.stop()


if __name__ == "__main__":
    main()
