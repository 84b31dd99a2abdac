"""From a delivery to the body that the vendor gets, out of the record as it is now."""

from collections.abc import Iterable
from typing import Any

from apps.canonical.balance import told
from apps.canonical.documents import Document, RecordGoneError, document_of, documents_of
from apps.canonical.models import ExternalRef
from apps.connectors.models import Connection
from apps.mappings import selectors
from apps.mappings.engine import MissingReference, Rejected
from apps.syncs.models import Delivery
from apps.syncs.services.journals import imbalances_of

# In rehearsals, for ids that only exist after an earlier step: digits, since some vendors' ids are numbers.
_STAND_IN = 990_000_000_000_001


class RenderError(Exception):
    """The body can't be made from the record; carries a case's reason, words and problems."""

    def __init__(self, reason: str, message: str, problems: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.problems = problems


class Materials:
    """What bodies are made of, read for many deliveries at once: their records, and the ids these have at the vendor."""

    def __init__(self, connection: Connection, rows: Iterable[Delivery]) -> None:
        self._connection_id = connection.pk
        wanted: dict[str, set[int]] = {}
        for row in rows:
            wanted.setdefault(row.entity, set()).add(row.record_id)
        self._documents = {name: documents_of(name, ids) for name, ids in wanted.items()}
        self._ids: dict[tuple[str, int], str] = {}
        self._looked: set[tuple[str, int]] = set()
        self._look_up(
            (named["_entity"], named["_id"])
            for documents in self._documents.values()
            for document in documents.values()
            for named in (document, *document.values())
            if isinstance(named, dict) and "_id" in named
        )

    def document(self, entity: str, record_id: int) -> Document:
        """Raises RecordGoneError."""
        found = self._documents.get(entity, {}).get(record_id)
        return found if found is not None else document_of(entity, record_id)

    def external_id(self, entity: str, record_id: int) -> str | None:
        """The first id the record got at the vendor."""
        if (entity, record_id) not in self._looked:
            self._look_up([(entity, record_id)])
        return self._ids.get((entity, record_id))

    def _look_up(self, keys: Iterable[tuple[str, int]]) -> None:
        wanted: dict[str, set[int]] = {}
        for entity, record_id in keys:
            wanted.setdefault(entity, set()).add(record_id)
            self._looked.add((entity, record_id))
        for entity, ids in wanted.items():
            refs = ExternalRef.objects.filter(
                connection_id=self._connection_id, entity=entity, record_id__in=ids
            ).order_by("-pk")
            for record_id, external_id in refs.values_list("record_id", "external_id"):
                self._ids[entity, record_id] = external_id


def render(
    row: Delivery, connection: Connection, *, rehearsal: bool = False, materials: Materials | None = None
) -> dict[str, Any]:
    """The vendor body of a delivery, from the record as it is now. Raises RenderError.

    In a rehearsal a record that an earlier step would make stands in as `<id of …>`.
    """
    try:
        materials = materials or Materials(connection, [row])
        document = {**materials.document(row.entity, row.record_id), **row.context, "marker": row.marker}
    except RecordGoneError as error:
        raise RenderError("not_found", error.message, [])
    if row.entity == "journal_entry" and (found := imbalances_of(document)):
        name = str(document["number"] or document["reference"] or row.record_id)
        raise RenderError("journal_unbalanced", told(name, found), [])
    mapping = selectors.outbound(connection, row.object_name, row.context.get("_mapping", row.entity))

    stand_ins: dict[str, str] = {}

    def resolve(entity: str, found_record: Any) -> str:
        record_id = found_record["_id"] if isinstance(found_record, dict) else found_record
        found = materials.external_id(entity, record_id)
        if found is None and rehearsal:
            stand_in = str(_STAND_IN + len(stand_ins))
            stand_ins[stand_in] = f"<id of {entity} {record_id}>"
            return stand_in
        if found is None:
            raise MissingReference(f"{entity} {record_id} is not in {connection.name} yet")
        return found

    outcome = mapping.render(document, resolve)
    if isinstance(outcome, Rejected):
        problems = [
            {
                "code": problem.code.reason,
                "field": problem.field,
                "source": problem.source,
                "value": problem.value,
                "message": problem.message,
                **({"value_map": problem.value_map, "map_key": problem.map_key} if problem.value_map else {}),
            }
            for problem in outcome.problems
        ]
        raise RenderError(str(problems[0]["code"]), str(problems[0]["message"]), problems)
    return _in_words(outcome.body, stand_ins) if stand_ins else outcome.body


def _in_words(value: Any, stand_ins: dict[str, str]) -> Any:
    """The body with each stand-in for an unknown id, which a mapping may have made a number of, put in words."""
    if isinstance(value, dict):
        return {key: _in_words(item, stand_ins) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_words(item, stand_ins) for item in value]
    return stand_ins.get(str(value), value) if isinstance(value, str | int) else value


def external_id_of(row: Delivery, materials: Materials) -> str:
    found = materials.external_id(row.entity, row.record_id)
    if not found:
        raise RenderError("missing_reference", f"{row.title}: the record is not known in {row.connection.name} yet", [])
    return found
