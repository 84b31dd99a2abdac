"""What a check found, and the score of them all."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from apps.connectors.scores import PRACTICE

Verdict = Literal["pass", "fail", "exempt"]


class CheckFailed(AssertionError):
    """The connector did not do what it promises; the text says what happened."""


class CheckExempt(Exception):
    """The check cannot apply to this connector; the text says why."""


@dataclass(frozen=True, slots=True)
class Result:
    check: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    slug: str
    date: date
    results: tuple[Result, ...]
    against: str = PRACTICE
    """What it was driven against: `practice vendor`, or the name of a real system."""

    @property
    def applicable(self) -> int:
        return sum(result.verdict != "exempt" for result in self.results)

    @property
    def passed(self) -> int:
        return sum(result.verdict == "pass" for result in self.results)

    @property
    def score(self) -> float:
        return round(self.passed / self.applicable, 3) if self.applicable else 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "connector": self.slug, "against": self.against, "date": self.date.isoformat(), "score": self.score, "passed": self.passed,
            "applicable": self.applicable, "checks": [asdict(result) for result in self.results],
        }  # fmt: skip


def judged(check: str, run: Callable[[], str]) -> Result:
    """Run a check. A connector that ends in any other error fails it, and the next one follows."""
    try:
        return Result(check, "pass", run())
    except CheckExempt as reason:
        return Result(check, "exempt", str(reason))
    except CheckFailed as failure:
        return Result(check, "fail", str(failure))
    except Exception as error:
        return Result(check, "fail", f"{type(error).__name__}: {str(error)[:400]}")


def need(condition: object, sentence: str) -> None:
    if not condition:
        raise CheckFailed(sentence)
