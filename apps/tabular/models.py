"""Files as they came, how their columns are read, and the warehouses that records are written to."""

from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from apps.tabular.reading.limits import CHUNK_ROWS


class FileStatus(models.TextChoices):
    RECEIVED = "received", "Being read"
    NEEDS_LAYOUT = "needs_layout", "Columns to be confirmed"
    READY = "ready", "Being taken over"
    LOADED = "loaded", "Taken over"
    REFUSED = "refused", "Can't be read"


class DataFile(models.Model):
    """One file, kept with its hash: the same one again changes nothing. Its rows wait in chunks, so that reading them can be
    taken up after any of them."""

    class Channel(models.TextChoices):
        UPLOAD = "upload", "uploaded"
        FOLDER = "folder", "from the watched folder"
        SFTP = "sftp", "by SFTP"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="files")
    object_name = models.CharField(max_length=100, blank=True, default="")
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.UPLOAD)
    status = models.CharField(max_length=20, choices=FileStatus.choices, default=FileStatus.RECEIVED)
    error = models.TextField(blank=True, default="")
    overrides = models.JSONField(default=dict, blank=True, help_text="How to read it, where a person knows better.")
    detected = models.JSONField(default=dict, blank=True)
    columns = models.JSONField(
        default=list, blank=True, help_text="What the values of each column say about its format."
    )
    layout = models.JSONField(default=dict, blank=True, help_text="The layout its rows were read with.")
    rows = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    chunks_done = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0, help_text="Rows kept, but not usable yet: each is a case.")
    refused_count = models.PositiveIntegerField(default=0, help_text="Rows that can't be read.")
    problems = models.JSONField(default=list, blank=True, help_text="The first of them: line, column, value, message.")
    actor = models.CharField(max_length=200, blank=True, default="")
    received_at = models.DateTimeField(db_default=Now())
    loaded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "file"
        constraints = [models.UniqueConstraint(fields=["connection", "sha256"], name="file_once")]
        indexes = [models.Index(fields=["connection", "object_name", "status", "id"], name="file_waiting")]

    def __str__(self) -> str:
        return self.name

    @property
    def kind_title(self) -> str:
        """`time_entries` → `Time entries`."""
        return self.object_name.replace("_", " ").capitalize() or "–"

    @property
    def set_aside(self) -> int:
        return self.refused_count + self.rejected_count

    @property
    def rows_done(self) -> int:
        return min(self.chunks_done * CHUNK_ROWS, self.rows)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Why it is read as it is, for people."""
        words = {"encoding": "Encoding", "delimiter": "Delimiter", "header_line": "Heading", "sheet": "Sheet"}
        return [(words.get(name, name), reason) for name, reason in self.detected.get("reasons", {}).items()]


class FilePart(models.Model):
    """A quarter of a megabyte of a file as it came."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(DataFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["file", "number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="file_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of file {self.file_id}"


class RowChunk(models.Model):
    """A thousand rows of a file, as text and numbers, packed: [line, occurrence, cells] or [line, problem, text]."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(DataFile, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["file", "number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="row_chunk_once")]

    def __str__(self) -> str:
        return f"rows {self.number} of file {self.file_id}"


class Layout(models.Model):
    """Which column holds which field of an object, in what format, and which columns name the row. Remembered per connection:
    the next file with the same headings goes through by itself."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="layouts")
    object_name = models.CharField(max_length=100)
    columns = models.JSONField(
        default=dict,
        help_text='Heading → {"field": name or "", "format": …, "keep": whether it is kept without a field}',
    )
    keys = models.JSONField(default=list, blank=True, help_text="Headings whose values together name a row.")
    options = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    history = HistoricalRecords(history_id_field=models.BigAutoField(), user_db_constraint=False)

    class Meta:
        ordering = ["connection", "object_name"]
        constraints = [models.UniqueConstraint(fields=["connection", "object_name"], name="one_layout_an_object")]

    def __str__(self) -> str:
        return f"columns of {self.object_name}"


class SeenFile(models.Model):
    """A file in the watched folder or on the SFTP server that was fetched: it is not fetched again until it changes."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey("connectors.Connection", on_delete=models.CASCADE, related_name="+")
    path = models.CharField(max_length=500)
    stamp = models.CharField(max_length=60, help_text="Size and time of change.")
    file = models.ForeignKey(DataFile, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    note = models.TextField(blank=True, default="")
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["connection", "path"]
        constraints = [models.UniqueConstraint(fields=["connection", "path"], name="seen_file_once")]

    def __str__(self) -> str:
        return self.path


class Warehouse(models.Model):
    """Writes a customer's canonical records (or those of all customers) into a database, continuously."""

    class Scope(models.TextChoices):
        CUSTOMER = "customer", "this customer"
        PARTNER = "partner", "all customers"

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    connection = models.OneToOneField("connectors.Connection", on_delete=models.CASCADE, related_name="warehouse")
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.CUSTOMER)
    schema = models.CharField(max_length=63, default="throughline")
    entities = models.JSONField(default=list, blank=True, help_text="Empty: all of them.")
    with_history = models.BooleanField(default=False)
    every_minutes = models.PositiveIntegerField(default=15)
    is_enabled = models.BooleanField(default=True)
    identity = models.UUIDField(editable=False, help_text="Written into the target, so that nobody else writes there.")
    latest_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    history = HistoricalRecords(
        history_id_field=models.BigAutoField(),
        user_db_constraint=False,
        excluded_fields=["latest_success_at", "error"],
    )

    class Meta:
        ordering = ["connection"]

    def __str__(self) -> str:
        return f"warehouse {self.connection}"


class WarehouseTable(models.Model):
    """How far one table of a warehouse is written."""

    customer = models.ForeignKey("accounts.Customer", on_delete=models.CASCADE, related_name="+")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="tables")
    name = models.CharField(max_length=63)
    written_until = models.DateTimeField(null=True, blank=True)
    after_id = models.BigIntegerField(default=0, help_text="The place inside the pass under way.")
    pass_started_at = models.DateTimeField(null=True, blank=True)
    is_full_pass = models.BooleanField(default=False)
    rows = models.PositiveBigIntegerField(default=0)
    written_count = models.PositiveBigIntegerField(default=0)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["warehouse", "name"]
        constraints = [models.UniqueConstraint(fields=["warehouse", "name"], name="warehouse_table_once")]

    def __str__(self) -> str:
        return self.name
