"""Files: what is whole is taken over once, what is broken is named by its line, and nothing is guessed without a person."""

import contextlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest import mock

import openpyxl

from apps.canonical.models import TimeEntry
from apps.connectors.models import Connection
from apps.connectors.services import test_connection as probed
from apps.syncs.models import SourceRecord
from apps.syncs.services import add_syncs, pulling
from apps.tabular.models import DataFile, FileStatus
from apps.tabular.services import layouts
from apps.tabular.services.collecting import collect
from apps.tabular.services.intake import open_original
from apps.tabular.services.staging import read_soon
from conformance.outside.bench import KilledError, Outside, ends_after
from conformance.result import need

HEAD = "Id,Date,Hours,Person,Notes\n"
MANY = 2_500
NAME = "time_entries"


def rows(first: int, last: int, hours: str = "1.5") -> str:
    return "".join(f"{n},2026-01-{n % 28 + 1:02},{hours},Zoë Müller,note {n}\n" for n in range(first, last + 1))


def entries(bench: Outside, connection: Connection) -> dict[str, TimeEntry]:
    ids = dict(
        SourceRecord.objects.filter(connection=connection, object_name=NAME).values_list("external_id", "record_id")
    )
    found = TimeEntry.objects.filter(customer=bench.customer).in_bulk([pk for pk in ids.values() if pk])
    return {key: found[pk] for key, pk in ids.items() if pk in found}


def need_all(bench: Outside, connection: Connection, otherwise: str) -> None:
    """The forty rows are there, and none of them is marked as deleted."""
    found = entries(bench, connection)
    need(len(found) == 40 and not any(one.deleted_at for one in found.values()), otherwise)


def verification(bench: Outside) -> str:
    bench.put("time_entries_may.csv", HEAD + rows(1, 1))
    found = probed(bench.files(auth_method="folder", folder="drop"), now=datetime.now(UTC))
    need(found and "1 file" in found.account_name, "the test does not tell what lies in the folder")
    return "“Test connection” tells the folder and how many files lie in it."


def values(bench: Outside) -> str:
    german = "Id;Datum;Mitarbeiter;Stunden;Bemerkung\n1;31.01.2026;Zoë;1.234,25;a\n2;01.02.2026;Bo;-0,5;b\n"
    book = openpyxl.Workbook()
    for line in [["Id", "Date", "Hours"], [1, "2026-01-31", 1234.25], [2, "2026-02-01", -0.5]]:
        book.active.append(line)
    held = io.BytesIO()
    book.save(held)
    for kind, content in (("CSV with decimal commas", german.encode()), ("workbook", held.getvalue())):
        connection = bench.files()
        bench.taken(connection, content, name="time_entries.xlsx" if kind == "workbook" else "time_entries.csv")
        found = sorted((one.work_date.isoformat(), one.hours) for one in entries(bench, connection).values())
        wanted = [("2026-01-31", Decimal("1234.25")), ("2026-02-01", Decimal("-0.5"))]
        need(found == wanted, f"{kind}: read as {found}")
    return "Dates and numbers of a CSV with decimal commas and of a workbook arrive exactly."


def encodings(bench: Outside) -> str:
    text = HEAD + rows(1, 40)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        connection = bench.files()
        bench.taken(connection, text.encode(encoding))
        found = {one.resource.name for one in entries(bench, connection).values() if one.resource}
        need(found == {"Zoë Müller"}, f"{encoding}: the name is read as {found}")
    connection = bench.files()
    mixed = bench.taken(
        connection, text.encode() + "41,2026-01-01,1,Müller,x\n".encode("cp1252") + b"42,2026-01-02,1,Bo,y\n"
    )
    lines = [problem["line"] for problem in mixed.problems]
    need(lines == [42] and len(entries(bench, connection)) == 41, f"two encodings in one file: set aside were {lines}")
    return "UTF-8 with and without mark, UTF-16 and Windows-1252 are told apart; of two in one file only the row concerned is set aside."


