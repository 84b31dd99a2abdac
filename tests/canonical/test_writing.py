"""The statements that write canonical records."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from apps.accounts.models import Customer
from apps.canonical import writing
from apps.canonical.models import ExternalRef
from apps.canonical.registry import entity, names
from tests.syncs.support import connect

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_SAMPLES: dict[str, Any] = {
    "text": "x",
    "decimal": "1.5",
    "date": "2026-11-01",
    "datetime": NOW,
    "boolean": True,
    "integer": 1,
    "json": {},
    "reference": 1,
}


@pytest.mark.parametrize("name", names())
def test_a_new_record_has_the_models_defaults_where_nothing_was_said(customer: Customer, name: str) -> None:
    harvest = connect(customer, "harvest")
    known = entity(name)
    row: dict[str, Any] = {known.column_of[field]: _SAMPLES[known.kinds[field]] for field in known.required}
    for field in known.required & known.choices.keys():
        row[known.column_of[field]] = min(known.choices[field] - {""})
    author = writing.Author(customer.pk, "connection:1", "test", None, NOW)
    with transaction.atomic():
        (record_id,) = writing.new_ids(name, 1)
        came_as = writing.Origin(harvest.pk, "things", "https://vendor.test/'${external_id}'%")
        writing.insert(name, [{**row, "id": record_id, "_external_id": "a%b"}], author, came_as)

        found = known.model.objects.filter(pk=record_id).values().get()
        past = known.model.history.filter(id=record_id).values(*found).get()
        ref = ExternalRef.objects.get(entity=name, record_id=record_id)
        transaction.set_rollback(True)  # what it refers to does not exist

    unsaid = {column.name for column in known.columns} - row.keys() - {"id", "customer_id", "created_at", "updated_at"}
    assert {column: found[column] for column in unsaid} == {column: known.defaults[column] for column in unsaid}
    assert past == found
    assert (found["customer_id"], found["created_at"], found["updated_at"]) == (customer.pk, NOW, NOW)
    assert (ref.object_name, ref.external_id, ref.url) == ("things", "a%b", "https://vendor.test/'a%b'%")
