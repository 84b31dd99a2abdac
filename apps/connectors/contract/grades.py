"""The quality scale: what a grade asks for, and which one a manifest reaches."""

from apps.connectors.manifest import Manifest
from apps.connectors.manifest.paging import FullRead

GRADES: dict[str, tuple[str, ...]] = {
    "bronze": (),
    "silver": ("incremental",),
    "gold": ("incremental", "write_back", "webhooks"),
}


def missing_for(manifest: Manifest, grade: str) -> list[str]:
    """The rules of this grade that are neither kept nor exempt with a reason."""
    exempt = {item.rule for item in manifest.connector.exempt}
    reads = [spec.read for spec in manifest.objects.values() if spec.read]
    kept = {
        "incremental": any(not isinstance(read.cursor, FullRead) for read in reads),
        "write_back": any(spec.write for spec in manifest.objects.values()),
        "webhooks": manifest.webhooks is not None,
    }
    return [rule for rule in GRADES[grade] if not kept[rule] and rule not in exempt]


def reached_grade(manifest: Manifest) -> str:
    """The highest grade whose rules are all kept."""
    return [grade for grade in GRADES if not missing_for(manifest, grade)][-1]
