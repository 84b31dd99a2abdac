"""Flow of data: syncs, their runs, what came in, and what goes out."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from apps.backoffice.base import RecordAdmin, link
from apps.backoffice.columns import money, pill, when, words
from apps.backoffice.forms import BodyForm, ExternalIdForm, PlainForm
from apps.backoffice.naming import name_changes, record_url
from apps.backoffice.origins import name_origins
from apps.backoffice.schedules import ScheduleForm
from apps.backoffice.site import site
from apps.backoffice.verbs import Call, Verb
from apps.core import clock
from apps.core.errors import AppError
from apps.syncs import outlook, selectors, services
from apps.syncs.models import Delivery, InboxEvent, SourceRecord, Sync, SyncRun
from apps.syncs.models.inbound import RecordStatus
from apps.syncs.models.outbound import DeliveryStatus
from apps.syncs.models.pulls import RunStatus

_STUCK = (DeliveryStatus.HELD, DeliveryStatus.UNCERTAIN, DeliveryStatus.PENDING, DeliveryStatus.WAITING)


def is_stuck(delivery: Delivery) -> bool:
    return delivery.status in _STUCK


def is_doubtful(delivery: Delivery) -> bool:
    """It may stand at the vendor already: only asking there, or a person who looked, can tell."""
    held = delivery.status == DeliveryStatus.HELD and delivery.error_code == "uncertain"
    return held or delivery.status == DeliveryStatus.UNCERTAIN


def _start(sync: Sync, call: Call, *, full: bool = False) -> object:
    return services.start_run(sync, trigger=SyncRun.Trigger.MANUAL, actor=call.actor, now=call.now, full=full)


@admin.register(Sync, site=site)
class SyncAdmin(RecordAdmin):
    page_template = "backoffice/sync.html"
    list_display = ("name", "customer_link", "connection_link", "schedule", "latest")
    list_select_related = ("customer", "connection")
    list_filter = ("is_enabled", "customer", "connection__connector", "object_name")
    search_fields = ("object_name", "connection__name", "customer__name")
    ordering = ("customer__name", "connection_id", "position")
    verbs = (
        Verb(
            name="start",
            title="Sync now",
            permission="syncs.start_run",
            effect=lambda sync: f"Reads {words(sync.object_name).lower()} that changed since the last run, now.",
            run=_start,
            icon="sync",
            tone="primary",
            form=PlainForm,
            done="started",
        ),
        Verb(
            name="full",
            title="Read everything again",
            permission="syncs.start_run",
            effect=lambda sync: (
                f"Reads all {words(sync.object_name).lower()} from the beginning. Unchanged records are left alone. "
                + _cost_of_all(sync)
            ),
            run=lambda sync, call: _start(sync, call, full=True),
            icon="restart_alt",
            form=PlainForm,
            done="started",
        ),
        Verb(
            name="schedule",
            title="Schedule",
            permission="syncs.change_sync",
            effect=lambda sync: "Changes when it is read by itself.",
            run=lambda sync, call: services.set_schedule(sync, actor=call.actor, reason=call.reason, **call.data),
            icon="schedule",
            form=ScheduleForm,
            on_list=False,
            done="rescheduled",
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dry_run_view)
        return [path("<int:pk>/dry-run/", view, name="syncs_sync_dry_run"), *super().get_urls()]

    def page(self, request: HttpRequest, row: Sync) -> dict[str, Any]:
        runs = list(row.runs.all()[:15])
        buttons = []
        if request.user.has_perm("syncs.start_run"):
            buttons = [
                {
                    "title": "Dry run",
                    "icon": "preview",
                    "tone": "",
                    "url": reverse("admin:syncs_sync_dry_run", args=[row.pk]),
                }
            ]
        moment = clock.now()
        return {
            "runs": runs,
            "buttons": buttons,
            "title": _sync_title(row),
            "now": moment,
            "full_read": outlook.of_full_read(row, now=moment),
        }

    def dry_run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Shows exactly what a run would write; writes nothing."""
        sync = self.get_object(request, str(pk))
        if sync is None or not request.user.has_perm("syncs.start_run"):
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))  # type: ignore[no-any-return]
        report, problem = None, ""
        try:
            report = services.dry_run(sync, now=clock.now())
        except AppError as error:
            problem = error.message
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": sync,
            "title": f"Dry run: {_sync_title(sync)}",
            "report": report,
            "problem": problem,
            "tally": _tally(report.items) if report else [],
            "back": reverse("admin:syncs_sync_change", args=[sync.pk]),
        }
        return TemplateResponse(request, "backoffice/dry_run.html", context)

    @display(description="Reads", ordering="object_name")
    def name(self, sync: Sync) -> str:
        return words(sync.object_name)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, sync: Sync) -> str:
        return link(sync.customer)

    @display(description="From", ordering="connection__name")
    def connection_link(self, sync: Sync) -> str:
        return link(sync.connection)

    @display(description="When", ordering="every_minutes")
    def schedule(self, sync: Sync) -> str:
        return f"every {sync.every_minutes} min" if sync.is_enabled else pill("switched off", "paused")

    @display(description="Last success", ordering="latest_success_at")
    def latest(self, sync: Sync) -> str:
        return when(sync.latest_success_at, clock.now())


