"""docs/catalog.md, made of the manifests and the kept reports."""

from pathlib import Path

from apps.connectors.manifest import Manifest
from apps.connectors.manifest.loader import CATALOG, all_manifests, folder
from apps.connectors.scores import PRACTICE, Score, score_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "catalog.md"
_HEAD = """# The catalog

Made by `manage.py conformance --docs` from the manifests and their conformance reports; do not edit.

*Evidence*: what the facts rest on, and the day they were checked. *Conformance*: how many checks of the
[kit](conformance.md) are passed of those that apply, and when: against the practice vendor, or where it says so against a
real system or with real files; “–”: never driven by it.

| connector | category | quality | evidence | reads | writes | webhooks | conformance |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def text() -> str:
    own = [manifest for manifest in all_manifests() if folder(manifest.slug).parent == CATALOG]
    manifests = sorted(own, key=lambda manifest: (manifest.connector.category, manifest.connector.name))
    rows = "\n".join(_row(manifest) for manifest in manifests)
    return _HEAD + rows + "\n" + "".join(_gaps(manifest) for manifest in manifests)


def write() -> Path:
    PAGE.write_text(text(), encoding="utf-8")
    return PAGE


def _row(manifest: Manifest) -> str:
    about = manifest.connector
    reads = sum(spec.read is not None for spec in manifest.objects.values())
    writes = sum(len(spec.write) for spec in manifest.objects.values())
    score = score_of(manifest.slug)
    told = _told(score) if score else "–"
    evidence = f"{about.evidence.grade.replace('_', ' ')}, {about.evidence.date:%Y-%m-%d}"
    link = f"[{about.name}](../apps/connectors/catalog/{manifest.slug}/README.md)"
    hooks = "yes" if manifest.webhooks else "–"
    return f"| {link} | {about.category} | {about.quality} | {evidence} | {reads} | {writes} | {hooks} | {told} |"


def _told(score: Score) -> str:
    against = "" if score.against == PRACTICE else f"{score.against}: "
    return f"{against}{score.passed} of {score.applicable}, {score.date:%Y-%m-%d}"


def _gaps(manifest: Manifest) -> str:
    """What a connector does not pass, and what nobody could check."""
    score = score_of(manifest.slug)
    failed = (
        [f"- *{check.check}*: {check.sentence}" for check in score.checks if check.verdict == "fail"] if score else []
    )
    unsure = [f"- not verified: {sentence}" for sentence in manifest.connector.evidence.unverified]
    lines = [*failed, *unsure]
    return f"\n## {manifest.connector.name}\n\n" + "\n".join(lines) + "\n" if lines else ""
