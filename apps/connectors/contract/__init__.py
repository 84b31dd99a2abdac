"""What every connector folder promises, as functions that say what is wrong. The contract test and `bin/connector`
use the same ones. No database, no network: a folder is read, and its fixtures are played back."""

from apps.connectors.contract.expected import write_expected
from apps.connectors.contract.folders import ConnectorFolder, open_folder
from apps.connectors.contract.grades import GRADES, missing_for, reached_grade
from apps.connectors.contract.marks import GUESSED, TO_COMPLETE, Mark, marks_in
from apps.connectors.contract.reading import READING_RULES, error_problems
from apps.connectors.contract.replay import NOW, FixtureVendor, ReplayError, read_all, replay_client
from apps.connectors.contract.report import Finding, findings
from apps.connectors.contract.rules import FOLDER_RULES, README_HEADINGS

__all__ = [
    "FOLDER_RULES",
    "GRADES",
    "GUESSED",
    "NOW",
    "READING_RULES",
    "README_HEADINGS",
    "TO_COMPLETE",
    "ConnectorFolder",
    "Finding",
    "FixtureVendor",
    "Mark",
    "ReplayError",
    "error_problems",
    "findings",
    "marks_in",
    "missing_for",
    "open_folder",
    "reached_grade",
    "read_all",
    "replay_client",
    "write_expected",
]
