"""Writes the expected files of connectors from their fixtures. Look at the difference before committing it.

python -m tests.connectors.expected [slug …]
"""

import json
import sys

import django
import pytest

from apps.connectors.manifest import folder, manifest_for, slugs


def main(wanted: list[str]) -> None:
    from tests.connectors.replay import read_all

    for slug in wanted or slugs():
        for name, spec in manifest_for(slug).objects.items():
            if spec.read:
                with pytest.MonkeyPatch.context() as patch:
                    records, _ = read_all(slug, name, patch)
                path = folder(slug) / "fixtures" / f"{name}__expected.json"
                path.write_text(json.dumps(records, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1:])
