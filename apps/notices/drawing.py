"""A notice as a branded mail: text and HTML from the same parts, everything escaped."""

from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.urls import reverse

from apps.notices.links import Link, Purpose, sign
from apps.notices.models import Notice
from apps.notices.parts import Part
from apps.partners.colours import contrast, scale
from apps.partners.models import Partner
from apps.partners.selectors import base_url

_WORDS = {
    Purpose.RECONNECT: "a link for the recipient alone, to the page that gives access anew",
    Purpose.QUESTION: "a link for the recipient alone, to the question",
}


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose mail it is: what every mail of a partner shares."""

    partner: Partner
    url: str

    @property
    def sender(self) -> str:
        if self.partner.mail_sender:
            return str(self.partner.mail_sender)
        return formataddr((self.partner.brand_name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))

    @property
    def colour(self) -> str:
        """A shade of the brand's colour on which white text can be read."""
        own = self.partner.brand_colour
        return own if contrast(own, "#ffffff") >= 4.5 else scale(own)["700"]

    @property
    def logo(self) -> str:
        return f"{self.url}/brand/logo/" if self.partner.logo_type else ""


def brand_of(partner: Partner) -> Brand:
    return Brand(partner, base_url(partner))


def mail(notice: Notice, brand: Brand, *, connection: BaseEmailBackend | None = None) -> EmailMultiAlternatives:
    """The mail of a notice. Its Message-ID is the notice's, so that a mail system can drop it when it comes twice."""
    context = {
        "brand": brand,
        "subject": notice.subject,
        "parts": [_drawn(part, notice, brand) for part in notice.body],
    }
    message = EmailMultiAlternatives(
        subject=" ".join(notice.subject.split()),
        body=render_to_string("notices/mail.txt", context),
        from_email=brand.sender,
        to=[notice.address],
        reply_to=[brand.partner.support_email] if brand.partner.support_email else [],
        headers={"Message-ID": message_id(notice, brand), "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    message.attach_alternative(render_to_string("notices/mail.html", context), "text/html")
    return message


def shown(notice: Notice) -> list[dict[str, Any]]:
    """What it says, for staff: where a link leads in words, never the signed address itself."""
    return [{**part, "shown": part.get("path") or _WORDS.get(part.get("purpose", ""), "")} for part in notice.body]


def message_id(notice: Notice, brand: Brand) -> str:
    host = urlsplit(brand.url).hostname or "localhost"
    return f"<notice-{notice.pk}.{brand.partner.schema_name}@{host}>"


def _drawn(part: Part, notice: Notice, brand: Brand) -> dict[str, Any]:
    if part["kind"] != "link":
        return part
    return {**part, "url": f"{brand.url}{part.get('path') or _signed(part, notice)}"}


def _signed(part: Part, notice: Notice) -> str:
    link = Link(Purpose(part["purpose"]), part["subject"], part["version"], notice.recipient_id or 0)
    return reverse("portal:follow", args=[sign(link)], urlconf=settings.ROOT_URLCONF)
