"""The manifest's JSON Schema on the terminal."""

from __future__ import annotations

import json

from apps.connectors.manifest import json_schema


def show() -> int:
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0
