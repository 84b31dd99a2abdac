"""Writes the expected files of connectors from their fixtures: `bin/connector expected` for all, or for some, at once.

python -m tests.connectors.expected [slug …]
"""

import sys

import django


def main(wanted: list[str]) -> None:
    from apps.connectors.contract import open_folder, write_expected
    from apps.connectors.manifest import folder, slugs

    for slug in wanted or slugs():
        write_expected(open_folder(folder(slug)))


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1:])
