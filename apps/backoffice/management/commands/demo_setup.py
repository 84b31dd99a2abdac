"""Fill a fresh deployment with the demo's partners, customers and connections. Used by bin/demo; safe to repeat."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.backoffice import demo
from apps.core import clock
from apps.core.errors import AppError


class Command(BaseCommand):
    help = "Sets up the demo against running practice vendors (THROUGHLINE_SANDBOX_FILE, THROUGHLINE_DEMO_FILE)."

    def handle(self, *args: Any, **options: Any) -> None:
        sandbox_file = Path(os.environ.get("THROUGHLINE_SANDBOX_FILE", ".local/sandbox/sandbox.json"))
        logins_file = Path(os.environ.get("THROUGHLINE_DEMO_FILE", ".local/demo.json"))
        try:
            done = demo.set_up(sandbox_file=sandbox_file, logins_file=logins_file, now=clock.now())
        except AppError as error:
            raise CommandError(error.message)
        for line in done:
            self.stdout.write(f"  {line}")
