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
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("origin", models.CharField(help_text='What wants it: "flow:3".', max_length=60)),
                ("origin_item_id", models.BigIntegerField(blank=True, null=True)),
                ("object_name", models.CharField(max_length=100)),
                ("operation", models.CharField(max_length=40)),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                (
                    "title",
                    models.CharField(
                        help_text="In plain words, e.g. Create project Website in Harvest.", max_length=300
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=120, unique=True)),
                (
                    "marker",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Written into the vendor's record to find it again.",
                        max_length=120,
                    ),
                ),
                ("lane", models.SmallIntegerField(choices=[(0, "Live"), (1, "Repair"), (2, "Backfill")], default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for another delivery"),
                            ("pending", "Pending"),
                            ("sending", "Sending"),
                            ("uncertain", "uncertain: being checked at the vendor"),
                            ("held", "held: needs a person"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                (
                    "context",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Added to the record when it is rendered, e.g. the task to assign.",
                    ),
                ),
                (
                    "body",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="The JSON body as last rendered: a probe by key has to repeat it exactly.",
                    ),
                ),
                (
                    "payload_override",
                    models.JSONField(
                        blank=True, help_text="Edited by a person; sent instead of the rendered body.", null=True
                    ),
                ),
                ("external_id", models.CharField(blank=True, default="", max_length=255)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("not_before", models.DateTimeField(blank=True, null=True)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("token", models.UUIDField(blank=True, null=True)),
                ("error_code", models.CharField(blank=True, default="", max_length=60)),
                ("error", models.TextField(blank=True, default="")),
                (
                    "amount",
                    models.DecimalField(
                        blank=True, decimal_places=4, help_text="Money that hangs on it.", max_digits=20, null=True
                    ),
                ),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="connectors.connection",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                ("prerequisites", models.ManyToManyField(blank=True, related_name="dependants", to="syncs.delivery")),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["done", "cancelled", "held"]), _negated=True),
                        fields=["connection", "lane", "id"],
                        name="delivery_open",
                    ),
                    models.Index(fields=["entity", "record_id"], name="syncs_deliv_entity_543a06_idx"),
                    models.Index(fields=["origin", "origin_item_id"], name="syncs_deliv_origin_6c854e_idx"),
                    models.Index(fields=["customer", "-created_at"], name="syncs_deliv_custome_08c687_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(default="send", help_text="send, probe or find", max_length=10)),
                ("outcome", models.CharField(max_length=20)),
                ("request", models.JSONField(default=dict)),
                ("response", models.JSONField(default=dict)),
                ("message", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tries", to="syncs.delivery"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalSync",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("object_name", models.CharField(max_length=100)),
                ("is_enabled", models.BooleanField(default=True)),
                ("every_minutes", models.PositiveIntegerField(default=15)),
                (
                    "position",
                    models.PositiveSmallIntegerField(default=0, help_text="Objects others refer to are read first."),
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
                "verbose_name": "historical sync",
                "verbose_name_plural": "historical syncs",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="InboxEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_id", models.CharField(max_length=255)),
                ("event_type", models.CharField(blank=True, default="", max_length=200)),
                ("object_name", models.CharField(blank=True, default="", max_length=100)),
                ("external_id", models.CharField(blank=True, default="", max_length=255)),
                ("is_deletion", models.BooleanField(default=False, help_text="The vendor says the record is gone.")),
                ("occurred_at", models.DateTimeField(blank=True, null=True)),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("done", "Done"),
                            ("ignored", "Ignored"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
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
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "pending")), fields=["connection", "id"], name="inbox_pending"
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("connection", "event_id"), name="inbox_event_once")],
            },
        ),
        migrations.CreateModel(
            name="SourceRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_name", models.CharField(max_length=100)),
                ("external_id", models.CharField(max_length=255)),
                ("payload", models.JSONField()),
                ("payload_hash", models.BinaryField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("applied", "Applied"),
                            ("skipped", "skipped by the mapping"),
                            ("rejected", "could not be mapped"),
                            ("deleted", "deleted at the vendor"),
                            ("ignored", "ignored by a person"),
                        ],
                        default="applied",
                        max_length=10,
                    ),
                ),
                (
                    "problems",
                    models.JSONField(default=list, help_text='[{"code", "field", "source", "value", "message"}]'),
                ),
                ("entity", models.CharField(blank=True, default="", max_length=40)),
                ("record_id", models.BigIntegerField(blank=True, null=True)),
                ("run_id", models.BigIntegerField(blank=True, null=True)),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "connection",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="connectors.connection",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "rejected")),
                        fields=["connection", "object_name"],
                        name="source_record_trouble",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "object_name", "external_id"), name="source_record_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Sync",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_name", models.CharField(max_length=100)),
                ("is_enabled", models.BooleanField(default=True)),
                ("every_minutes", models.PositiveIntegerField(default=15)),
                (
                    "position",
                    models.PositiveSmallIntegerField(default=0, help_text="Objects others refer to are read first."),
                ),
                ("cursor", models.TextField(blank=True, default="", editable=False)),
                ("latest_success_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="syncs", to="connectors.connection"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="syncs", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "ordering": ["connection_id", "position", "object_name"],
                "constraints": [models.UniqueConstraint(fields=("connection", "object_name"), name="sync_once")],
            },
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("schedule", "Schedule"),
                            ("webhook", "Webhook"),
                            ("manual", "by hand"),
                            ("replay", "mapping applied again"),
                        ],
                        default="schedule",
                        max_length=10,
                    ),
                ),
                ("is_full", models.BooleanField(default=False, help_text="Reads everything, not only what changed.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("resume", models.JSONField(blank=True, null=True)),
                ("cursor_from", models.TextField(blank=True, default="")),
                ("cursor_to", models.TextField(blank=True, default="")),
                ("pages", models.PositiveIntegerField(default=0)),
                ("created_count", models.PositiveIntegerField(default=0)),
                ("updated_count", models.PositiveIntegerField(default=0)),
                ("unchanged_count", models.PositiveIntegerField(default=0)),
                ("skipped_count", models.PositiveIntegerField(default=0)),
                ("failed_count", models.PositiveIntegerField(default=0)),
                (
                    "keyless_count",
                    models.PositiveIntegerField(default=0, help_text="Of the failed: without a usable id."),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, help_text="Transient failures in a row.")),
                ("error_code", models.CharField(blank=True, default="", max_length=60)),
                ("error", models.TextField(blank=True, default="")),
                ("actor", models.CharField(blank=True, default="", max_length=200)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "sync",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="syncs.sync"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["customer", "-started_at"], name="syncs_syncr_custome_bcd15e_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")), fields=("sync",), name="one_active_run_a_sync"
                    )
                ],
            },
        ),
    ]
