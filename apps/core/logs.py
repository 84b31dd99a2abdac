"""One log line: time, level, partner, logger, message. Secrets never get here: `core.http` redacts before it records."""

import logging
from datetime import UTC, datetime

from django.db import connection


class TenantFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        schema = getattr(connection, "schema_name", None) or "-"
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        line = f"{at}Z {record.levelname} [{schema}] {record.name}: {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line
