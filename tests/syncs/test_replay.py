"""Applying a mapping to all stored records again: in chunks, from where it stopped, and from the start when asked anew."""

from datetime import UTC, datetime

import pytest

from apps.accounts.models import Customer
from apps.canonical.models import Client
from apps.connectors.models import Connection
from apps.core.models import DueWork
from apps.core.work import Work, queue
from apps.core.work.bell import bell_held
from apps.core.work.kinds import REPLAY
from apps.mappings.models import Mapping
from apps.mappings.services import apply_again, save_mapping
from apps.syncs.models import SourceRecord
from apps.syncs.services import reprocessing
from tests.syncs.support import NOW, connect, harvest_client, load


@pytest.fixture
def harvest(customer: Customer) -> Connection:
    connection = connect(customer, "harvest")
    load(
        connection,
        "clients",
        *(harvest_client(number, f"Client {number}", label=f"L{number}") for number in range(1, 6)),
    )
    return connection


@pytest.fixture
def mapping(harvest: Connection) -> Mapping:
    spec = {"object": "clients", "entity": "client", "direction": "in", "fields": [{"to": "name", "from": "label"}]}
    return save_mapping(connection=harvest, spec=spec, actor=None, reason="t")


def claimed(mapping: Mapping) -> Work:
    DueWork.objects.exclude(kind=REPLAY).delete()
    work = queue.claim(now=datetime.now(UTC))
    assert work is not None and work.key == str(mapping.pk)
    return work


def names() -> set[str]:
    return set(Client.objects.values_list("name", flat=True))


def test_stored_records_are_mapped_again_to_the_last(mapping: Mapping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reprocessing, "_CHUNK", 2)
    SourceRecord.objects.filter(external_id="5").update(status="ignored")
    apply_again(mapping)

    with bell_held():  # as a worker
        assert reprocessing.replay(claimed(mapping), NOW) is None

    assert names() == {"L1", "L2", "L3", "L4", "Client 5"}
    mapping.refresh_from_db()
    assert mapping.replay_after is None


def test_it_goes_on_after_the_latest_one_done(mapping: Mapping) -> None:
    apply_again(mapping)
    done = SourceRecord.objects.get(external_id="2").pk
    Mapping.objects.filter(pk=mapping.pk).update(replay_after=done)

    reprocessing.replay(claimed(mapping), NOW)

    assert names() == {"Client 1", "Client 2", "L3", "L4", "L5"}


def test_a_long_one_lets_go_of_its_worker(mapping: Mapping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reprocessing, "_CHUNK", 2)
    monkeypatch.setattr(reprocessing, "_SLICE_SECONDS", -1.0)
    apply_again(mapping)

    assert reprocessing.replay(claimed(mapping), NOW) == NOW

    assert names() == {"L1", "L2", "Client 3", "Client 4", "Client 5"}
    apply_again(mapping)
    mapping.refresh_from_db()
    assert mapping.replay_after == 0
