"""Template filters of the staff admin; the words and colours come from `apps.backoffice.columns`."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.template.defaultfilters import stringfilter
from django.utils.safestring import SafeString

from apps.backoffice import columns
from apps.core import clock

register = template.Library()


@register.filter
def pill(text: Any, state: str = "") -> SafeString:
    return columns.pill(text, state)


@register.filter
@stringfilter
def tone(state: str) -> str:
    return columns.tone_of(state)


@register.filter
def when(moment: datetime | None) -> SafeString:
    return columns.when(moment, clock.now())


@register.filter
def money(amount: Decimal | None, currency: str = "") -> str:
    return columns.money(amount, currency)


@register.filter
def as_json(value: Any) -> str:
    return columns.as_json(value)


@register.filter
def shown(value: Any) -> str:
    return columns.shown(value)


@register.filter
@stringfilter
def words(name: str) -> str:
    return columns.words(name)


@register.filter
def counted(number: int) -> str:
    """With thousands separators, whatever the browser's language."""
    return f"{number:,}"


@register.filter
def told(value: Any) -> str:
    """A value of the history; the library gives some as text already."""
    return "–" if str(value) in ("", "None") else columns.shown(value)


@register.filter
@stringfilter
def cursor(value: str) -> str:
    """A moment as people read it; page numbers and tokens of the vendor as they are."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return columns.shown(moment) if moment.tzinfo else value