def broken_rows(bench: Outside) -> str:
    connection = bench.files()
    text = (
        HEAD
        + rows(1, 3)
        + "4,2026-01-04,1\n"
        + '5,2026-01-05,"1,Ada,never closed\n'
        + rows(6, 8)
        + "9,2026-01-09,1,A\x00da,x\n"
    )
    file = bench.taken(connection, text)
    told = [problem["line"] for problem in file.problems]
    kept = set(entries(bench, connection))
    need(kept == {"1", "2", "3", "6", "7", "8"}, f"of the whole rows only {sorted(kept)} were taken over")
    need(told == [5, 6, 10], f"the broken rows are told with the lines {told} instead of 5, 6, 10")
    (case,) = bench.cases(connection, "file_rows")
    need("3 of" in case.title and "line 5" in case.title, f"the case says: {case.title}")
    return "Rows that are too short, never closed or hold a NUL are set aside with their lines; the others go on, and a case tells."


def wrong_types(bench: Outside) -> str:
    connection = bench.files()
    file = bench.taken(
        connection, HEAD + rows(1, 9) + "10,2026-02-30,1,Ada,x\n11,2026-01-01,lots,Ada,x\n,2026-01-01,1,Ada,x\n"
    )
    told = {(problem["line"], problem["column"]) for problem in file.problems}
    need(told == {(11, "Date"), (12, "Hours"), (13, "Id")}, f"told were {sorted(told)}")
    need(len(entries(bench, connection)) == 9, "the good rows were not all taken over")
    return "A date that does not exist, a text for a number and a missing key are named by line and column; nothing is guessed."


def missing_fields(bench: Outside) -> str:
    connection = bench.files()
    bench.taken(connection, HEAD + rows(1, 2))
    file = bench.upload(connection, HEAD.replace("Hours", "Effort") + rows(3, 4))
    need(file.status == FileStatus.NEEDS_LAYOUT, f"a file without the column Hours is {file.get_status_display()}")
    need("'Hours'" in layouts.suggest(file).hold, "the missing column is not named")
    need(len(entries(bench, connection)) == 2, "rows of it were taken over")
    return "A file without a column that was there before waits for a person, who is told which."


def unknown_fields(bench: Outside) -> str:
    connection = bench.files()
    bench.taken(connection, HEAD + rows(1, 2))
    wider = "".join(line + ",more\n" for line in rows(3, 4).splitlines())
    file = bench.upload(connection, HEAD.strip() + ",Cost centre\n" + wider, "time_entries.csv")
    need(file.status != FileStatus.NEEDS_LAYOUT, "it waits for its columns to be confirmed once more")
    bench.read(connection, "time_entries")
    file.refresh_from_db()
    need(file.status == FileStatus.LOADED and file.set_aside == 0, f"{file.get_status_display()}: {file.problems[:1]}")
    need(set(entries(bench, connection)) == {"1", "2", "3", "4"}, "the rows did not arrive")
    return "A further column does no harm."


def repeated(bench: Outside) -> str:
    connection = bench.files()
    bench.taken(connection, HEAD + rows(1, 30))
    before = {key: one.pk for key, one in entries(bench, connection).items()}
    bench.taken(connection, HEAD + rows(1, 30))
    turned = HEAD + "\n".join(reversed(rows(1, 30).splitlines())) + "\n"
    file = bench.taken(connection, turned)
    need(
        (file.created_count, file.updated_count, file.unchanged_count) == (0, 0, 30),
        "the same rows in another order are news",
    )
    file = bench.taken(connection, HEAD + rows(1, 30, "2"))
    need((file.created_count, file.updated_count) == (0, 30), "changed rows are not taken as changes")
    need({key: one.pk for key, one in entries(bench, connection).items()} == before, "a row became another record")
    return "The same file, and the same rows in another order, change nothing; changed rows change their own records."


