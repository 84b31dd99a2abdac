"""The partner's registered applications at vendors."""

from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.connectors.manifest import manifest_for
from apps.connectors.models import VendorApp


@transaction.atomic
def save_vendor_app(
    *, connector: str, config: dict[str, Any], credentials: dict[str, str], actor: User | None, reason: str
) -> VendorApp:
    """Create or change it; secrets that are left empty stay as they are."""
    manifest_for(connector)
    app, _ = VendorApp.objects.get_or_create(connector=connector)
    app.config = {**app.config, **config}
    app.credentials = {**app.credentials, **{name: value for name, value in credentials.items() if value}}
    app._change_reason = reason  # type: ignore[attr-defined]
    app._history_user = actor  # type: ignore[attr-defined]
    app.save()
    return app
