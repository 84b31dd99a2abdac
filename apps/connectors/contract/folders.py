"""A connector's folder, wherever it lies."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from apps.connectors.manifest import Manifest, load_file


@dataclass(frozen=True)
class ConnectorFolder:
    path: Path
    manifest: Manifest

    @property
    def slug(self) -> str:
        return self.path.name

    @property
    def fixtures(self) -> Path:
        return self.path / "fixtures"

    @cached_property
    def reads(self) -> list[str]:
        """The objects whose reading can be replayed from fixtures: those of an HTTP API."""
        is_http = self.manifest.client.kind == "http"
        return [name for name, spec in self.manifest.objects.items() if spec.read and is_http]

    @property
    def error_fixtures(self) -> list[Path]:
        return sorted(self.fixtures.glob("error__*.json"))

    def text(self, name: str) -> str:
        """The content of a file of the folder; empty when it is not there."""
        path = self.path / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""


def open_folder(path: Path) -> ConnectorFolder:
    """Read and check the manifest. Raises ManifestError with file, line, key, what was found and what is allowed."""
    return ConnectorFolder(path, load_file(path / "manifest.yaml"))
