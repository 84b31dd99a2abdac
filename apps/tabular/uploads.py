"""What the staff's pages and the portal do alike with a file a person sent."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.tabular.forms import ColumnsForm, UploadForm
from apps.tabular.models import DataFile
from apps.tabular.services.intake import Received, receive_file
from apps.tabular.services.previewing import Preview, preview
from apps.tabular.services.staging import read_soon
from apps.tabular.services.templates import TYPES, template_of


def connections_with_files(customer_id: int) -> list[Connection]:
    """The customer's connections that take files."""
    found = Connection.objects.filter(customer_id=customer_id).defer("credentials").order_by("name")
    return [connection for connection in found if connection.manifest.client.kind == "files"]


def take_upload(form: UploadForm, *, actor: User | None, now: datetime) -> Received:
    """Keep the uploaded file, and read it at once when it is small."""
    upload: Any = form.cleaned_data["file"]
    received = receive_file(
        form.connection,
        object_name=form.cleaned_data["kind"],
        name=upload.name or "file",
        content=upload.chunks(),
        channel=DataFile.Channel.UPLOAD,
        actor=actor,
        reason="uploaded",
        now=now,
    )
    return Received(read_soon(received.file, actor=actor, now=now), received.is_new)


def template_download(connection: Connection, object_name: str, kind: str) -> HttpResponse:
    """Raises IntakeError when there is none."""
    content = template_of(connection, object_name, kind)
    name = f"{object_name}-template.{kind}"
    return HttpResponse(
        content, content_type=TYPES[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def preview_of(file: DataFile, form: ColumnsForm) -> Preview | None:
    """The first rows by what the form says; by what is proposed as long as nobody sent it."""
    if form.is_bound and form.is_valid():
        return preview(file, form.columns, form.keys)
    suggestion = form.suggestion
    columns = {one.header: {"field": one.field, "format": one.format, "keep": one.keep} for one in suggestion.columns}
    return preview(file, columns, suggestion.keys)
