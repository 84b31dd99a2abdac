"""CPU of loading the catalog's manifests: reading the YAML, checking it, compiling its paths. No cache, no database."""

import tempfile
import time
from pathlib import Path

from apps.connectors.manifest.loader import CATALOG, load_file, slugs

GOAL_MS = 500.0
COUNT = 40


def loads(repeat: int) -> list[float]:
    """CPU milliseconds of this process for forty manifests, once for each repetition; the first one warms up and does
    not count."""
    with tempfile.TemporaryDirectory(prefix="manifests-") as folder:
        paths = _copies(Path(folder))
        found = []
        for _ in range(repeat + 1):
            began = time.process_time()
            for path in paths:
                load_file(path)
            found.append(1000 * (time.process_time() - began))
    return found[1:]


def _copies(folder: Path) -> list[Path]:
    """The catalog's own, some of them twice, each under a slug of its own."""
    own = [slug for slug in slugs() if (CATALOG / slug).is_dir()]
    paths = []
    for number in range(COUNT):
        slug = own[number % len(own)]
        path = folder / f"{slug}{number}" / "manifest.yaml"
        path.parent.mkdir()
        text = (CATALOG / slug / "manifest.yaml").read_text(encoding="utf-8")
        path.write_text(text.replace(f"slug: {slug}\n", f"slug: {path.parent.name}\n", 1), encoding="utf-8")
        paths.append(path)
    return paths
