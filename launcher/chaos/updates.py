"""Asks for updates of projects while bin/chaos kills: each commits an intent, as a flow would, and notes what it asked for."""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any, TextIO

import django

PAUSE_SECONDS = 1.0


def main(log_path: str, schema_name: str, seed: str) -> None:
    django.setup()
    from django.db import connection, transaction

    from apps.core.tenancy.context import partner_context

    dice = random.Random(int(seed))  # noqa: S311 - which project is asked for next is no secret
    version = 0
    with open(log_path, "a", buffering=1) as log:  # noqa: PTH123
        while True:
            time.sleep(PAUSE_SECONDS)
            version += 1
            asked: dict[str, Any] = {"account": "", "project": "", "version": version, "sure": False}
            try:
                with partner_context(schema_name), transaction.atomic():
                    _ask(dice, asked, log)
                if asked["project"]:
                    log.write(json.dumps({**asked, "sure": True}) + "\n")
            except Exception:
                connection.close()  # the database was killed: what was asked for is doubtful, and noted so


def _ask(dice: random.Random, asked: dict[str, Any], log: TextIO) -> None:
    from apps.canonical.models import ExternalRef
    from apps.syncs.services import intend
    from apps.syncs.services.deliveries import Intent

    refs = ExternalRef.objects.filter(entity="project", connection__connector="harvest").select_related("connection")
    known = list(refs.order_by("-pk")[:12])
    if not known:
        return
    ref = dice.choice(known)
    asked["account"] = str(ref.connection.config["account_id"])
    asked["project"] = ref.external_id
    log.write(json.dumps(asked) + "\n")
    intend(
        [
            Intent(
                connection=ref.connection,
                object_name="projects",
                operation="update",
                entity="project",
                record_id=ref.record_id,
                title=f"Update project {ref.external_id} to version {asked['version']}",
                key=f"chaos:{ref.external_id}:{asked['version']}",
                context={"notes": f"version {asked['version']}"},
            )
        ],
        origin="chaos",
        origin_item_id=None,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
