"""The document store: SQLite in WAL mode, one file per vendor, with a read cache per collection.

A document belongs to an account and a collection. Everything a request writes is one transaction:
it is on disk before the answer leaves, so `kill -9` loses nothing that was acknowledged.
"""

import copy
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.framework import jsontext

Document = dict[str, Any]
SYSTEM = "_system"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    account TEXT NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (account, collection, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sequences (
    account TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (account, name)
);
"""


class Store:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._cache: dict[tuple[str, str], dict[str, Document]] = {}
        self._touched: set[tuple[str, str]] | None = None

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit on leaving, or roll back (and forget what was cached) on an error. Nested use joins the outer one."""
        if self._touched is not None:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._touched = set()
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._forget(self._touched)
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._touched = None

    def put(self, account: str, collection: str, doc_id: str | int, document: Document) -> Document:
        with self.transaction():
            self._collection(account, collection)[str(doc_id)] = document
            self._mark(account, collection)
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?)"
                " ON CONFLICT (account, collection, id) DO UPDATE SET body = excluded.body",
                (account, collection, str(doc_id), jsontext.dumps(document)),
            )
        return document

    def get(self, account: str, collection: str, doc_id: str | int) -> Document | None:
        """A copy that the caller may change and `put` back."""
        found = self._collection(account, collection).get(str(doc_id))
        return copy.deepcopy(found) if found is not None else None

    def peek(self, account: str, collection: str, doc_id: str | int) -> Document | None:
        """The cached document itself, for reading only."""
        return self._collection(account, collection).get(str(doc_id))

    def all(self, account: str, collection: str) -> list[Document]:
        """Every document of the collection, for reading only, in the order they were first written."""
        return list(self._collection(account, collection).values())

    def items(self, account: str, collection: str) -> list[tuple[str, Document]]:
        return list(self._collection(account, collection).items())

    def delete(self, account: str, collection: str, doc_id: str | int) -> bool:
        with self.transaction():
            found = self._collection(account, collection).pop(str(doc_id), None)
            self._mark(account, collection)
            self._db.execute(
                "DELETE FROM documents WHERE account = ? AND collection = ? AND id = ?",
                (account, collection, str(doc_id)),
            )
        return found is not None

    def wipe(self, account: str, collection: str | None = None) -> None:
        clause, values = "account = ?", [account]
        if collection is not None:
            clause, values = "account = ? AND collection = ?", [account, collection]
        with self.transaction():
            self._db.execute(f"DELETE FROM documents WHERE {clause}", values)
            if collection is None:
                self._db.execute("DELETE FROM sequences WHERE account = ?", (account,))
            self._cache.clear()
            self._mark("*", "*")

    def next_number(self, account: str, name: str, *, start: int = 1) -> int:
        with self.transaction():
            row = self._db.execute(
                "INSERT INTO sequences VALUES (?, ?, ?)"
                " ON CONFLICT (account, name) DO UPDATE SET value = value + 1 RETURNING value",
                (account, name, start),
            ).fetchone()
        return int(row[0])

    def counts(self, account: str) -> dict[str, int]:
        rows = self._db.execute(
            "SELECT collection, count(*) FROM documents WHERE account = ? GROUP BY collection ORDER BY collection",
            (account,),
        )
        return {str(name): int(number) for name, number in rows}

    def _collection(self, account: str, collection: str) -> dict[str, Document]:
        key = (account, collection)
        if key not in self._cache:
            rows = self._db.execute(
                "SELECT id, body FROM documents WHERE account = ? AND collection = ? ORDER BY length(id), id",
                key,
            )
            self._cache[key] = {doc_id: jsontext.loads(body) for doc_id, body in rows}
        return self._cache[key]

    def _forget(self, touched: set[tuple[str, str]]) -> None:
        if ("*", "*") in touched:
            self._cache.clear()
        for key in touched:
            self._cache.pop(key, None)

    def _mark(self, account: str, collection: str) -> None:
        if self._touched is not None:
            self._touched.add((account, collection))
