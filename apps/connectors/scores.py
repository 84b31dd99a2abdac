"""The kept conformance reports: how a connector stood against its practice vendor or a real system, and when."""

import json
from dataclasses import dataclass
from datetime import date

from apps.connectors.manifest.loader import folder

PRACTICE = "practice vendor"


@dataclass(frozen=True, slots=True)
class Check:
    check: str
    verdict: str
    sentence: str

    @property
    def title(self) -> str:
        return self.check.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Score:
    date: date
    passed: int
    applicable: int
    checks: tuple[Check, ...]
    against: str = PRACTICE
    """What it was driven against; else a real system, or files and tables made for it."""

    @property
    def share(self) -> float:
        return self.passed / self.applicable if self.applicable else 0.0


def score_of(slug: str) -> Score | None:
    """None: the connector was never driven by the kit."""
    path = folder(slug) / "conformance.json"
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    checks = tuple(Check(item["check"], item["verdict"], item["sentence"]) for item in kept["checks"])
    against = str(kept.get("against") or PRACTICE)
    return Score(date.fromisoformat(kept["date"]), int(kept["passed"]), int(kept["applicable"]), checks, against)
