"""What a connector's hooks.py may use. Hooks are pure functions of these shapes, named in the manifest's `hooks`:

- `record(record: Record, context: HookContext) -> Record | None`: change a record after it was read; None drops it.
- `request_body(body: Any, context: HookContext) -> Any`: change a write's body before it is sent.
- `answer(body: Any, context: HookContext) -> Any`: change a write's answer before id and record are taken from it.
- `verification(body: Any, context: HookContext) -> Any`: change the verification's answer before it is read.
"""

from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HookContext:
    """Where the hook is called. `config` holds the connection's settings; credentials are never handed to hooks."""

    object_name: str
    operation: str = ""
    config: dict[str, Any] = field(default_factory=dict)


__all__ = ["HookContext", "Record"]
