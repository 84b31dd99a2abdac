"""The language in which a connector is written down. Pure: no database, no network."""

from apps.connectors.manifest.about import Role
from apps.connectors.manifest.client import Family
from apps.connectors.manifest.loader import (
    ManifestError,
    UnknownConnectorError,
    all_manifests,
    folder,
    load_file,
    manifest_for,
    slugs,
)
from apps.connectors.manifest.schema import json_schema
from apps.connectors.manifest.spec import Manifest

__all__ = [
    "Family",
    "Manifest",
    "ManifestError",
    "Role",
    "UnknownConnectorError",
    "all_manifests",
    "folder",
    "json_schema",
    "load_file",
    "manifest_for",
    "slugs",
]