def _cost_of_all(sync: Sync) -> str:
    moment = clock.now()
    found = outlook.of_full_read(sync, now=moment)
    if found is None:
        return "It draws on the connection's call budget."
    calls, zone = found.forecast.calls, ZoneInfo(sync.customer.time_zone)
    return (
        f"About {calls:,} call{'s' if calls != 1 else ''} of the connection's budget; begun now it ends about "
        f"{found.forecast.ends_at.astimezone(zone):%d %b %H:%M}. Live work goes first."
    )


def _sync_title(sync: Sync) -> str:
    return f"{words(sync.object_name)} from {sync.connection.name}"


def _tally(items: list[Any]) -> list[tuple[str, int]]:
    outcomes = [item.outcome for item in items]
    return [(name, outcomes.count(name)) for name in ("created", "updated", "unchanged", "skipped", "rejected")]


@admin.register(SyncRun, site=site)
class SyncRunAdmin(RecordAdmin):
    page_template = "backoffice/run.html"
    list_display = ("what", "customer_link", "state", "trigger", "read", "written", "failed_count", "started")
    list_select_related = ("customer", "sync__connection")
    list_filter = ("status", "trigger", "customer", "sync__connection__connector", "is_full")
    search_fields = ("sync__object_name", "sync__connection__name", "customer__name", "error")
    date_hierarchy = "started_at"
    ordering = ("-id",)
    verbs = (
        Verb(
            name="cancel",
            title="Cancel",
            permission="syncs.cancel_run",
            effect=lambda run: "Stops after the page being read. What was read stays; the next run goes on from there.",
            run=lambda run, call: services.cancel_run(run, actor=call.actor, reason=call.reason, now=call.now),
            icon="stop_circle",
            tone="danger",
            applies=lambda run: run.status == RunStatus.RUNNING,
            done="cancelled",
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.progress_view)
        return [path("<int:pk>/progress/", view, name="syncs_syncrun_progress"), *super().get_urls()]

    def page(self, request: HttpRequest, row: SyncRun) -> dict[str, Any]:
        records = SourceRecord.objects.filter(run_id=row.pk, connection_id=row.sync.connection_id)
        return {
            "progress": selectors.run_progress(row),
            "outlook": outlook.of_run(row, now=clock.now()),
            "trouble": list(records.filter(status=RecordStatus.REJECTED).order_by("-id")[:20])
            if row.failed_count
            else [],
            "title": f"Run {row.pk}: {_sync_title(row.sync)}",
            "is_live": row.status == RunStatus.RUNNING,
        }

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The fragment the run's page asks for again each second, until the run has ended."""
        run = self.get_object(request, str(pk))
        if run is None or not self.has_view_permission(request):
            return HttpResponse(status=404)
        context = {
            "original": run,
            "progress": selectors.run_progress(run),
            "outlook": outlook.of_run(run, now=clock.now()),
            "is_live": run.status == RunStatus.RUNNING,
        }
        return TemplateResponse(request, "backoffice/fragments/run_progress.html", context)

    @display(description="Run", ordering="id")
    def what(self, run: SyncRun) -> str:
        return f"{words(run.sync.object_name)} from {run.sync.connection.name}"

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, run: SyncRun) -> str:
        return link(run.customer)

    @display(description="State", ordering="status")
    def state(self, run: SyncRun) -> str:
        return pill(run.get_status_display(), run.status)

    @display(description="Read")
    def read(self, run: SyncRun) -> str:
        return f"{run.read_count:,}"

    @display(description="Written")
    def written(self, run: SyncRun) -> str:
        return f"{run.created_count + run.updated_count:,}"

    @display(description="Started", ordering="started_at")
    def started(self, run: SyncRun) -> str:
        return when(run.started_at, clock.now())


