"""Alert rules and maintenance windows: who of staff is told of which cases, how, and when not."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
)

from apps.accounts.models import User
from apps.accounts.roles import STAFF_ROLES
from apps.backoffice.base import EditableAdmin, ReasonedForm, link
from apps.backoffice.columns import pill, when
from apps.backoffice.forms import PlainForm
from apps.backoffice.site import site
from apps.backoffice.verbs import Verb
from apps.core import clock
from apps.exceptions.reasons import REASONS
from apps.notices import hooks, services
from apps.notices.models import AlertRule, Channel, MaintenanceWindow
from apps.notices.rules import DEFAULTS


class AlertRuleForm(ReasonedForm):
    """The address of a webhook is a secret: it is entered, never shown."""

    reasons = forms.MultipleChoiceField(
        required=False,
        choices=[(reason.code, reason.title) for reason in REASONS.values()],
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="None chosen: every reason.",
    )
    roles = forms.MultipleChoiceField(
        required=False,
        choices=[(role.value, role.label) for role in STAFF_ROLES],
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="By mail: everybody of staff with one of these roles.",
    )
    people = forms.TypedMultipleChoiceField(
        required=False, coerce=int, widget=UnfoldAdminSelectMultipleWidget, help_text="By mail: and these people."
    )
    url = forms.URLField(
        label="Address of the webhook",
        required=False,
        assume_scheme="https",
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text="Slack and Teams give one for a channel (incoming webhook). Kept encrypted, never shown; empty leaves it as it is.",
    )
    key = forms.CharField(
        label="Signing key",
        required=False,
        max_length=200,
        validators=[hooks.check_key],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For a signed webhook: whsec_ and at least 24 bytes in base64, known to your receiver too. "
        "Empty leaves it as it is; a new rule gets a suggestion.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        staff = User.objects.filter(is_staff=True, is_active=True, customer=None).order_by("name", "email")
        people = self.fields.get("people")
        if isinstance(people, forms.TypedMultipleChoiceField):
            people.choices = [(user.pk, f"{user} <{user.email}>") for user in staff]
        if "key" in self.fields and not self.instance.pk:
            self.fields["key"].initial = hooks.new_key()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        channel, target = cleaned.get("channel"), self.instance.target or {}
        if channel == Channel.MAIL and not cleaned.get("roles") and not cleaned.get("people"):
            self.add_error("roles", "Choose roles or people: else nobody is told.")
        if channel in (Channel.CHAT, Channel.WEBHOOK) and not (cleaned.get("url") or target.get("url")):
            self.add_error("url", "A webhook needs its address.")
        if channel == Channel.WEBHOOK and not (cleaned.get("key") or target.get("key")):
            self.add_error("key", "A signed webhook needs a key.")
        if bool(cleaned.get("quiet_from")) != bool(cleaned.get("quiet_until")):
            self.add_error("quiet_until", "Quiet hours need both a beginning and an end, or neither.")
        if (cleaned.get("digest_hour") or 0) > 23:
            self.add_error("digest_hour", "An hour is 0 to 23.")
        return cleaned


@admin.register(AlertRule, site=site)
class AlertRuleAdmin(EditableAdmin):
    form = AlertRuleForm
    list_before_template = "backoffice/parts/alert_rules.html"
    list_display = ("name", "about", "how", "moment", "in_force")
    list_select_related = ("customer",)
    list_filter = ("is_enabled", "channel", "customer")
    search_fields = ("name", "customer__name")
    fieldsets = (
        (None, {"fields": ("name", "is_enabled")}),
        ("Which cases", {"fields": ("customer", "severity", "reasons", "min_amount")}),
        (
            "When",
            {"fields": ("timing", "digest_hour", ("quiet_from", "quiet_until"), "time_zone")},
        ),
        ("Who is told, and how", {"fields": ("channel", "roles", "people", "url", "key")}),
    )
    verbs = (
        Verb(
            name="test",
            title="Send a test",
            permission="notices.change_alertrule",
            effect=lambda rule: f"A text that says it is a test goes the way of the rule: {rule.get_channel_display()}.",
            run=lambda rule, call: services.send_test_alert(rule, now=call.now),
            icon="send",
            form=PlainForm,
            done="sent; the delivery log says what became of it",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("target")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        has_own = AlertRule.objects.exists()
        return super().changelist_view(request, {**(extra_context or {}), "defaults": () if has_own else DEFAULTS})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("notices.delete_alertrule"))

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        data = form.cleaned_data
        obj.reasons, obj.roles, obj.people = data["reasons"], data["roles"], data["people"]
        given = {name: data[name] for name in ("url", "key") if data.get(name)}
        obj.target = {**(obj.target or {}), **given}
        super().save_model(request, obj, form, change)

    @display(description="Which cases")
    def about(self, rule: AlertRule) -> str:
        what = "critical cases" if rule.severity == AlertRule.Least.CRITICAL else "all cases"
        reasons = f" with {len(rule.reasons)} reasons" if rule.reasons else ""
        return f"{what}{reasons} of {rule.customer or 'all customers'}"

    @display(description="How")
    def how(self, rule: AlertRule) -> str:
        return rule.get_channel_display()

    @display(description="When")
    def moment(self, rule: AlertRule) -> str:
        if rule.timing == AlertRule.Timing.DIGEST:
            return f"daily at {rule.digest_hour}:00 ({rule.time_zone})"
        quiet = (
            f", not {rule.quiet_from:%H:%M} to {rule.quiet_until:%H:%M}" if rule.quiet_from and rule.quiet_until else ""
        )
        return f"at once{quiet}"

    @display(description="In force", ordering="is_enabled")
    def in_force(self, rule: AlertRule) -> str:
        return pill("in force", "active") if rule.is_enabled else pill("switched off", "plain")


@admin.register(MaintenanceWindow, site=site)
class MaintenanceWindowAdmin(EditableAdmin):
    list_before_template = "backoffice/parts/maintenance.html"
    list_display = ("note", "customer_link", "starts", "ends", "state")
    list_select_related = ("customer",)
    list_filter = ("customer",)
    search_fields = ("note", "customer__name")
    fieldsets = ((None, {"fields": ("customer", "note", "starts_at", "ends_at")}),)

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, window: MaintenanceWindow) -> str:
        return link(window.customer)

    @display(description="Starts", ordering="starts_at")
    def starts(self, window: MaintenanceWindow) -> str:
        return when(window.starts_at, clock.now())

    @display(description="Ends", ordering="ends_at")
    def ends(self, window: MaintenanceWindow) -> str:
        return when(window.ends_at, clock.now())

    @display(description="State")
    def state(self, window: MaintenanceWindow) -> str:
        now = clock.now()
        if window.starts_at <= now < window.ends_at:
            return pill("alerts are held back", "paused")
        return pill("over", "plain") if window.ends_at <= now else pill("planned", "planned")
