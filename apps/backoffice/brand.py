"""The form of a partner's brand, and how it is saved: used by the partner's own page and by the operator."""

from typing import Any

from django import forms

from apps.core.errors import AppError
from apps.partners.models import Partner
from apps.partners.services import MAX_IMAGE_BYTES, Image, set_image, update_brand

_INPUT = {"class": "tl-input"}
FIELDS = ("brand_name", "brand_colour", "mail_sender", "footer", "support_email", "support_phone", "support_url")


class BrandForm(forms.ModelForm[Partner]):
    """Images are checked by what they are, not by their name; SVG is refused, since it can carry scripts."""

    logo = forms.FileField(required=False, help_text=f"PNG, JPEG or WebP, at most {MAX_IMAGE_BYTES // 1000} KB.")
    favicon = forms.FileField(required=False, help_text="Square PNG, 64 × 64 or larger.")
    reason = forms.CharField(
        max_length=300, required=False, help_text="Kept in the history.", widget=forms.TextInput(attrs=_INPUT)
    )

    class Meta:
        model = Partner
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("class", "tl-input")
            if name == "brand_colour":
                field.widget.input_type = "color"  # type: ignore[attr-defined]
                field.widget.attrs["class"] = "tl-colour"


def save_brand(form: BrandForm, partner: Partner) -> bool:
    """Save the valid form. False: an image was refused, and the form says why."""
    reason = form.cleaned_data["reason"] or "brand changed"
    for kind in ("logo", "favicon"):
        upload = form.cleaned_data.get(kind)
        if not upload:
            continue
        try:
            set_image(partner, kind=kind, image=Image(upload.read(), upload.content_type or ""), reason=reason)
        except AppError as error:
            form.add_error(kind, error.message)
            return False
    update_brand(partner, **{name: form.cleaned_data[name] for name in FIELDS}, reason=reason)
    return True