def pages_under_change(bench: Outside) -> str:
    """A file that is written while it is read, and one that is replaced afterwards."""
    connection = bench.files(auth_method="folder", folder="drop")
    add_syncs(connection, objects=[NAME], actor=None, reason="conformance kit")
    bench.put("time_entries.csv", HEAD + rows(1, 10), age=timedelta(seconds=2))
    bench.put("time_entries_b.csv.part", HEAD + rows(1, 10))
    need(
        not collect(connection, NAME, now=datetime.now(UTC)),
        "a file that was written a moment ago, or is called .part, was taken",
    )
    bench.put("time_entries.csv", HEAD + rows(1, MANY))
    (file,) = collect(connection, NAME, now=datetime.now(UTC))
    bench.confirm(read_soon(file, actor=None, now=datetime.now(UTC)), ["Id"])
    load, count = pulling.load_page, 0

    def changing(*args: object, **given: object) -> object:
        nonlocal count
        count += 1
        if count == 1:
            bench.put(
                "time_entries.csv", HEAD + rows(1, MANY, "2") + rows(MANY + 1, MANY + 3), age=timedelta(minutes=5)
            )
        return load(*args, **given)  # type: ignore[arg-type]

    with mock.patch.object(pulling, "load_page", changing):
        bench.read(connection, NAME)
    found = entries(bench, connection)
    need(
        len(found) == MANY and {one.hours for one in found.values()} == {Decimal("1.5")},
        "two states of the file are mixed",
    )
    _stage_new(bench, connection)
    bench.read(connection, NAME)
    found = entries(bench, connection)
    need(len(found) == MANY + 3, f"after the file was replaced there are {len(found)} rows instead of {MANY + 3}")
    need(
        {one.hours for key, one in found.items() if int(key) <= MANY} == {Decimal("2")}, "the later state was not read"
    )
    return (
        "A file is read as it was when it was taken; replaced meanwhile, its later state follows. Unfinished ones wait."
    )


def mass_deletion(bench: Outside) -> str:
    connection = bench.files()
    bench.taken(connection, HEAD + rows(1, 40))
    bench.taken(connection, HEAD + rows(1, 1, "3"))
    need_all(bench, connection, "rows that a later file lacks were deleted")
    return "A later file with one row of forty deletes nothing: a file says nothing about what it does not hold."


def killed_before(bench: Outside) -> str:
    return _killed(bench, "load_page", "inside the transaction of a page")


def killed_after(bench: Outside) -> str:
    return _killed(bench, "_keep_page", "after a page's commit")


def access_revoked(bench: Outside) -> str:
    connection = bench.files(auth_method="folder", folder="drop")
    add_syncs(connection, objects=[NAME], actor=None, reason="conformance kit")
    away = bench.folder.with_name("away")
    bench.folder.rename(away)
    run = bench.read(connection, NAME)
    need(run.status == "failed" and "no folder" in run.error, f"without its folder a read is {run.status}: {run.error}")
    need(any("no folder" in case.title for case in bench.cases(connection)), "nobody is told of the missing folder")
    away.rename(bench.folder)
    run = bench.read(connection, NAME)
    need(run.status == "succeeded" and not bench.cases(connection), f"with its folder back the read is {run.status}")
    return "A folder that is gone is a case that names it; when it is back, reading goes on and the case closes."


def sftp_dropped(bench: Outside) -> str:
    connection = _by_sftp(bench)
    _put_there(bench, rows(1, MANY, "2"))
    bench.server.happen(2, bench.server.break_off)
    run = bench.read(connection, NAME)
    need(not bench.server.at_read, "the connection was not broken: the check proves nothing")
    need(run.status == "succeeded", f"after a broken connection the read is {run.status}: {run.error}")
    need(DataFile.objects.filter(connection=connection).count() == 2, "half a file was kept")
    _need_hours(bench, connection, MANY, "2")
    return "A connection that breaks in the middle of a file: it is fetched again, whole and once."


def sftp_growing(bench: Outside) -> str:
    connection = _by_sftp(bench)
    _put_there(bench, rows(1, MANY, "2"))
    bench.server.happen(2, lambda: _put_there(bench, rows(1, MANY + 5, "2"), age=timedelta(0)))
    bench.read(connection, NAME)
    need(not bench.server.at_read, "the file did not grow: the check proves nothing")
    need(DataFile.objects.filter(connection=connection).count() == 1, "a file that grew while it was read was kept")
    bench.read(connection, NAME)
    need(DataFile.objects.filter(connection=connection).count() == 1, "a file changed a moment ago was fetched")
    _put_there(bench, rows(1, MANY + 5, "2"))
    bench.read(connection, NAME)
    _need_hours(bench, connection, MANY + 5, "2")
    return "A file that grows while it is fetched is left alone until it is finished, and then taken whole."


def sftp_replaced(bench: Outside) -> str:
    connection = _by_sftp(bench)
    _put_there(bench, rows(1, MANY, "2"))
    bench.server.happen(2, lambda: _put_there(bench, rows(1, MANY, "3"), age=timedelta(minutes=30)))
    bench.read(connection, NAME)
    need(not bench.server.at_read, "the file was not replaced: the check proves nothing")
    for file in DataFile.objects.filter(connection=connection):
        hours = {line.split(b",")[2] for line in b"".join(open_original(file)).splitlines()[1:]}
        need(len(hours) == 1, f"two states of the file are mixed: hours are {sorted(hours)}")
    bench.read(connection, NAME)
    _need_hours(bench, connection, MANY, "3")
    return "A file replaced under its name while it is fetched, of the same size: its states are not mixed, the later one follows."


