import django.db.models.deletion
import django.db.models.functions.datetime
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import apps.canonical.models.base


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("connectors", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Client",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "reference",
                    models.CharField(blank=True, default="", help_text="The number people use.", max_length=200),
                ),
                ("tax_number", models.CharField(blank=True, default="", max_length=60)),
                (
                    "domain",
                    models.CharField(
                        blank=True, default="", help_text="Web domain without www, lower case.", max_length=255
                    ),
                ),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("street", models.TextField(blank=True, default="")),
                ("city", models.CharField(blank=True, default="", max_length=200)),
                ("region", models.CharField(blank=True, default="", max_length=200)),
                ("postal_code", models.CharField(blank=True, default="", max_length=40)),
                ("country", models.CharField(blank=True, default="", max_length=100)),
                ("payment_terms_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "tax_code",
                    models.CharField(
                        blank=True, default="", help_text="Canonical tax code, e.g. standard.", max_length=60
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "domain"], name="canonical_c_custome_4cd700_idx"),
                    models.Index(fields=["customer", "tax_number"], name="canonical_c_custome_829056_idx"),
                    models.Index(fields=["customer", "reference"], name="canonical_c_custome_6809e5_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("first_name", models.CharField(blank=True, default="", max_length=200)),
                ("last_name", models.CharField(blank=True, default="", max_length=200)),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                ("job_title", models.CharField(blank=True, default="", max_length=200)),
                ("is_billing", models.BooleanField(default=False)),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="contacts",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["customer", "email"], name="canonical_c_custome_5489de_idx")],
            },
        ),
        migrations.CreateModel(
            name="Opportunity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=10
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        blank=True, default="", help_text="The stage as the CRM names it.", max_length=200
                    ),
                ),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "probability",
                    models.DecimalField(blank=True, decimal_places=2, help_text="Percent.", max_digits=5, null=True),
                ),
                ("close_date", models.DateField(blank=True, null=True)),
                ("won_at", models.DateTimeField(blank=True, null=True)),
                ("owner_name", models.CharField(blank=True, default="", max_length=200)),
                ("owner_email", models.CharField(blank=True, default="", max_length=320)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="opportunities",
                        to="canonical.client",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.contact",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "opportunities",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "status", "close_date"], name="canonical_o_custome_8eaa4a_idx"),
                    models.Index(fields=["customer", "updated_at"], name="canonical_o_custome_9d0f61_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Contract",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "signature_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sent", "Sent"),
                            ("viewed", "Viewed"),
                            ("signed", "Signed"),
                            ("declined", "Declined"),
                            ("voided", "withdrawn by the sender"),
                            ("expired", "Expired"),
                        ],
                        default="",
                        help_text="Empty: not sent for signing.",
                        max_length=10,
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("viewed_at", models.DateTimeField(blank=True, null=True)),
                ("signed_at", models.DateTimeField(blank=True, help_text="When the last signer signed.", null=True)),
                ("declined_at", models.DateTimeField(blank=True, null=True)),
                ("decline_reason", models.TextField(blank=True, default="")),
                ("number", models.CharField(blank=True, default="", max_length=100)),
                ("name", models.TextField()),
                ("status", models.CharField(default="active", max_length=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "value_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contracts",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="contracts",
                        to="canonical.opportunity",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Department",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.CharField(max_length=200)),
                ("code", models.CharField(blank=True, default="", max_length=100)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="children",
                        to="canonical.department",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ExternalRef",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_name", models.CharField(max_length=100)),
                ("external_id", models.CharField(max_length=255)),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                ("url", models.TextField(blank=True, default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
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
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["entity", "record_id", "connection"], name="canonical_e_entity_4fa15c_idx")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "object_name", "external_id"), name="external_ref_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalClient",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "reference",
                    models.CharField(blank=True, default="", help_text="The number people use.", max_length=200),
                ),
                ("tax_number", models.CharField(blank=True, default="", max_length=60)),
                (
                    "domain",
                    models.CharField(
                        blank=True, default="", help_text="Web domain without www, lower case.", max_length=255
                    ),
                ),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("street", models.TextField(blank=True, default="")),
                ("city", models.CharField(blank=True, default="", max_length=200)),
                ("region", models.CharField(blank=True, default="", max_length=200)),
                ("postal_code", models.CharField(blank=True, default="", max_length=40)),
                ("country", models.CharField(blank=True, default="", max_length=100)),
                ("payment_terms_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "tax_code",
                    models.CharField(
                        blank=True, default="", help_text="Canonical tax code, e.g. standard.", max_length=60
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical client",
                "verbose_name_plural": "historical clients",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalContact",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("first_name", models.CharField(blank=True, default="", max_length=200)),
                ("last_name", models.CharField(blank=True, default="", max_length=200)),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                ("job_title", models.CharField(blank=True, default="", max_length=200)),
                ("is_billing", models.BooleanField(default=False)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical contact",
                "verbose_name_plural": "historical contacts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalLedgerAccount",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("code", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(blank=True, default="", max_length=40)),
                ("is_active", models.BooleanField(default=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical ledger account",
                "verbose_name_plural": "historical ledger accounts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalOpportunity",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=10
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        blank=True, default="", help_text="The stage as the CRM names it.", max_length=200
                    ),
                ),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "probability",
                    models.DecimalField(blank=True, decimal_places=2, help_text="Percent.", max_digits=5, null=True),
                ),
                ("close_date", models.DateField(blank=True, null=True)),
                ("won_at", models.DateTimeField(blank=True, null=True)),
                ("owner_name", models.CharField(blank=True, default="", max_length=200)),
                ("owner_email", models.CharField(blank=True, default="", max_length=320)),
                ("description", models.TextField(blank=True, default="")),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.contact",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical opportunity",
                "verbose_name_plural": "historical opportunities",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalRateCard",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.CharField(max_length=200)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical rate card",
                "verbose_name_plural": "historical rate cards",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalSubscription",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField(blank=True, default="")),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("trial", "Trial"),
                            ("active", "Active"),
                            ("past_due", "active, its latest invoice unpaid"),
                            ("paused", "Paused"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="Untaxed, each interval.", max_digits=20
                    ),
                ),
                (
                    "interval",
                    models.CharField(
                        choices=[("day", "Day"), ("week", "Week"), ("month", "Month"), ("year", "Year")],
                        default="month",
                        max_length=10,
                    ),
                ),
                ("interval_count", models.PositiveSmallIntegerField(default=1, help_text="3 and month: each quarter.")),
                ("start_date", models.DateField(blank=True, null=True)),
                ("current_period_start_date", models.DateField(blank=True, null=True)),
                ("current_period_end_date", models.DateField(blank=True, null=True)),
                ("cancels_at_period_end", models.BooleanField(default=False)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical subscription",
                "verbose_name_plural": "historical subscriptions",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalSupplier",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "reference",
                    models.CharField(blank=True, default="", help_text="The number people use.", max_length=200),
                ),
                ("tax_number", models.CharField(blank=True, default="", max_length=60)),
                (
                    "domain",
                    models.CharField(
                        blank=True, default="", help_text="Web domain without www, lower case.", max_length=255
                    ),
                ),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("street", models.TextField(blank=True, default="")),
                ("city", models.CharField(blank=True, default="", max_length=200)),
                ("region", models.CharField(blank=True, default="", max_length=200)),
                ("postal_code", models.CharField(blank=True, default="", max_length=40)),
                ("country", models.CharField(blank=True, default="", max_length=100)),
                ("payment_terms_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "tax_code",
                    models.CharField(
                        blank=True, default="", help_text="Canonical tax code, e.g. standard.", max_length=60
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical supplier",
                "verbose_name_plural": "historical suppliers",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalTaxRate",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("code", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=200)),
                ("percent", models.DecimalField(decimal_places=4, max_digits=8)),
                ("is_active", models.BooleanField(default=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical tax rate",
                "verbose_name_plural": "historical tax rates",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Supplier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "reference",
                    models.CharField(blank=True, default="", help_text="The number people use.", max_length=200),
                ),
                ("tax_number", models.CharField(blank=True, default="", max_length=60)),
                (
                    "domain",
                    models.CharField(
                        blank=True, default="", help_text="Web domain without www, lower case.", max_length=255
                    ),
                ),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("phone", models.CharField(blank=True, default="", max_length=60)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("street", models.TextField(blank=True, default="")),
                ("city", models.CharField(blank=True, default="", max_length=200)),
                ("region", models.CharField(blank=True, default="", max_length=200)),
                ("postal_code", models.CharField(blank=True, default="", max_length=40)),
                ("country", models.CharField(blank=True, default="", max_length=100)),
                ("payment_terms_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "tax_code",
                    models.CharField(
                        blank=True, default="", help_text="Canonical tax code, e.g. standard.", max_length=60
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "tax_number"], name="canonical_s_custome_66920e_idx"),
                    models.Index(fields=["customer", "reference"], name="canonical_s_custome_1ea75e_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Resource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("code", models.CharField(blank=True, default="", help_text="Employee number.", max_length=100)),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("is_active", models.BooleanField(default=True)),
                ("is_contractor", models.BooleanField(default=False)),
                (
                    "billable_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True, decimal_places=4, help_text="Per hour.", max_digits=20, null=True
                    ),
                ),
                (
                    "cost_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True,
                        decimal_places=4,
                        help_text="Per hour, today; what it was when stands in cost rates.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("weekly_capacity_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True)),
                ("job_title", models.CharField(blank=True, default="", max_length=200)),
                ("location", models.CharField(blank=True, default="", max_length=200)),
                (
                    "employment_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("full_time", "Full Time"),
                            ("part_time", "Part Time"),
                            ("contractor", "Contractor"),
                            ("temporary", "Temporary"),
                            ("intern", "Intern"),
                            ("other", "Other"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("start_date", models.DateField(blank=True, help_text="First day with the firm.", null=True)),
                ("end_date", models.DateField(blank=True, help_text="Last day with the firm.", null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="resources",
                        to="canonical.department",
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reports",
                        to="canonical.resource",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who sends the bills for a subcontractor's work.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="resources",
                        to="canonical.supplier",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["customer", "email"], name="canonical_r_custome_f2724f_idx")],
            },
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                ("code", models.CharField(blank=True, default="", max_length=100)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("on_hold", "On Hold"), ("closed", "Closed")],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("is_billable", models.BooleanField(default=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("budget_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                (
                    "budget_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                (
                    "hourly_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True,
                        decimal_places=4,
                        help_text="One rate for all time on the project.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                ("notes", models.TextField(blank=True, default="")),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="projects",
                        to="canonical.client",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="projects",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="projects",
                        to="canonical.opportunity",
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["customer", "code"], name="canonical_p_custome_cc8386_idx")],
            },
        ),
        migrations.CreateModel(
            name="Invoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("invoice", "Invoice"), ("credit_note", "Credit Note")],
                        default="invoice",
                        max_length=20,
                    ),
                ),
                ("number", models.CharField(blank=True, default="", help_text="Given by the ERP.", max_length=100)),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written to the ERP.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the ERP"),
                            ("draft", "draft in the ERP"),
                            ("posted", "Posted"),
                            ("paid", "Paid"),
                            ("voided", "Voided"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("issue_date", models.DateField(blank=True, null=True)),
                ("due_date", models.DateField(blank=True, null=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("untaxed_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("total_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_produced_here",
                    models.BooleanField(default=False, help_text="Drafted by a flow, not only read from the ERP."),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="canonical.client",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invoices",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invoices",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "status", "issue_date"], name="canonical_i_custome_936f4f_idx"),
                    models.Index(fields=["customer", "number"], name="canonical_i_custome_ee3847_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalPayment",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("paid_date", models.DateField()),
                ("reference", models.CharField(blank=True, default="", max_length=200)),
                ("status", models.CharField(blank=True, default="", max_length=40)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.invoice",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical payment",
                "verbose_name_plural": "historical payments",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("code", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=200)),
                ("kind", models.CharField(blank=True, default="", max_length=40)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Milestone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "status",
                    models.CharField(
                        default="planned", help_text="planned, reached, accepted, invoiced", max_length=20
                    ),
                ),
                ("due_date", models.DateField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="milestones", to="canonical.project"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("revenue", "Revenue"), ("cost", "Cost"), ("other", "Other")],
                        default="other",
                        max_length=10,
                    ),
                ),
                ("number", models.CharField(blank=True, default="", help_text="Given by the ERP.", max_length=100)),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the ERP"),
                            ("draft", "draft in the ERP"),
                            ("posted", "Posted"),
                            ("voided", "Voided"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("entry_date", models.DateField()),
                ("description", models.TextField(blank=True, default="")),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "total_amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="The sum of its debits.", max_digits=20
                    ),
                ),
                (
                    "is_produced_here",
                    models.BooleanField(default=False, help_text="Made by a flow, not only read from the ERP."),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="journals",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reversals",
                        to="canonical.journalentry",
                    ),
                ),
                (
                    "milestone",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="journals",
                        to="canonical.milestone",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="journals",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "journal entries",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "kind", "entry_date"], name="canonical_j_custome_9bb7fa_idx"),
                    models.Index(fields=["customer", "reference"], name="canonical_j_custome_c2d016_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalQuote",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "signature_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sent", "Sent"),
                            ("viewed", "Viewed"),
                            ("signed", "Signed"),
                            ("declined", "Declined"),
                            ("voided", "withdrawn by the sender"),
                            ("expired", "Expired"),
                        ],
                        default="",
                        help_text="Empty: not sent for signing.",
                        max_length=10,
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("viewed_at", models.DateTimeField(blank=True, null=True)),
                ("signed_at", models.DateTimeField(blank=True, help_text="When the last signer signed.", null=True)),
                ("declined_at", models.DateTimeField(blank=True, null=True)),
                ("decline_reason", models.TextField(blank=True, default="")),
                ("number", models.CharField(blank=True, default="", max_length=100)),
                ("title", models.TextField(blank=True, default="")),
                ("status", models.CharField(blank=True, default="draft", max_length=40)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "total_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("valid_until_date", models.DateField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.opportunity",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical quote",
                "verbose_name_plural": "historical quotes",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalContract",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "signature_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sent", "Sent"),
                            ("viewed", "Viewed"),
                            ("signed", "Signed"),
                            ("declined", "Declined"),
                            ("voided", "withdrawn by the sender"),
                            ("expired", "Expired"),
                        ],
                        default="",
                        help_text="Empty: not sent for signing.",
                        max_length=10,
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("viewed_at", models.DateTimeField(blank=True, null=True)),
                ("signed_at", models.DateTimeField(blank=True, help_text="When the last signer signed.", null=True)),
                ("declined_at", models.DateTimeField(blank=True, null=True)),
                ("decline_reason", models.TextField(blank=True, default="")),
                ("number", models.CharField(blank=True, default="", max_length=100)),
                ("name", models.TextField()),
                ("status", models.CharField(default="active", max_length=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "value_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.opportunity",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical contract",
                "verbose_name_plural": "historical contracts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("paid_date", models.DateField()),
                ("reference", models.CharField(blank=True, default="", max_length=200)),
                ("status", models.CharField(blank=True, default="", max_length=40)),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payments",
                        to="canonical.invoice",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="JournalLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "account_code",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="What the flow's value map or the ERP calls the account.",
                        max_length=100,
                    ),
                ),
                ("debit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("credit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "journal_entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="canonical.journalentry"
                    ),
                ),
                (
                    "ledger_account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="journal_lines",
                        to="canonical.ledgeraccount",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "ordering": ["journal_entry_id", "position"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("debit_amount", 0), ("credit_amount", 0), _connector="OR"),
                        name="journal_line_has_one_side",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InvoiceLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit", models.CharField(blank=True, default="hour", max_length=20)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_code", models.CharField(blank=True, default="", max_length=60)),
                ("tax_percent", models.DecimalField(blank=True, decimal_places=4, max_digits=8, null=True)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="canonical.invoice"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "ordering": ["invoice_id", "position"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HistoricalMilestone",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                (
                    "status",
                    models.CharField(
                        default="planned", help_text="planned, reached, accepted, invoiced", max_length=20
                    ),
                ),
                ("due_date", models.DateField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical milestone",
                "verbose_name_plural": "historical milestones",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalJournalLine",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "account_code",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="What the flow's value map or the ERP calls the account.",
                        max_length=100,
                    ),
                ),
                ("debit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("credit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "journal_entry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.journalentry",
                    ),
                ),
                (
                    "ledger_account",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.ledgeraccount",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical journal line",
                "verbose_name_plural": "historical journal lines",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalJournalEntry",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("revenue", "Revenue"), ("cost", "Cost"), ("other", "Other")],
                        default="other",
                        max_length=10,
                    ),
                ),
                ("number", models.CharField(blank=True, default="", help_text="Given by the ERP.", max_length=100)),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the ERP"),
                            ("draft", "draft in the ERP"),
                            ("posted", "Posted"),
                            ("voided", "Voided"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("entry_date", models.DateField()),
                ("description", models.TextField(blank=True, default="")),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "total_amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="The sum of its debits.", max_digits=20
                    ),
                ),
                (
                    "is_produced_here",
                    models.BooleanField(default=False, help_text="Made by a flow, not only read from the ERP."),
                ),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.journalentry",
                    ),
                ),
                (
                    "milestone",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.milestone",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical journal entry",
                "verbose_name_plural": "historical journal entries",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalInvoiceLine",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit", models.CharField(blank=True, default="hour", max_length=20)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_code", models.CharField(blank=True, default="", max_length=60)),
                ("tax_percent", models.DecimalField(blank=True, decimal_places=4, max_digits=8, null=True)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.invoice",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical invoice line",
                "verbose_name_plural": "historical invoice lines",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalInvoice",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("invoice", "Invoice"), ("credit_note", "Credit Note")],
                        default="invoice",
                        max_length=20,
                    ),
                ),
                ("number", models.CharField(blank=True, default="", help_text="Given by the ERP.", max_length=100)),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written to the ERP.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the ERP"),
                            ("draft", "draft in the ERP"),
                            ("posted", "Posted"),
                            ("paid", "Paid"),
                            ("voided", "Voided"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("issue_date", models.DateField(blank=True, null=True)),
                ("due_date", models.DateField(blank=True, null=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("untaxed_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("total_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_produced_here",
                    models.BooleanField(default=False, help_text="Drafted by a flow, not only read from the ERP."),
                ),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical invoice",
                "verbose_name_plural": "historical invoices",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("match", "may be the same record"),
                            ("field", "value from a system that does not own the field"),
                            ("amendment", "changed after the win"),
                        ],
                        max_length=10,
                    ),
                ),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                (
                    "other_record_id",
                    models.BigIntegerField(blank=True, help_text="The candidate, for a match.", null=True),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="What makes it the same proposal when it is found again.", max_length=200
                    ),
                ),
                ("title", models.TextField()),
                ("details", models.JSONField(default=list, help_text='[{"field", "from", "to", "effect"}]')),
                ("score", models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                ("origin", models.CharField(blank=True, default="", max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("settled", "settled by itself"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.TextField(blank=True, default="")),
                (
                    "applied_at",
                    models.DateTimeField(
                        blank=True, help_text="When an accepted amendment was carried out.", null=True
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["customer", "status"], name="canonical_p_custome_740c0f_idx")],
                "constraints": [models.UniqueConstraint(fields=("customer", "kind", "key"), name="proposal_once")],
            },
        ),
        migrations.CreateModel(
            name="PurchaseOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "number",
                    models.CharField(
                        blank=True, default="", help_text="Given by the system that issues it.", max_length=100
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                ("description", models.TextField(blank=True, default="")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the system"),
                            ("draft", "Draft"),
                            ("submitted", "awaiting approval"),
                            ("approved", "approved, with the supplier"),
                            ("received", "Received"),
                            ("closed", "closed, nothing more is expected"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("order_date", models.DateField(blank=True, null=True)),
                ("delivery_date", models.DateField(blank=True, help_text="When it is wanted.", null=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("untaxed_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("total_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("payment_terms_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("is_produced_here", models.BooleanField(default=False, help_text="Drafted by a flow, not only read.")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="purchase_orders",
                        to="canonical.project",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purchase_orders",
                        to="canonical.supplier",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "status", "order_date"], name="canonical_p_custome_914872_idx")
                ],
            },
        ),
        migrations.CreateModel(
            name="Bill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("bill", "Bill"), ("credit_note", "Credit Note")], default="bill", max_length=20
                    ),
                ),
                ("number", models.CharField(blank=True, default="", help_text="Given by the ERP.", max_length=100)),
                (
                    "supplier_number",
                    models.CharField(blank=True, default="", help_text="On the supplier's document.", max_length=200),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the ERP"),
                            ("draft", "Draft"),
                            ("submitted", "awaiting approval"),
                            ("posted", "Posted"),
                            ("paid", "Paid"),
                            ("voided", "Voided"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("issue_date", models.DateField(blank=True, null=True)),
                ("due_date", models.DateField(blank=True, null=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("untaxed_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("total_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_produced_here",
                    models.BooleanField(default=False, help_text="Drafted by a flow, not only read from the ERP."),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bills",
                        to="canonical.project",
                    ),
                ),
                (
                    "purchase_order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bills",
                        to="canonical.purchaseorder",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bills",
                        to="canonical.supplier",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "status", "issue_date"], name="canonical_b_custome_362ec8_idx")
                ],
            },
        ),
        migrations.CreateModel(
            name="Quote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "signature_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("sent", "Sent"),
                            ("viewed", "Viewed"),
                            ("signed", "Signed"),
                            ("declined", "Declined"),
                            ("voided", "withdrawn by the sender"),
                            ("expired", "Expired"),
                        ],
                        default="",
                        help_text="Empty: not sent for signing.",
                        max_length=10,
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("viewed_at", models.DateTimeField(blank=True, null=True)),
                ("signed_at", models.DateTimeField(blank=True, help_text="When the last signer signed.", null=True)),
                ("declined_at", models.DateTimeField(blank=True, null=True)),
                ("decline_reason", models.TextField(blank=True, default="")),
                ("number", models.CharField(blank=True, default="", max_length=100)),
                ("title", models.TextField(blank=True, default="")),
                ("status", models.CharField(blank=True, default="draft", max_length=40)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "total_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("valid_until_date", models.DateField(blank=True, null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quotes",
                        to="canonical.opportunity",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HistoricalQuoteLine",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("name", models.TextField()),
                ("description", models.TextField(blank=True, default="")),
                ("sku", models.CharField(blank=True, default="", max_length=100)),
                ("unit", models.CharField(blank=True, default="", help_text="hour, day, fixed …", max_length=20)),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.opportunity",
                    ),
                ),
                (
                    "quote",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.quote",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical quote line",
                "verbose_name_plural": "historical quote lines",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="QuoteLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("name", models.TextField()),
                ("description", models.TextField(blank=True, default="")),
                ("sku", models.CharField(blank=True, default="", max_length=100)),
                ("unit", models.CharField(blank=True, default="", help_text="hour, day, fixed …", max_length=20)),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="canonical.opportunity",
                    ),
                ),
                (
                    "quote",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="canonical.quote",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["customer", "updated_at"], name="canonical_q_custome_d57142_idx")],
            },
        ),
        migrations.CreateModel(
            name="RateCard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.CharField(max_length=200)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HistoricalContractVersion",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("number", models.PositiveIntegerField(default=1)),
                ("effective_date", models.DateField()),
                (
                    "billing_method",
                    models.CharField(
                        choices=[
                            ("time_and_materials", "Time And Materials"),
                            ("capped", "time and materials, capped"),
                            ("fixed_price", "fixed price by milestone"),
                            ("retainer", "Retainer"),
                            ("prepaid", "prepaid hours"),
                            ("non_billable", "Non Billable"),
                        ],
                        default="time_and_materials",
                        max_length=30,
                    ),
                ),
                (
                    "cap_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("rounding_step_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                ("rounding_mode", models.CharField(default="none", help_text="none, nearest, up", max_length=10)),
                ("rounding_scope", models.CharField(default="entry", help_text="entry, day, line", max_length=10)),
                ("minimum_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True)),
                ("discount_percent", models.DecimalField(decimal_places=3, default=0, max_digits=6)),
                ("expense_markup_percent", models.DecimalField(decimal_places=3, default=0, max_digits=6)),
                (
                    "adjustments",
                    models.CharField(default="next_invoice", help_text="next_invoice or credit", max_length=20),
                ),
                (
                    "voided",
                    models.CharField(
                        default="bill_again",
                        help_text="The work of an invoice voided in the ERP: bill_again (once by itself) or ask",
                        max_length=20,
                    ),
                ),
                ("group_by", models.CharField(default="project", help_text="project or contract", max_length=20)),
                (
                    "lines_by",
                    models.CharField(default="person", help_text="person, role, task, entry or project", max_length=20),
                ),
                ("tax_code", models.CharField(default="standard", max_length=60)),
                ("payment_terms_days", models.PositiveSmallIntegerField(default=30)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.ratecard",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical contract version",
                "verbose_name_plural": "historical contract versions",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="ContractVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("number", models.PositiveIntegerField(default=1)),
                ("effective_date", models.DateField()),
                (
                    "billing_method",
                    models.CharField(
                        choices=[
                            ("time_and_materials", "Time And Materials"),
                            ("capped", "time and materials, capped"),
                            ("fixed_price", "fixed price by milestone"),
                            ("retainer", "Retainer"),
                            ("prepaid", "prepaid hours"),
                            ("non_billable", "Non Billable"),
                        ],
                        default="time_and_materials",
                        max_length=30,
                    ),
                ),
                (
                    "cap_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("rounding_step_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                ("rounding_mode", models.CharField(default="none", help_text="none, nearest, up", max_length=10)),
                ("rounding_scope", models.CharField(default="entry", help_text="entry, day, line", max_length=10)),
                ("minimum_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True)),
                ("discount_percent", models.DecimalField(decimal_places=3, default=0, max_digits=6)),
                ("expense_markup_percent", models.DecimalField(decimal_places=3, default=0, max_digits=6)),
                (
                    "adjustments",
                    models.CharField(default="next_invoice", help_text="next_invoice or credit", max_length=20),
                ),
                (
                    "voided",
                    models.CharField(
                        default="bill_again",
                        help_text="The work of an invoice voided in the ERP: bill_again (once by itself) or ask",
                        max_length=20,
                    ),
                ),
                ("group_by", models.CharField(default="project", help_text="project or contract", max_length=20)),
                (
                    "lines_by",
                    models.CharField(default="person", help_text="person, role, task, entry or project", max_length=20),
                ),
                ("tax_code", models.CharField(default="standard", max_length=60)),
                ("payment_terms_days", models.PositiveSmallIntegerField(default=30)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="canonical.contract"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="canonical.ratecard",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("contract", "number"), name="contract_version_number")],
            },
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("person", "Person"),
                            ("role", "Role"),
                            ("project", "Project"),
                            ("task", "Task"),
                            ("default", "Default"),
                        ],
                        max_length=10,
                    ),
                ),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("task", models.CharField(blank=True, default="", max_length=200)),
                ("hourly_amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("effective_from_date", models.DateField(blank=True, null=True)),
                ("effective_to_date", models.DateField(blank=True, help_text="The last day it applies.", null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rates", to="canonical.ratecard"
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="PurchaseOrderLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                ("sku", models.CharField(blank=True, default="", max_length=100)),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit", models.CharField(blank=True, default="", max_length=20)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="Untaxed.", max_digits=20
                    ),
                ),
                (
                    "account_code",
                    models.CharField(blank=True, default="", help_text="Ledger account, by its code.", max_length=100),
                ),
                ("tax_code", models.CharField(blank=True, default="", max_length=60)),
                ("tax_percent", models.DecimalField(blank=True, decimal_places=4, max_digits=8, null=True)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("received_quantity", models.DecimalField(blank=True, decimal_places=4, max_digits=16, null=True)),
                ("billed_quantity", models.DecimalField(blank=True, decimal_places=4, max_digits=16, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose cost it is.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "purchase_order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="canonical.purchaseorder"
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose work is bought.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "ordering": ["purchase_order_id", "position"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="HistoricalTimeEntry",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("task", models.CharField(blank=True, default="", max_length=300)),
                ("work_date", models.DateField()),
                ("hours", models.DecimalField(decimal_places=4, help_text="Negative for a correction.", max_digits=10)),
                ("notes", models.TextField(blank=True, default="")),
                ("is_billable", models.BooleanField(default=True)),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("submitted", "Submitted"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "billable_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True,
                        decimal_places=4,
                        help_text="Per hour, as the time system has it.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                (
                    "cost_rate",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_billed_at_source",
                    models.BooleanField(default=False, help_text="The time system says it was invoiced elsewhere."),
                ),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical time entry",
                "verbose_name_plural": "historical time entries",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalTicket",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("number", models.CharField(blank=True, default="", max_length=100)),
                ("subject", models.TextField()),
                ("description", models.TextField(blank=True, default="")),
                (
                    "kind",
                    models.CharField(blank=True, default="", help_text="incident, question, request …", max_length=40),
                ),
                (
                    "queue",
                    models.CharField(
                        blank=True, default="", help_text="Queue, group or team it lies with.", max_length=200
                    ),
                ),
                ("status", models.CharField(default="open", help_text="As the help desk names it.", max_length=40)),
                (
                    "status_category",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("open", "Open"),
                            ("pending", "waiting for the client"),
                            ("on_hold", "waiting for somebody else"),
                            ("solved", "Solved"),
                            ("closed", "Closed"),
                        ],
                        default="open",
                        help_text="What the status means.",
                        max_length=10,
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        blank=True,
                        choices=[("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent")],
                        default="",
                        max_length=40,
                    ),
                ),
                ("tags", models.JSONField(blank=True, default=list)),
                ("is_escalated", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("first_reply_due_at", models.DateTimeField(blank=True, null=True)),
                ("first_replied_at", models.DateTimeField(blank=True, null=True)),
                ("resolve_due_at", models.DateTimeField(blank=True, null=True)),
                ("solved_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.contact",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical ticket",
                "verbose_name_plural": "historical tickets",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalRate",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("person", "Person"),
                            ("role", "Role"),
                            ("project", "Project"),
                            ("task", "Task"),
                            ("default", "Default"),
                        ],
                        max_length=10,
                    ),
                ),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("task", models.CharField(blank=True, default="", max_length=200)),
                ("hourly_amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("effective_from_date", models.DateField(blank=True, null=True)),
                ("effective_to_date", models.DateField(blank=True, help_text="The last day it applies.", null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "rate_card",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.ratecard",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical rate",
                "verbose_name_plural": "historical rates",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalPurchaseOrderLine",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                ("sku", models.CharField(blank=True, default="", max_length=100)),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit", models.CharField(blank=True, default="", max_length=20)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="Untaxed.", max_digits=20
                    ),
                ),
                (
                    "account_code",
                    models.CharField(blank=True, default="", help_text="Ledger account, by its code.", max_length=100),
                ),
                ("tax_code", models.CharField(blank=True, default="", max_length=60)),
                ("tax_percent", models.DecimalField(blank=True, decimal_places=4, max_digits=8, null=True)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("received_quantity", models.DecimalField(blank=True, decimal_places=4, max_digits=16, null=True)),
                ("billed_quantity", models.DecimalField(blank=True, decimal_places=4, max_digits=16, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Whose cost it is.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "purchase_order",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.purchaseorder",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Whose work is bought.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical purchase order line",
                "verbose_name_plural": "historical purchase order lines",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalProject",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                ("code", models.CharField(blank=True, default="", max_length=100)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("on_hold", "On Hold"), ("closed", "Closed")],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("is_billable", models.BooleanField(default=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("budget_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                (
                    "budget_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                (
                    "hourly_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True,
                        decimal_places=4,
                        help_text="One rate for all time on the project.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                ("notes", models.TextField(blank=True, default="")),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "opportunity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.opportunity",
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical project",
                "verbose_name_plural": "historical projects",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalExpense",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("category", models.CharField(blank=True, default="", max_length=200)),
                ("spent_date", models.DateField()),
                ("amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("notes", models.TextField(blank=True, default="")),
                ("is_billable", models.BooleanField(default=True)),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("submitted", "Submitted"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("is_billed_at_source", models.BooleanField(default=False)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical expense",
                "verbose_name_plural": "historical expenses",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalDepartment",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.CharField(max_length=200)),
                ("code", models.CharField(blank=True, default="", max_length=100)),
                ("is_active", models.BooleanField(default=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.department",
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical department",
                "verbose_name_plural": "historical departments",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalCostRate",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("hourly_amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("effective_from_date", models.DateField(blank=True, help_text="Empty: since ever.", null=True)),
                ("effective_to_date", models.DateField(blank=True, help_text="The last day it applies.", null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical cost rate",
                "verbose_name_plural": "historical cost rates",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalBooking",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("tentative", "Tentative"), ("confirmed", "Confirmed"), ("cancelled", "Cancelled")],
                        default="confirmed",
                        max_length=10,
                    ),
                ),
                ("start_date", models.DateField()),
                ("end_date", models.DateField()),
                (
                    "hours_per_day",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="On each working day from start to end.",
                        max_digits=6,
                        null=True,
                    ),
                ),
                (
                    "hours",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="In total, where the planner says only that.",
                        max_digits=12,
                        null=True,
                    ),
                ),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("task", models.CharField(blank=True, default="", max_length=300)),
                ("notes", models.TextField(blank=True, default="")),
                ("is_billable", models.BooleanField(default=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical booking",
                "verbose_name_plural": "historical bookings",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalBillLine",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                ("sku", models.CharField(blank=True, default="", max_length=100)),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit", models.CharField(blank=True, default="", max_length=20)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="Untaxed.", max_digits=20
                    ),
                ),
                (
                    "account_code",
                    models.CharField(blank=True, default="", help_text="Ledger account, by its code.", max_length=100),
                ),
                ("tax_code", models.CharField(blank=True, default="", max_length=60)),
                ("tax_percent", models.DecimalField(blank=True, decimal_places=4, max_digits=8, null=True)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("is_rebillable", models.BooleanField(default=False, help_text="To be charged on to the client.")),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "bill",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.bill",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Whose cost it is.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "purchase_order_line",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.purchaseorderline",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Whose work is bought.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical bill line",
                "verbose_name_plural": "historical bill lines",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalAssignment",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("is_manager", models.BooleanField(default=False)),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                ("hours", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical assignment",
                "verbose_name_plural": "historical assignments",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalAbsence",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        blank=True, default="", help_text="As the HR system names it: vacation …", max_length=100
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="approved",
                        max_length=10,
                    ),
                ),
                ("start_date", models.DateField()),
                ("end_date", models.DateField()),
                (
                    "hours",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="In total; empty: whole working days.",
                        max_digits=8,
                        null=True,
                    ),
                ),
                ("is_paid", models.BooleanField(blank=True, null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical absence",
                "verbose_name_plural": "historical absences",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Expense",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("category", models.CharField(blank=True, default="", max_length=200)),
                ("spent_date", models.DateField()),
                ("amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("notes", models.TextField(blank=True, default="")),
                ("is_billable", models.BooleanField(default=True)),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("submitted", "Submitted"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("is_billed_at_source", models.BooleanField(default=False)),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="expenses",
                        to="canonical.project",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="expenses",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "spent_date"], name="canonical_e_custome_34ea99_idx"),
                    models.Index(fields=["project", "spent_date"], name="canonical_e_project_c05f15_idx"),
                    models.Index(
                        condition=models.Q(
                            ("approval", "approved"), ("deleted_at__isnull", True), ("is_billable", True)
                        ),
                        fields=["customer", "project"],
                        name="expense_billable",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CostRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("hourly_amount", apps.canonical.models.base.MoneyField(decimal_places=4, max_digits=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("effective_from_date", models.DateField(blank=True, help_text="Empty: since ever.", null=True)),
                ("effective_to_date", models.DateField(blank=True, help_text="The last day it applies.", null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="cost_rates", to="canonical.resource"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["resource", "effective_from_date"], name="canonical_c_resourc_c4f863_idx")
                ],
            },
        ),
        migrations.CreateModel(
            name="Booking",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("tentative", "Tentative"), ("confirmed", "Confirmed"), ("cancelled", "Cancelled")],
                        default="confirmed",
                        max_length=10,
                    ),
                ),
                ("start_date", models.DateField()),
                ("end_date", models.DateField()),
                (
                    "hours_per_day",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="On each working day from start to end.",
                        max_digits=6,
                        null=True,
                    ),
                ),
                (
                    "hours",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="In total, where the planner says only that.",
                        max_digits=12,
                        null=True,
                    ),
                ),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("task", models.CharField(blank=True, default="", max_length=300)),
                ("notes", models.TextField(blank=True, default="")),
                ("is_billable", models.BooleanField(default=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bookings",
                        to="canonical.project",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="bookings", to="canonical.resource"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "start_date", "end_date"], name="canonical_b_custome_fe0683_idx")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_date__gte", models.F("start_date"))), name="booking_ends_after_start"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="BillLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("position", models.PositiveIntegerField(default=0)),
                ("description", models.TextField(blank=True, default="")),
                ("sku", models.CharField(blank=True, default="", max_length=100)),
                ("quantity", models.DecimalField(decimal_places=4, default=1, max_digits=16)),
                ("unit", models.CharField(blank=True, default="", max_length=20)),
                ("unit_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="Untaxed.", max_digits=20
                    ),
                ),
                (
                    "account_code",
                    models.CharField(blank=True, default="", help_text="Ledger account, by its code.", max_length=100),
                ),
                ("tax_code", models.CharField(blank=True, default="", max_length=60)),
                ("tax_percent", models.DecimalField(blank=True, decimal_places=4, max_digits=8, null=True)),
                (
                    "tax_amount",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("is_rebillable", models.BooleanField(default=False, help_text="To be charged on to the client.")),
                (
                    "bill",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="canonical.bill"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose cost it is.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "purchase_order_line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="bill_lines",
                        to="canonical.purchaseorderline",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        help_text="Whose work is bought.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "ordering": ["bill_id", "position"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("is_manager", models.BooleanField(default=False)),
                ("start_date", models.DateField(blank=True, null=True)),
                ("end_date", models.DateField(blank=True, null=True)),
                ("hours", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="assignments", to="canonical.project"
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="assignments", to="canonical.resource"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Absence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        blank=True, default="", help_text="As the HR system names it: vacation …", max_length=100
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="approved",
                        max_length=10,
                    ),
                ),
                ("start_date", models.DateField()),
                ("end_date", models.DateField()),
                (
                    "hours",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="In total; empty: whole working days.",
                        max_digits=8,
                        null=True,
                    ),
                ),
                ("is_paid", models.BooleanField(blank=True, null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="absences", to="canonical.resource"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "start_date", "end_date"], name="canonical_a_custome_4149c8_idx")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_date__gte", models.F("start_date"))), name="absence_ends_after_start"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField(blank=True, default="")),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("trial", "Trial"),
                            ("active", "Active"),
                            ("past_due", "active, its latest invoice unpaid"),
                            ("paused", "Paused"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="Untaxed, each interval.", max_digits=20
                    ),
                ),
                (
                    "interval",
                    models.CharField(
                        choices=[("day", "Day"), ("week", "Week"), ("month", "Month"), ("year", "Year")],
                        default="month",
                        max_length=10,
                    ),
                ),
                ("interval_count", models.PositiveSmallIntegerField(default=1, help_text="3 and month: each quarter.")),
                ("start_date", models.DateField(blank=True, null=True)),
                ("current_period_start_date", models.DateField(blank=True, null=True)),
                ("current_period_end_date", models.DateField(blank=True, null=True)),
                ("cancels_at_period_end", models.BooleanField(default=False)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="canonical.client",
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="subscriptions",
                        to="canonical.contract",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["customer", "status"], name="canonical_s_custome_ff9ca8_idx")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalResource",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("name", models.TextField()),
                ("email", models.CharField(blank=True, default="", max_length=320)),
                ("code", models.CharField(blank=True, default="", help_text="Employee number.", max_length=100)),
                ("role", models.CharField(blank=True, default="", max_length=200)),
                ("is_active", models.BooleanField(default=True)),
                ("is_contractor", models.BooleanField(default=False)),
                (
                    "billable_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True, decimal_places=4, help_text="Per hour.", max_digits=20, null=True
                    ),
                ),
                (
                    "cost_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True,
                        decimal_places=4,
                        help_text="Per hour, today; what it was when stands in cost rates.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("weekly_capacity_hours", models.DecimalField(blank=True, decimal_places=2, max_digits=6, null=True)),
                ("job_title", models.CharField(blank=True, default="", max_length=200)),
                ("location", models.CharField(blank=True, default="", max_length=200)),
                (
                    "employment_type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("full_time", "Full Time"),
                            ("part_time", "Part Time"),
                            ("contractor", "Contractor"),
                            ("temporary", "Temporary"),
                            ("intern", "Intern"),
                            ("other", "Other"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("start_date", models.DateField(blank=True, help_text="First day with the firm.", null=True)),
                ("end_date", models.DateField(blank=True, help_text="Last day with the firm.", null=True)),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.department",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.resource",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        help_text="Who sends the bills for a subcontractor's work.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.supplier",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical resource",
                "verbose_name_plural": "historical resources",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalPurchaseOrder",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "number",
                    models.CharField(
                        blank=True, default="", help_text="Given by the system that issues it.", max_length=100
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                ("description", models.TextField(blank=True, default="")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the system"),
                            ("draft", "Draft"),
                            ("submitted", "awaiting approval"),
                            ("approved", "approved, with the supplier"),
                            ("received", "Received"),
                            ("closed", "closed, nothing more is expected"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("order_date", models.DateField(blank=True, null=True)),
                ("delivery_date", models.DateField(blank=True, help_text="When it is wanted.", null=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("untaxed_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("total_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("payment_terms_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("is_produced_here", models.BooleanField(default=False, help_text="Drafted by a flow, not only read.")),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.supplier",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical purchase order",
                "verbose_name_plural": "historical purchase orders",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalBill",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("bill", "Bill"), ("credit_note", "Credit Note")], default="bill", max_length=20
                    ),
                ),
                ("number", models.CharField(blank=True, default="", help_text="Given by the ERP.", max_length=100)),
                (
                    "supplier_number",
                    models.CharField(blank=True, default="", help_text="On the supplier's document.", max_length=200),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True, default="", help_text="Ours: the marker written with it.", max_length=200
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "planned, not yet in the ERP"),
                            ("draft", "Draft"),
                            ("submitted", "awaiting approval"),
                            ("posted", "Posted"),
                            ("paid", "Paid"),
                            ("voided", "Voided"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("issue_date", models.DateField(blank=True, null=True)),
                ("due_date", models.DateField(blank=True, null=True)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("untaxed_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("tax_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("total_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_produced_here",
                    models.BooleanField(default=False, help_text="Drafted by a flow, not only read from the ERP."),
                ),
                ("history_id", models.BigAutoField(editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField()),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
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
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "purchase_order",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.purchaseorder",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="canonical.supplier",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical bill",
                "verbose_name_plural": "historical bills",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="TaxRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("code", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=200)),
                ("percent", models.DecimalField(decimal_places=4, max_digits=8)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("number", models.CharField(blank=True, default="", max_length=100)),
                ("subject", models.TextField()),
                ("description", models.TextField(blank=True, default="")),
                (
                    "kind",
                    models.CharField(blank=True, default="", help_text="incident, question, request …", max_length=40),
                ),
                (
                    "queue",
                    models.CharField(
                        blank=True, default="", help_text="Queue, group or team it lies with.", max_length=200
                    ),
                ),
                ("status", models.CharField(default="open", help_text="As the help desk names it.", max_length=40)),
                (
                    "status_category",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("open", "Open"),
                            ("pending", "waiting for the client"),
                            ("on_hold", "waiting for somebody else"),
                            ("solved", "Solved"),
                            ("closed", "Closed"),
                        ],
                        default="open",
                        help_text="What the status means.",
                        max_length=10,
                    ),
                ),
                (
                    "priority",
                    models.CharField(
                        blank=True,
                        choices=[("low", "Low"), ("normal", "Normal"), ("high", "High"), ("urgent", "Urgent")],
                        default="",
                        max_length=40,
                    ),
                ),
                ("tags", models.JSONField(blank=True, default=list)),
                ("is_escalated", models.BooleanField(default=False)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("first_reply_due_at", models.DateTimeField(blank=True, null=True)),
                ("first_replied_at", models.DateTimeField(blank=True, null=True)),
                ("resolve_due_at", models.DateTimeField(blank=True, null=True)),
                ("solved_at", models.DateTimeField(blank=True, null=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="tickets",
                        to="canonical.resource",
                    ),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="tickets",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.project",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="tickets",
                        to="canonical.contact",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(
                        fields=["customer", "status_category", "opened_at"], name="canonical_t_custome_ea18b9_idx"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TimeEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "custom",
                    models.JSONField(
                        blank=True, default=dict, help_text="The customer's own fields, as their systems name them."
                    ),
                ),
                (
                    "is_stub",
                    models.BooleanField(
                        default=False,
                        help_text="Known only because another record mentions it; filled when its own record arrives.",
                    ),
                ),
                (
                    "source_updated_at",
                    models.DateTimeField(blank=True, help_text="When the source says it last changed.", null=True),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(blank=True, help_text="When its source reported it as deleted.", null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("task", models.CharField(blank=True, default="", max_length=300)),
                ("work_date", models.DateField()),
                ("hours", models.DecimalField(decimal_places=4, help_text="Negative for a correction.", max_digits=10)),
                ("notes", models.TextField(blank=True, default="")),
                ("is_billable", models.BooleanField(default=True)),
                (
                    "approval",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("submitted", "Submitted"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "billable_rate",
                    apps.canonical.models.base.MoneyField(
                        blank=True,
                        decimal_places=4,
                        help_text="Per hour, as the time system has it.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                (
                    "cost_rate",
                    apps.canonical.models.base.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True),
                ),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_billed_at_source",
                    models.BooleanField(default=False, help_text="The time system says it was invoiced elsewhere."),
                ),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="canonical.client",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="time_entries",
                        to="canonical.project",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="time_entries",
                        to="canonical.resource",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "time entries",
                "abstract": False,
                "indexes": [
                    models.Index(fields=["customer", "work_date"], name="canonical_t_custome_760173_idx"),
                    models.Index(fields=["project", "work_date"], name="canonical_t_project_5faef3_idx"),
                    models.Index(
                        condition=models.Q(
                            ("approval", "approved"), ("deleted_at__isnull", True), ("is_billable", True)
                        ),
                        fields=["customer", "project"],
                        name="time_entry_billable",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Billing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sequence", models.PositiveSmallIntegerField(default=0)),
                (
                    "hours",
                    models.DecimalField(
                        decimal_places=4,
                        default=0,
                        help_text="Hours billed, after minimum and rounding.",
                        max_digits=10,
                    ),
                ),
                ("amount", apps.canonical.models.base.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ("currency", apps.canonical.models.base.CurrencyField(blank=True, default="", max_length=3)),
                (
                    "worked_hours",
                    models.DecimalField(
                        decimal_places=4,
                        default=0,
                        help_text="The entry's own hours when it was billed.",
                        max_digits=10,
                    ),
                ),
                (
                    "rate",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="Net hourly rate it was billed at.", max_digits=20
                    ),
                ),
                (
                    "unbilled_amount",
                    apps.canonical.models.base.MoneyField(
                        decimal_places=4, default=0, help_text="The part beyond the contract's cap.", max_digits=20
                    ),
                ),
                (
                    "is_adjustment",
                    models.BooleanField(default=False, help_text="A difference to what was billed before."),
                ),
                (
                    "released_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When its invoice was voided and the work became billable again.",
                        null=True,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.customer"
                    ),
                ),
                (
                    "expense",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billings",
                        to="canonical.expense",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="billings", to="canonical.invoiceline"
                    ),
                ),
                (
                    "milestone",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billings",
                        to="canonical.milestone",
                    ),
                ),
                (
                    "time_entry",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billings",
                        to="canonical.timeentry",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("released_at__isnull", False)), fields=["customer"], name="billing_released"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("time_entry", "sequence"), name="time_billed_once"),
                    models.UniqueConstraint(fields=("expense", "sequence"), name="expense_billed_once"),
                    models.UniqueConstraint(fields=("milestone", "sequence"), name="milestone_billed_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("expense__isnull", True), ("milestone__isnull", True), ("time_entry__isnull", False)
                            ),
                            models.Q(
                                ("expense__isnull", False), ("milestone__isnull", True), ("time_entry__isnull", True)
                            ),
                            models.Q(
                                ("expense__isnull", True), ("milestone__isnull", False), ("time_entry__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="billing_names_one_thing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity", models.CharField(max_length=40)),
                ("record_id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("updated", "Updated"),
                            ("deleted", "Deleted"),
                            ("linked", "Linked"),
                        ],
                        max_length=10,
                    ),
                ),
                ("fields", models.JSONField(default=dict, help_text='{"field": [from, to]}')),
                (
                    "origin",
                    models.CharField(help_text='Who did it: "connection:3", "user:7", "flow:2".', max_length=200),
                ),
                ("run_id", models.BigIntegerField(help_text="The sync run that brought it, if any.", null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.customer",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["entity", "record_id", "at"], name="canonical_c_entity_29884c_idx"),
                    models.Index(fields=["customer", "-at"], name="canonical_c_custome_37ccb0_idx"),
                ],
            },
        ),
        migrations.AddField(
            model_name="department",
            name="manager",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="departments_managed",
                to="canonical.resource",
            ),
        ),
    ]
