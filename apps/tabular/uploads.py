"""What the staff's pages and the portal do alike with a file a person sent."""

from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.connectors.models import Connection
from apps.tabular.forms import UploadForm
from apps.tabular.models import DataFile
from apps.tabular.services.intake import Received, receive_file
from apps.tabular.services.staging import read_soon


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