@admin.register(SourceRecord, site=site)
class SourceRecordAdmin(RecordAdmin):
    page_template = "backoffice/source_record.html"
    list_display = ("record", "customer_link", "connection_link", "state", "becomes", "received")
    list_select_related = ("customer", "connection")
    list_filter = (
        "status", "entity", "customer", "connection__connector", "object_name", ("received_at", admin.DateFieldListFilter),
    )  # fmt: skip
    quick_filters = {"status__exact": frozenset({RecordStatus.REJECTED, RecordStatus.GONE})}
    search_fields = ("external_id",)
    search_help_text = "Search an id of the vendor"
    ordering = ("-id",)
    verbs = (
        Verb(
            name="reprocess",
            title="Apply mapping again",
            permission="syncs.reprocess_sourcerecord",
            effect=lambda record: "The mapping in force now is applied to the payload kept here.",
            run=lambda record, call: services.reprocess(
                [record.pk], actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="replay",
            tone="primary",
            done="applied again",
        ),
    )

    def page(self, request: HttpRequest, row: SourceRecord) -> dict[str, Any]:
        side = selectors.side_by_side(row)
        return {
            "side": side,
            "changes": name_changes(name_origins(side.changes)),
            "record_url": record_url(row.entity, row.record_id),
            "title": f"{words(row.object_name)} {row.external_id}",
        }

    @display(description="Record", ordering="external_id")
    def record(self, record: SourceRecord) -> str:
        return format_html("{} <span class='tl-muted'>{}</span>", words(record.object_name), record.external_id)

    @display(description="Customer")
    def customer_link(self, record: SourceRecord) -> str:
        return link(record.customer)

    @display(description="From")  # not sorted by: a million rows would be joined first
    def connection_link(self, record: SourceRecord) -> str:
        return link(record.connection)

    @display(description="State", ordering="status")
    def state(self, record: SourceRecord) -> str:
        return pill(record.get_status_display(), record.status)

    @display(description="Became", ordering="entity")
    def becomes(self, record: SourceRecord) -> str:
        if not record.entity or record.record_id is None:
            return "–"
        url = record_url(record.entity, record.record_id)
        return format_html('<a href="{}">{}</a>', url, words(record.entity))

    @display(description="Received", ordering="received_at")
    def received(self, record: SourceRecord) -> str:
        return when(record.received_at, clock.now())


@admin.register(Delivery, site=site)
class DeliveryAdmin(RecordAdmin):
    page_template = "backoffice/delivery.html"
    list_display = ("what", "customer_link", "connection_link", "state", "amount_shown", "attempts", "created")
    list_select_related = ("customer", "connection")
    list_filter = ("status", "customer", "connection__connector", "object_name", "error_code")
    search_fields = ("title", "idempotency_key", "external_id", "marker")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    verbs = (
        Verb(
            name="retry",
            title="Retry",
            permission="syncs.retry_delivery",
            effect=lambda delivery: (
                f"{delivery.connection} is asked first whether it is there; only if it surely is not, it is sent again."
                if is_doubtful(delivery)
                else "It is sent again under the same key as soon as the budget allows."
            ),
            run=lambda delivery, call: services.retry_delivery(
                delivery, actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="refresh",
            tone="primary",
            applies=is_stuck,
            done="queued again",
        ),
        Verb(
            name="edit",
            title="Edit and retry",
            permission="syncs.edit_delivery",
            effect=lambda delivery: "The body below is sent in place of the one the mapping makes.",
            run=lambda delivery, call: services.edit_delivery(
                delivery, body=call.data["body"], actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="edit_note",
            form=BodyForm,
            is_wide=True,
            applies=lambda delivery: is_stuck(delivery) and not is_doubtful(delivery),
            on_list=False,
            done="queued with the edited body",
        ),
        Verb(
            name="confirm",
            title="Mark as done",
            permission="syncs.confirm_delivery",
            effect=lambda delivery: "Nothing is sent. The vendor's record is tied to ours by the id given below.",
            run=lambda delivery, call: services.confirm_delivery(
                delivery, external_id=call.data["external_id"], actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="task_alt",
            form=ExternalIdForm,
            applies=is_stuck,
            on_list=False,
            done="marked as done",
        ),
        Verb(
            name="absent",
            title="It is not there: send it",
            permission="syncs.confirm_delivery",
            effect=lambda delivery: (
                f"It is sent to {delivery.connection} again, without asking there first. If it was written after all, it then"
                " exists twice: look in that system before you go on."
            ),
            run=lambda delivery, call: services.retry_delivery(
                delivery, actor=call.actor, reason=call.reason, now=call.now, is_absent=True
            ),
            icon="search_off",
            tone="danger",
            applies=is_doubtful,
            on_list=False,
            done="queued to be sent again",
        ),
        Verb(
            name="cancel",
            title="Cancel",
            permission="syncs.cancel_delivery",
            effect=lambda delivery: "It is never sent. What waits for it keeps waiting.",
            run=lambda delivery, call: services.cancel_delivery(
                delivery, actor=call.actor, reason=call.reason, now=call.now
            ),
            icon="cancel",
            tone="danger",
            applies=is_stuck,
            done="cancelled",
        ),
    )

    def page(self, request: HttpRequest, row: Delivery) -> dict[str, Any]:
        return {
            "tries": list(row.tries.all()),
            "prerequisites": list(row.prerequisites.select_related("connection")),
            "dependants": list(row.dependants.select_related("connection")[:50]),
            "record_url": record_url(row.entity, row.record_id),
            "now": clock.now(),
        }

    @display(description="Write", ordering="title")
    def what(self, delivery: Delivery) -> str:
        return delivery.title

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, delivery: Delivery) -> str:
        return link(delivery.customer)

    @display(description="To", ordering="connection__name")
    def connection_link(self, delivery: Delivery) -> str:
        return link(delivery.connection)

    @display(description="State", ordering="status")
    def state(self, delivery: Delivery) -> str:
        return pill(delivery.get_status_display(), delivery.status)

    @display(description="Amount", ordering="amount")
    def amount_shown(self, delivery: Delivery) -> str:
        return money(delivery.amount, delivery.currency)

    @display(description="Created", ordering="created_at")
    def created(self, delivery: Delivery) -> str:
        return when(delivery.created_at, clock.now())


@admin.register(InboxEvent, site=site)
class InboxEventAdmin(RecordAdmin):
    list_display = ("event", "customer_link", "connection_link", "state", "attempts", "received")
    list_select_related = ("customer", "connection")
    list_filter = ("status", "customer", "connection__connector", "object_name")
    search_fields = ("event_id", "external_id", "event_type")
    date_hierarchy = "received_at"
    ordering = ("-id",)

    @display(description="Event")
    def event(self, event: InboxEvent) -> str:
        return f"{event.event_type or 'event'} {event.object_name} {event.external_id}".strip()

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, event: InboxEvent) -> str:
        return link(event.customer)

    @display(description="From", ordering="connection__name")
    def connection_link(self, event: InboxEvent) -> str:
        return link(event.connection)

    @display(description="State", ordering="status")
    def state(self, event: InboxEvent) -> str:
        return pill(event.get_status_display(), event.status)

    @display(description="Received", ordering="received_at")
    def received(self, event: InboxEvent) -> str:
        return when(event.received_at, clock.now())
