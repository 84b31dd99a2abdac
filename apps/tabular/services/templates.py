"""An empty table with the right headings for each kind of record, with two rows that show how values are written."""

import csv
import io

from apps.connectors.manifest.loader import folder
from apps.connectors.models import Connection
from apps.tabular.services.intake import IntakeError

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def template_of(connection: Connection, object_name: str, kind: str) -> bytes:
    """As a CSV that Excel opens, or as a workbook. From the connector's folder; only the headings where it has no example."""
    if kind not in TYPES or object_name not in connection.manifest.objects:
        raise IntakeError(
            f"{connection.name} has no template {object_name}.{kind}; there are {', '.join(TYPES)} of each of its kinds."
        )
    path = folder(connection.connector) / "examples" / f"{object_name}.csv"
    spec = connection.manifest.object(object_name)
    text = path.read_text() if path.is_file() else ",".join(item.title or item.path for item in spec.fields) + "\n"
    return _workbook(text, spec.title) if kind == "xlsx" else text.encode("utf-8-sig")


def _workbook(text: str, title: str) -> bytes:
    import openpyxl  # late: only those who ask for a workbook pay for it

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for row in csv.reader(io.StringIO(text)):
        sheet.append(row)
    into = io.BytesIO()
    book.save(into)
    return into.getvalue()
