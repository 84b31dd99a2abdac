"""SuiteQL at a practice vendor: names without capitals, joins along what is pointed at, functions, sums by group."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.declarative.conditions import QueryError
from sandbox.declarative.queries import suiteql
from sandbox.declarative.records import Records
from sandbox.declarative.vendor import declared
from sandbox.framework.store import Store


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    vendor = declared("netsuite", Store(tmp_path / "store.sqlite3"))
    account = vendor.create_account(name="Kestrel", slug="kestrel", currency="EUR")
    yield vendor.records(account["id"])


def asked(records: Records, text: str) -> list[dict[str, Any]]:
    statement = suiteql.parse(text)
    resource = records.vendor.resource_named(statement.table)
    query = suiteql.resolved(statement, records, resource)
    judge = records.judge(resource)
    found = [record for record in records.all(resource) if judge.holds(query.where, record)]
    held = suiteql.grouped(query, records, resource, found) if query.group else [[record] for record in found]
    return [suiteql.row(query.columns, records, resource, one) for one in held]


def test_a_joined_record_is_the_one_pointed_at(records: Records) -> None:
    records.create("customers", {"companyName": "Juniper", "currency": {"id": "2"}})

    rows = asked(
        records,
        "SELECT c.COMPANYNAME, c.isinactive, c.phone, cur.symbol AS currency FROM customer c "
        "LEFT JOIN currency cur ON cur.id = c.currency WHERE c.companyname = 'Juniper'",
    )

    assert rows == [{"companyname": "Juniper", "isinactive": "F", "currency": "USD"}]


def test_sums_stand_for_their_group_and_dates_have_the_form_asked_for(records: Records) -> None:
    invoice = records.create("transactions", {"type": "CustInvc", "tranDate": "2026-11-30"})["id"]
    for amount in ("-10.10", "-0.20"):
        records.create("transaction_lines", {"transaction": invoice, "foreignamount": 0, "taxline": "T"})
        line = records.all("transaction_lines")[-1]
        records.assign("transaction_lines", line, {"foreignamount": amount})

    sums = asked(
        records,
        "SELECT tl.transaction, ABS(SUM(tl.foreignamount)) AS tax FROM transactionline tl "
        f"WHERE tl.taxline = 'T' AND tl.transaction IN ({invoice}) GROUP BY tl.transaction",
    )
    dates = asked(records, "SELECT '7' AS account, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS day FROM transaction t")

    assert sums == [{"transaction": invoice, "tax": "10.30"}]
    assert dates == [{"account": "7", "day": "2026-11-30"}]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT c.nothing FROM customer c", "Unknown identifier 'nothing'"),
        ("SELECT x.id FROM customer c", "Unknown identifier 'x'"),
        ("SELECT c.id FROM customer c JOIN term t ON t.id = c.currency", "does not lead to term"),
        ("SELECT c.id FROM customer c JOIN currency cur ON cur.symbol = c.currency", "joined by id"),
        ("SELECT NVL(c.id, 1) AS id FROM customer c", "the function NVL is not known here"),
        ("SELECT TO_CHAR(c.id, 'DS') AS id FROM customer c", "the format 'DS' is not known here"),
        ("SELECT ABS(c.id) FROM customer c", "needs a name"),
        ("SELECT c.id FROM customer c LIMIT 3", "takes no more here"),
    ],
)
def test_what_it_does_not_know_is_refused(records: Records, text: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        asked(records, text)
