"""`bin/connector try`: a manifest against a living server, step by step, each with the vendor's words and the next step.

Sends nothing that changes anything, unless one write is named, given a body and confirmed."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apps.connectors.client import VendorClient
from apps.connectors.contract import open_folder
from apps.connectors.manifest import Family, Manifest, ManifestError
from apps.connectors.manifest.base import placeholders
from apps.connectors.manifest.paging import CompareCursor, FullRead
from apps.connectors.paths import get, text_of
from apps.connectors.templates import TemplateError
from apps.connectors.times import parse_time
from apps.connectors.types import PreparedCall, Record, VendorPermanentError, VendorTransientError
from apps.mappings.engine import MappingSpecError
from launcher.connector import previews
from launcher.connector.places import connector_folder
from launcher.connector.recording import record
from launcher.connector.sessions import Session, environment, session_for
from launcher.errors import LauncherError

_NEXT = {
    Family.AUTH: "check the secrets and the section `auth`",
    Family.PERMISSION: "the log-in works, but may not do this: check scopes and rights at the vendor, or the address",
    Family.NOT_FOUND: "check the path in the manifest and `client.base_url`",
    Family.VALIDATION: "check the request's parameters, and where the manifest looks in the answer (`records`, `account_id`)",
    Family.RATE_LIMITED: "wait, then again; write the limits into `client.rate`",
    Family.TRANSIENT: "check the address; if the vendor has trouble, try again later",
    Family.CONFLICT: "read the record again and write what is there now",
    Family.DUPLICATE: "the vendor has such a record already; use other values",
}


@dataclass(slots=True)
class Trial:
    """One run: what was read so far, and what failed."""

    manifest: Manifest
    session: Session
    client: VendorClient
    folder: Path
    samples: dict[str, Record] = field(default_factory=dict)
    failed: int = 0

    def ok(self, step: str, text: str = "") -> None:
        self.session.say(f"ok    {step}{': ' + text if text else ''}")

    def fail(self, step: str, text: str, following: str = "") -> None:
        self.failed += 1
        self.session.say(f"FAIL  {step}: {text}")
        if following:
            self.session.say(f"      next: {following}")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """What the vendor or the manifest does wrong in here fails the step and not the trial."""
        try:
            yield
        except (VendorTransientError, VendorPermanentError) as error:
            self.fail(name, error.message, _NEXT.get(error.family, ""))
        except TemplateError as error:
            self.fail(name, error.message, "complete the request in the manifest")
        except MappingSpecError as error:
            self.fail(name, previews.problems_of(error), "correct the mapping; docs/mappings.md")


def attempt(options: argparse.Namespace, here: Path) -> int:
    """0 when every step succeeded."""
    path = connector_folder(options.connector, here)
    try:
        manifest = open_folder(path).manifest
    except ManifestError as error:
        print(error.message)
        return 1
    session = session_for(
        manifest,
        base_url=options.base_url,
        settings=options.set,
        secrets=options.secret_from_env,
        environment=environment(),
    )
    client = VendorClient(manifest, config=session.config, tokens=session.tokens)
    trial = Trial(manifest, session, client, path)
    if not _log_in(trial):
        return 1
    if options.write:
        _write(trial, options, here)
        return 1 if trial.failed else 0
    _read(trial, options)
    _dry_writes(trial, options.object)
    session.say(f"\n{'everything ok' if not trial.failed else f'{trial.failed} step(s) failed'}; nothing was written")
    return 1 if trial.failed else 0


def _log_in(trial: Trial) -> bool:
    for variable in trial.manifest.client.variables:
        if trial.session.config.get(variable.name):
            continue
        with trial.step(variable.title):
            found = trial.client.choices(variable.name)
            if len(found) != 1:
                shown = "; ".join(f"{name} = {label}" for name, label in found) or "none"
                trial.fail(variable.title, f"{len(found)} to choose from: {shown}", f"--set {variable.name}=…")
                return False
            trial.session.config[variable.name] = found[0][0]
            trial.client = VendorClient(trial.manifest, config=trial.session.config, tokens=trial.session.tokens)
            trial.ok(variable.title, found[0][1])
    if trial.failed:
        return False
    with trial.step("log-in"):
        account = trial.client.verify()
        trial.ok("log-in", f"account {account.account_name} ({account.account_id})")
    return not trial.failed


def _read(trial: Trial, options: argparse.Namespace) -> None:
    for name in _objects(trial.manifest, options.object):
        if trial.manifest.object(name).read is None:
            continue
        with trial.step(f"read {name}"):
            high_water = _one_page(trial, name)
            if high_water:
                _changes(trial, name, high_water)
            if options.record:
                trial.session.say(f"      {record(trial.manifest, trial.session, name, trial.folder / 'fixtures')}")


def _one_page(trial: Trial, name: str) -> str | None:
    """The first page of everything; returns the newest change on it."""
    page = next(trial.client.pages(name, cursor=None, now=datetime.now(UTC)), None)
    records = page.records if page else []
    more = ", more follow" if page and page.next_resume else ""
    newest = f", newest change {page.high_water}" if page and page.high_water else ""
    trial.ok(f"read {name}", f"{len(records)} records{more}{newest}")
    if not records:
        return None
    trial.samples[name] = records[0]
    key = trial.manifest.object(name).primary_key
    if not text_of(get(records[0], key)):
        trial.fail(
            f"key of {name}", f"nothing at {key}; the record has: {', '.join(records[0])}", "correct `primary_key`"
        )
    _mapped(trial, name, records[0])
    return page.high_water if page else None


def _mapped(trial: Trial, name: str, sample: Record) -> None:
    mapping = previews.mapping_for(trial.manifest, name, "in")
    if mapping is None:
        trial.session.say("      not mapped: no default mapping for it")
        return
    is_fine, text = previews.told(mapping, sample)
    if is_fine:
        trial.session.say(f"      mapped: {text}")
    else:
        trial.fail(f"map {name}", text, "correct the mapping, or the account's record")


def _changes(trial: Trial, name: str, high_water: str) -> None:
    """Ask for what changed since the newest change: is the question understood, and is the answer narrowed?"""
    read = trial.manifest.object(name).read
    if read is None or isinstance(read.cursor, FullRead | CompareCursor):
        return
    page = next(trial.client.pages(name, cursor=high_water, now=datetime.now(UTC)), None)
    records = page.records if page else []
    since = parse_time(high_water)
    # A vendor that counts days, or a zone got wrong, is no sign that the filter is ignored.
    margin = timedelta(days=1, seconds=read.cursor.overlap_seconds)
    times = [parse_time(get(record, read.cursor.field)) for record in records]
    if since and any(time is not None and time < since - margin for time in times):
        text = f"asked for changes since {high_water}, the vendor sent older ones too"
        trial.fail(f"changes of {name}", text, "check the cursor's parameter and format: the vendor seems to ignore it")
    else:
        trial.ok(f"changes of {name}", f"{len(records)} since {high_water}")


def _dry_writes(trial: Trial, only: list[str]) -> None:
    for name in _objects(trial.manifest, only):
        for operation, spec in trial.manifest.object(name).write.items():
            with trial.step(f"dry {name}.{operation}"):
                body, whence = _sample_body(trial, name)
                # What the address needs, invented where the mapping does not give it.
                wanted = [item.removeprefix("body.") for item in placeholders(spec.request.path) if "body." in item]
                body = {**dict.fromkeys(wanted, "1"), **body}
                call = _prepared(trial, name, operation, body, _id_of(trial, name) or "1")
                trial.ok(f"dry {name}.{operation}", f"would be sent, {whence}")
                _show(trial, call)


def _sample_body(trial: Trial, name: str) -> tuple[Record, str]:
    """A body as the mapping makes it: the record just read, mapped in and out again."""
    outward = previews.mapping_for(trial.manifest, name, "out")
    inward = previews.mapping_for(trial.manifest, name, "in")
    sample = trial.samples.get(name)
    if outward is None:
        return {"name": "…"}, "with an invented body: no mapping out"
    canonical = previews.canonical_of(inward, sample) if inward and sample else None
    body = previews.rendered(outward, canonical) if canonical is not None else "no record was read that maps"
    if isinstance(body, str):
        return {"name": "…"}, f"with an invented body: {body}"
    return body, "made from the record read first"


def _write(trial: Trial, options: argparse.Namespace, here: Path) -> None:
    """Really send one write."""
    name, _, operation = options.write.partition(".")
    operation = operation or "create"
    try:
        trial.manifest.write(name, operation)
    except KeyError as error:
        raise LauncherError(f"--write: {error.args[0]}")
    with trial.step(f"write {name}.{operation}"):
        call = _prepared(trial, name, operation, _body_from(trial, options, here, name), options.id)
        trial.session.say(f"\nThis will be sent to {trial.manifest.connector.name}:")
        _show(trial, call)
        if not (options.yes or _confirmed(name)):
            trial.fail(f"write {name}.{operation}", "not confirmed; nothing was sent")
            return
        answer = trial.client.send(call)
        if answer.outcome == "done":
            trial.ok(f"write {name}.{operation}", f"id {answer.external_id}, status {answer.status}")
        else:
            following = _NEXT.get(answer.family, "") if answer.family else ""
            if answer.outcome == "uncertain":
                following = "look at the vendor whether it happened before you try again"
            trial.fail(f"write {name}.{operation}", f"{answer.outcome}: {answer.message}", following)


def _body_from(trial: Trial, options: argparse.Namespace, here: Path, name: str) -> Record:
    if not options.body:
        raise LauncherError("--write needs --body FILE: a canonical record as JSON, or with --raw the vendor's body.")
    try:
        given = json.loads((here / options.body).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LauncherError(f"--body {options.body}: {error}")
    if not isinstance(given, dict):
        raise LauncherError(f"--body {options.body}: an object is needed; found {type(given).__name__}")
    if options.raw:
        return given
    mapping = previews.mapping_for(trial.manifest, name, "out")
    if mapping is None:
        raise LauncherError(f"--write {name}: no mapping out; give the vendor's body with --raw.")
    body = previews.rendered(mapping, given)
    if isinstance(body, str):
        raise LauncherError(f"--body {options.body}: {body}")
    return body


def _confirmed(name: str) -> bool:
    if not sys.stdin.isatty():
        raise LauncherError("--write asks before it sends; without a terminal give --yes.")
    return input(f"Send it? Type the object's name ({name}): ").strip() == name


def _prepared(trial: Trial, name: str, operation: str, body: Record, external_id: str | None) -> PreparedCall:
    key = f"try-{uuid.uuid4().hex[:12]}"
    return trial.client.prepare(name, operation, body, idempotency_key=key, external_id=external_id)


def _show(trial: Trial, call: PreparedCall) -> None:
    shown = call.redacted()
    trial.session.say(f"      {shown['method']} {shown['url']}")
    if call.request.body is not None:
        trial.session.say(f"      {call.request.body.decode('utf-8', 'replace')}")


def _id_of(trial: Trial, name: str) -> str:
    sample = trial.samples.get(name)
    return text_of(get(sample, trial.manifest.object(name).primary_key)) if sample else ""


def _objects(manifest: Manifest, only: list[str]) -> list[str]:
    if unknown := [name for name in only if name not in manifest.objects]:
        raise LauncherError(f"--object: no object {', '.join(unknown)}; there are: {', '.join(manifest.objects)}")
    return only or list(manifest.objects)
