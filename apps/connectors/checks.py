"""`manage.py check` reads every manifest, so that a bad one is found before anything runs."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from apps.connectors.hooks import HookError, hooks_for
from apps.connectors.manifest import ManifestError, manifest_for, slugs


@register("connectors")
def check_manifests(**_: Any) -> list[CheckMessage]:
    problems: list[CheckMessage] = []
    for slug in slugs():
        try:
            hooks_for(manifest_for(slug))
        except (ManifestError, HookError) as error:
            problems.append(Error(str(error), id="connectors.E001", hint="See docs/connectors.md."))
    return problems
