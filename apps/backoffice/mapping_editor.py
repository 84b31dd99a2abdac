"""What the mapping editor shows: targets and their owners, what can be read, every line and what it makes of a record."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from apps.backoffice.line_form import can_edit
from apps.canonical.documents import label_of
from apps.canonical.registry import entity
from apps.connectors.models import Connection
from apps.core.errors import AppError
from apps.mappings import selectors, stewardship
from apps.mappings.editing import chain_of, condition_of, reads_of
from apps.mappings.engine import FieldTrace, MappingSpec, MappingSpecError, load_mapping
from apps.mappings.engine.reads import own_paths
from apps.mappings.models import Mapping, ObjectShape
from apps.mappings.services.plans import wrong_fields
from apps.mappings.shapes import Shape, learn
from apps.mappings.suggesting import SourceField, Suggestion, fields_of_shape, suggest
from apps.mappings.targets import targets_of
from apps.syncs import services
from apps.syncs.models import SourceRecord

RECORDS_OFFERED = 25
_LEARNED_FROM = 50


@dataclass(slots=True)
class Line:
    """One line of the draft as the page tells it."""

    index: int
    to: str
    kind: str
    owner: str
    is_owned: bool
    reads: str
    chain: str
    condition: str
    default: str
    policy: str
    is_required: bool
    can_edit: bool
    trace: FieldTrace | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Unfilled:
    """A target nobody fills, and where it might come from."""

    name: str
    kind: str
    owner: str
    suggestions: list[Suggestion]


class Desk:
    """Everything about one draft and, if there is one, the record it is tried on."""

    def __init__(self, mapping: Mapping, *, record: int | None = None, now: datetime) -> None:
        self.mapping = mapping
        self.plan: dict[str, Any] = mapping.draft or mapping.spec
        self.connection: Connection = mapping.connection
        self.is_in = mapping.direction == Mapping.Direction.IN
        self.now = now
        self.owners, self.single_owners = stewardship.owner_roles(mapping.customer_id, mapping.entity)
        self.kinds = entity(mapping.entity).kinds
        self.offered = self._offered()
        self.chosen = record if record is not None else next((key for key, _ in self.offered), None)
        self.problem = ""
        self.spec: MappingSpec | None = None
        try:
            self.spec = load_mapping(self.plan, name="draft")
        except MappingSpecError as error:
            self.problem = str(error)

    def _offered(self) -> list[tuple[int, str]]:
        """The latest records the draft can be tried on: stored ones of the vendor, or ours when it writes."""
        if self.is_in:
            rows = SourceRecord.objects.filter(connection=self.connection, object_name=self.mapping.object_name)
            latest = rows.order_by("-pk").values_list("pk", "external_id", "status")[:RECORDS_OFFERED]
            return [(pk, f"{external_id} ({status})") for pk, external_id, status in latest]
        records = entity(self.mapping.entity).model.objects.filter(customer_id=self.mapping.customer_id)
        return [(row.pk, str(row)) for row in records.order_by("-pk")[:RECORDS_OFFERED]]

    def owner_of(self, target: str) -> str:
        return self.single_owners.get(target) or next(iter(self.owners), "")

    def shape(self) -> Shape:
        """What is known of the records, and what the latest stored ones show."""
        known = ObjectShape.objects.filter(connection=self.connection, object_name=self.mapping.object_name).first()
        shape = Shape.from_json(known.shape if known else None)
        stored = SourceRecord.objects.filter(connection=self.connection, object_name=self.mapping.object_name)
        shape.add(learn(stored.order_by("-pk").values_list("payload", flat=True)[:_LEARNED_FROM]))
        return shape

    def sources(self) -> list[SourceField]:
        """What can be read: for a vendor's records the known paths and the declared ones never seen; else our fields."""
        if not self.is_in:
            return [SourceField(name, kind) for name, kind in self.kinds.items()]
        declared = {one.path: one for one in self._declared()}
        found = fields_of_shape(self.shape(), {path: one.title for path, one in declared.items()})
        seen = {one.path for one in found}
        return found + [SourceField(path, one.type, one.title) for path, one in declared.items() if path not in seen]

    def _declared(self) -> list[Any]:
        known = self.connection.manifest.objects.get(self.mapping.object_name)
        return list(known.fields) if known else []

    def lines(self, traces: tuple[FieldTrace, ...] = ()) -> list[Line]:
        wrong: dict[int, list[str]] = {}
        for index, _, message in wrong_fields(self.spec) if self.spec else []:
            wrong.setdefault(index, []).append(message)
        top = [trace for trace in traces if "[" not in trace.to]  # without those of list items
        return [
            self._line(index, line, top[index] if len(top) == len(self.plan["fields"]) else None, wrong.get(index, []))
            for index, line in enumerate(self.plan.get("fields", []))
        ]

    def _line(self, index: int, line: dict[str, Any], trace: FieldTrace | None, problems: list[str]) -> Line:
        to = str(line.get("to", ""))
        return Line(
            index=index,
            to=to,
            kind=self.kinds.get(to, "custom" if to.startswith("custom.") else "") if self.is_in else "",
            owner=self.owner_of(to) if self.is_in else "",
            is_owned=to not in self.foreign_fields,
            reads=reads_of(line),
            chain=chain_of(line),
            condition=condition_of(line),
            default=str(line["default"]) if "default" in line else "",
            policy=str(line.get("overwrite", "always")) if self.is_in else "",
            is_required=bool(line.get("required")),
            can_edit=can_edit(line),
            trace=trace,
            problems=problems,
        )

    @cached_property
    def foreign_fields(self) -> frozenset[str]:
        """Targets another system of the customer owns: what is read here fills them, but never overwrites them."""
        if not self.is_in:
            return frozenset()
        return stewardship.foreign_fields(self.connection, self.mapping.entity, list(self.kinds))[0]

    def unfilled(self) -> list[Unfilled]:
        """Targets nobody fills, those with a likely source first."""
        if not self.is_in:
            return []
        filled = {str(line.get("to")) for line in self.plan.get("fields", [])}
        open_targets = [target for target in targets_of(self.mapping.entity) if target.name not in filled]
        used = frozenset(path for one in (self.spec.fields if self.spec else []) for path in own_paths(one))
        found: dict[str, list[Suggestion]] = {}
        for suggestion in suggest(open_targets, self.sources(), used=used):
            found.setdefault(suggestion.to, []).append(suggestion)
        rows = [Unfilled(one.name, one.kind, self.owner_of(one.name), found.get(one.name, [])) for one in open_targets]
        return sorted(rows, key=lambda row: -max((one.confidence for one in row.suggestions), default=0.0))

    def trial(self, plan: dict[str, Any] | None = None) -> tuple[services.Trial | None, str]:
        """What the draft makes of the chosen record, or why that can't be said."""
        if self.chosen is None:
            return None, ""
        try:
            spec = load_mapping(plan, name="draft") if plan is not None else self.spec
            if spec is None:
                return None, self.problem
            if not self.is_in:
                return services.try_outbound(self.connection, spec, self.chosen), ""
            rows = SourceRecord.objects.select_related("connection")
            row = rows.filter(pk=self.chosen, connection=self.connection, object_name=self.mapping.object_name).first()
            if row is None:
                return None, "There is no such stored record any more; choose another."
            return services.try_on_record(spec, row, now=self.now), ""
        except (AppError, MappingSpecError) as error:
            return None, str(error)

    def trace_of(self, alone: dict[str, Any]) -> FieldTrace | None:
        """What a plan of one line makes of the chosen record, step by step."""
        spec = load_mapping(alone, name="line")
        if not self.is_in:
            assert self.chosen is not None
            return next(iter(services.try_outbound(self.connection, spec, self.chosen).explanation.fields), None)
        explanation = selectors.compiled(self.connection, spec).explain(self.raw() or {})
        return next(iter(explanation.fields), None)

    def suggested_line(self, to: str, path: str) -> dict[str, Any]:
        """A new line for a target; with the path of a suggestion, as the suggestion has it."""
        line: dict[str, Any] = {"to": to[:200]}
        if not path:
            return line
        line["from"] = path[:300]
        targets = [target for target in targets_of(self.mapping.entity) if target.name == to]
        found = next((one for one in suggest(targets, self.sources(), most=10) if one.path == path), None)
        if found and found.transform:
            line["transform"] = list(found.transform)
        if wanted := entity(self.mapping.entity).references.get(to):
            objects = self.connection.manifest.objects
            line["reference"] = {"object": next((name for name, one in objects.items() if one.entity == wanted), "")}
        return line

    def raw(self) -> Any:
        """The record the draft is tried on, as it came."""
        if self.chosen is None or not self.is_in:
            return None
        rows = SourceRecord.objects.filter(pk=self.chosen, connection=self.connection)
        return rows.values_list("payload", flat=True).first()

    def objects(self) -> list[str]:
        """What a reference may point to: the vendor's objects coming in, our entities going out."""
        if self.is_in:
            return list(self.connection.manifest.objects)
        return sorted(set(entity(self.mapping.entity).references.values()))

    def label(self) -> str:
        if self.chosen is None:
            return ""
        return dict(self.offered).get(self.chosen) or (
            label_of(self.mapping.entity, self.chosen) if not self.is_in else str(self.chosen)
        )
