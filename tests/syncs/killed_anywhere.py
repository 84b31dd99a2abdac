"""A worker that is killed before any chosen line. Run as a program: reads orders from its input, answers on its output.

Each order is a JSON object a line. `{"connection": 1}` does all due work and answers `{"lines": [[file, line, times], …]}`: the lines
of the watched files that were run. With `"file"`, `"line"` and `"nth"` the worker is killed with SIGKILL before it runs that
line for the so manyth time; the answer is `{"killed": true}`. Each order is carried out by a process of its own, forked from this one.
"""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import django

django.setup()

from apps.core.work import queue, tasks  # noqa: E402
from apps.syncs.services import sending  # noqa: E402, F401 - loaded before the forks

ROOT = f"{Path.cwd()}/apps/"
WATCHED = (
    "connectors/budgets.py",
    "connectors/transport.py",
    "connectors/writing.py",
    "core/http/sender.py",
    "syncs/machine.py",
    "syncs/services/choosing.py",
    "syncs/services/claiming.py",
    "syncs/services/deliveries.py",
    "syncs/services/moves.py",
    "syncs/services/outcomes.py",
    "syncs/services/rendering.py",
    "syncs/services/sending.py",
)
_FILES = {ROOT + name: name for name in WATCHED}


def work_until_killed(order: dict[str, Any]) -> None:
    """In the fork: everything that is due, as a worker does it."""
    from django.db import connection

    connection.set_schema("acme")
    seen: Counter[tuple[str, int]] = Counter()
    target = (order.get("file"), order.get("line"))

    def look(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            at = (_FILES[frame.f_code.co_filename], frame.f_lineno)
            seen[at] += 1
            if at == target and seen[at] == order["nth"]:
                os.kill(os.getpid(), signal.SIGKILL)
        return look

    sys.settrace(lambda frame, event, _: look if frame.f_code.co_filename in _FILES else None)
    while (work := queue.claim()) is not None:
        tasks.run(work)
    sys.settrace(None)
    lines = [[name, line, times] for (name, line), times in seen.items()]
    print(json.dumps({"lines": lines}), flush=True)


def main() -> None:
    for text in sys.stdin:
        child = os.fork()
        if not child:
            work_until_killed(json.loads(text))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print(json.dumps({"killed": os.WTERMSIG(status) == signal.SIGKILL}), flush=True)
        elif status:
            print(json.dumps({"failed": status}), flush=True)


if __name__ == "__main__":
    main()