def sftp_host_key(bench: Outside) -> str:
    connection = _by_sftp(bench)
    known, log_ins = bench.server.host_key, bench.server.log_ins
    bench.server.host_key = type(known).generate()  # type: ignore[attr-defined]
    run = bench.read(connection, NAME)
    connection.refresh_from_db()
    need(run.status == "failed" and "not the pinned one" in run.error, f"with another key: {run.status}, {run.error}")
    need(bench.server.log_ins == log_ins, "the password was told to a server with another key")
    need(bench.server.fingerprint in connection.status_reason, "the key that was shown is not told")
    return (
        "A server with another key than the pinned one is told nothing, not even the password; a person is shown both."
    )


def hostile(bench: Outside) -> str:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", b"<workbook>" + b" " * 300_000_000)
    shapes = {
        "a workbook that unpacks to 300 MB": bomb.getvalue(),
        "a PDF": b"%PDF-1.7 x",
        "nothing": b"",
        "a picture": b"\x89PNG\r\n\x1a\n\0\0",
    }
    for kind, content in shapes.items():
        name = "time_entries.xlsx" if "workbook" in kind else "time_entries.csv"
        try:
            file: DataFile | None = bench.upload(bench.files(), content, name)
        except Exception as error:
            need(getattr(error, "code", ""), f"{kind}: ends in {type(error).__name__}")
            continue
        need(
            file and file.status == FileStatus.REFUSED and file.error, f"{kind} is {file and file.get_status_display()}"
        )
    return f"Refused, each with its reason: {', '.join(shapes)}."


def _killed(bench: Outside, point: str, words: str) -> str:
    connection = bench.files()
    bench.confirm(bench.upload(connection, HEAD + rows(1, MANY)), ["Id"])
    dying = ends_after(2, getattr(pulling, point))
    with mock.patch.object(pulling, point, dying), contextlib.suppress(KilledError):
        bench.read(connection, NAME)
    kept = len(entries(bench, connection))
    need(0 < kept < MANY, f"the worker ended {words}, and {kept} rows were there")
    bench.go_on(connection, NAME)
    file = DataFile.objects.get(connection=connection)
    counted = file.created_count + file.updated_count + file.unchanged_count + file.set_aside
    found = entries(bench, connection)
    need(
        len(found) == MANY and len({one.pk for one in found.values()}) == MANY, f"{len(found)} of {MANY} rows are there"
    )
    need(counted == MANY, f"{counted} rows were counted instead of {MANY}")
    return f"A worker that ends {words}: the next goes on behind it, each row is taken over and counted once."


def _put_there(bench: Outside, lines: str, age: timedelta = timedelta(hours=1)) -> None:
    bench.put("out/time_entries.csv", HEAD + lines, age=age, at=bench.server.root)


def _by_sftp(bench: Outside) -> Connection:
    """A connection whose layout is known from a first small file."""
    connection = bench.sftp()
    add_syncs(connection, objects=[NAME], actor=None, reason="conformance kit")
    bench.put("out/time_entries_first.csv", HEAD + rows(1, 3), at=bench.server.root)
    (file,) = collect(connection, NAME, now=datetime.now(UTC))
    bench.confirm(read_soon(file, actor=None, now=datetime.now(UTC)), ["Id"])
    bench.read(connection, NAME)
    need(len(entries(bench, connection)) == 3, "the first file did not arrive")
    return connection


def _need_hours(bench: Outside, connection: Connection, count: int, hours: str) -> None:
    _stage_new(bench, connection)
    for file in DataFile.objects.filter(connection=connection, status=FileStatus.RECEIVED):
        read_soon(file, actor=None, now=datetime.now(UTC))
    bench.read(connection, NAME)
    found = entries(bench, connection)
    need(len(found) == count, f"{len(found)} of {count} rows are there")
    need({one.hours for one in found.values()} == {Decimal(hours)}, "not all rows are of the file's last state")


def _stage_new(bench: Outside, connection: Connection) -> None:
    for file in collect(connection, NAME, now=datetime.now(UTC)):
        read_soon(file, actor=None, now=datetime.now(UTC))
