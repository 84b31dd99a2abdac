import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("connectors", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DataFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_name", models.CharField(blank=True, default="", max_length=100)),
                ("name", models.CharField(max_length=255)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "channel",
                    models.CharField(
                        choices=[("upload", "uploaded"), ("folder", "from the watched folder"), ("sftp", "by SFTP")],
                        default="upload",
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "Being read"),
                            ("needs_layout", "Columns to be confirmed"),
                            ("ready", "Being taken over"),
                            ("loaded", "Taken over"),
                            ("refused", "Can't be read"),
                        ],
                        default="received",
                        max_length=20,
                    ),
                ),
                ("error", models.TextField(blank=True, default="")),
                (
                    "overrides",
                    models.JSONField(
                        blank=True, default=dict, help_text="How to read it, where a person knows better."
                    ),
                ),
                ("detected", models.JSONField(blank=True, default=dict)),
                (
                    "columns",
                    models.JSONField(
                        blank=True, default=list, help_text="What the values of each column say about its format."
                    ),
                ),
                ("layout", models.JSONField(blank=True, default=dict, help_text="The layout its rows were read with.")),
                ("rows", models.PositiveIntegerField(default=0)),
                ("chunk_count", models.PositiveIntegerField(default=0)),
                ("chunks_done", models.PositiveIntegerField(default=0)),
                ("created_count", models.PositiveIntegerField(default=0)),
                ("updated_count", models.PositiveIntegerField(default=0)),
                ("unchanged_count", models.PositiveIntegerField(default=0)),
                ("skipped_count", models.PositiveIntegerField(default=0)),
                (
                    "rejected_count",
                    models.PositiveIntegerField(default=0, help_text="Rows kept, but not usable yet: each is a case."),
                ),
                ("refused_count", models.PositiveIntegerField(default=0, help_text="Rows that can't be read.")),
                (
                    "problems",
                    models.JSONField(
                        blank=True, default=list, help_text="The first of them: line, column, value, message."
                    ),
                ),
                ("actor", models.CharField(blank=True, default="", max_length=200)),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("loaded_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="connectors.connection"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "verbose_name": "file",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["connection", "object_name", "status", "id"], name="file_waiting")],
                "constraints": [models.UniqueConstraint(fields=("connection", "sha256"), name="file_once")],
            },
        ),
        migrations.CreateModel(
            name="FilePart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="tabular.datafile"
                    ),
                ),
            ],
            options={
                "ordering": ["file", "number"],
                "constraints": [models.UniqueConstraint(fields=("file", "number"), name="file_part_once")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalLayout",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("object_name", models.CharField(max_length=100)),
                (
                    "columns",
                    models.JSONField(
                        default=dict,
                        help_text='Heading → {"field": name or "", "format": …, "keep": whether it is kept without a field}',
                    ),
                ),
                (
                    "keys",
                    models.JSONField(blank=True, default=list, help_text="Headings whose values together name a row."),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="connectors.connection",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical layout",
                "verbose_name_plural": "historical layouts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalWarehouse",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[("customer", "this customer"), ("partner", "all customers")],
                        default="customer",
                        max_length=10,
                    ),
                ),
                ("schema", models.CharField(default="throughline", max_length=63)),
                ("entities", models.JSONField(blank=True, default=list, help_text="Empty: all of them.")),
                ("with_history", models.BooleanField(default=False)),
                ("every_minutes", models.PositiveIntegerField(default=15)),
                ("is_enabled", models.BooleanField(default=True)),
                (
                    "identity",
                    models.UUIDField(
                        editable=False, help_text="Written into the target, so that nobody else writes there."
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="connectors.connection",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical warehouse",
                "verbose_name_plural": "historical warehouses",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Layout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_name", models.CharField(max_length=100)),
                (
                    "columns",
                    models.JSONField(
                        default=dict,
                        help_text='Heading → {"field": name or "", "format": …, "keep": whether it is kept without a field}',
                    ),
                ),
                (
                    "keys",
                    models.JSONField(blank=True, default=list, help_text="Headings whose values together name a row."),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="layouts", to="connectors.connection"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "ordering": ["connection", "object_name"],
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "object_name"), name="one_layout_an_object")
                ],
            },
        ),
        migrations.CreateModel(
            name="RowChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="tabular.datafile"
                    ),
                ),
            ],
            options={
                "ordering": ["file", "number"],
                "constraints": [models.UniqueConstraint(fields=("file", "number"), name="row_chunk_once")],
            },
        ),
        migrations.CreateModel(
            name="SeenFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=500)),
                ("stamp", models.CharField(help_text="Size and time of change.", max_length=60)),
                ("note", models.TextField(blank=True, default="")),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="connectors.connection"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tabular.datafile",
                    ),
                ),
            ],
            options={
                "ordering": ["connection", "path"],
                "constraints": [models.UniqueConstraint(fields=("connection", "path"), name="seen_file_once")],
            },
        ),
        migrations.CreateModel(
            name="Warehouse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[("customer", "this customer"), ("partner", "all customers")],
                        default="customer",
                        max_length=10,
                    ),
                ),
                ("schema", models.CharField(default="throughline", max_length=63)),
                ("entities", models.JSONField(blank=True, default=list, help_text="Empty: all of them.")),
                ("with_history", models.BooleanField(default=False)),
                ("every_minutes", models.PositiveIntegerField(default=15)),
                ("is_enabled", models.BooleanField(default=True)),
                (
                    "identity",
                    models.UUIDField(
                        editable=False, help_text="Written into the target, so that nobody else writes there."
                    ),
                ),
                ("latest_success_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("error", models.TextField(blank=True, default="", editable=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="warehouse",
                        to="connectors.connection",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "ordering": ["connection"],
            },
        ),
        migrations.CreateModel(
            name="WarehouseTable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=63)),
                ("written_until", models.DateTimeField(blank=True, null=True)),
                ("after_id", models.BigIntegerField(default=0, help_text="The place inside the pass under way.")),
                ("pass_started_at", models.DateTimeField(blank=True, null=True)),
                ("is_full_pass", models.BooleanField(default=False)),
                ("rows", models.PositiveBigIntegerField(default=0)),
                ("written_count", models.PositiveBigIntegerField(default=0)),
                ("verified_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "warehouse",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tables", to="tabular.warehouse"
                    ),
                ),
            ],
            options={
                "ordering": ["warehouse", "name"],
                "constraints": [models.UniqueConstraint(fields=("warehouse", "name"), name="warehouse_table_once")],
            },
        ),
    ]
