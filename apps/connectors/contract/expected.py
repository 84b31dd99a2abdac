"""Writes what the fixtures are expected to yield. A person reads every line of it before committing."""

import json
from pathlib import Path

from apps.connectors.contract.folders import ConnectorFolder
from apps.connectors.contract.replay import read_all


def write_expected(folder: ConnectorFolder) -> list[Path]:
    """Write `<object>__expected.json` for each object that is read; returns the files whose content changed."""
    changed = []
    for name in folder.reads:
        records, _ = read_all(folder, name)
        path = folder.fixtures / f"{name}__expected.json"
        text = json.dumps(records, indent=2, ensure_ascii=False) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
