"""What the portal's pages draw again and again: icons, moments, money."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Select
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.clock import now as now_everywhere
from apps.portal import words

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """A picture from the sprite; decoration only, so the text beside it carries the meaning."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        extra,
        static("vendor/icons/icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def ago(context: template.Context, moment: datetime | None) -> SafeString | str:
    """`3 minutes ago`, with the full moment in the customer's time zone as its title."""
    if moment is None:
        return ""
    now = context.get("now") or now_everywhere()
    zone = timezone.get_current_timezone()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        f"{words.at(moment, now, zone)} ({timezone.get_current_timezone_name()})",
        words.ago(moment, now),
    )


@register.simple_tag(takes_context=True)
def clock(context: template.Context, moment: datetime | None) -> SafeString | str:
    """`today 14:05` in the customer's time zone."""
    if moment is None:
        return ""
    now = context.get("now") or now_everywhere()
    text = words.at(moment, now, timezone.get_current_timezone())
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(timespec="seconds"), text)


@register.simple_tag(takes_context=True)
def day_of(context: template.Context, moment: datetime) -> str:
    """`Today`, `Yesterday`, `Thu 19 Nov`: a heading above what happened that day."""
    now = context.get("now") or now_everywhere()
    return words.day_of(moment, now, timezone.get_current_timezone())


@register.filter
def styled(field: BoundField) -> SafeString:
    """A form field in the portal's clothes."""
    kind = type(field.field.widget)
    style = (
        "form-select"
        if issubclass(kind, Select)
        else "form-check-input"
        if issubclass(kind, CheckboxInput)
        else "form-control"
    )
    invalid = " is-invalid" if field.errors else ""
    return field.as_widget(attrs={"class": f"{style}{invalid}"})


@register.simple_tag
def money(value: Decimal | None, currency: str) -> SafeString | str:
    """An amount with its currency; negative amounts keep their sign beside the number."""
    if value is None:
        return "–"
    text = words.amount(value, currency)
    return format_html('<span class="money"><span class="money-code">{}</span>&nbsp;{}</span>', currency, text)


@register.filter
def number(value: Decimal | int | None) -> str:
    return "" if value is None else words.number(value)


@register.filter
def day(value: date | None) -> str:
    return "" if value is None else words.day(value)


@register.filter
def counted(count: int, nouns: str) -> str:
    """`{{ n|counted:"entry,entries" }}`."""
    one, _, many = nouns.partition(",")
    return words.counted(count, one, many)


@register.filter
def initial(text: Any) -> str:
    return str(text).strip()[:1].upper() or "·"
