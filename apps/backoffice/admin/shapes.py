"""The shape of each object's records, how it changed, and what a change leads to."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from apps.backoffice.base import RecordAdmin, link
from apps.backoffice.columns import pill, when, words
from apps.backoffice.forms import ReasonForm
from apps.backoffice.site import site
from apps.backoffice.verbs import Verb
from apps.core import clock
from apps.mappings import selectors, services
from apps.mappings.engine.reads import source_paths
from apps.mappings.models import ObjectShape, ShapeChange
from apps.mappings.services import drift
from apps.mappings.shapes import Shape
from apps.mappings.suggesting import SourceField, suggest
from apps.mappings.targets import targets_of
from apps.syncs.services import decide_shape


class PolicyForm(ReasonForm):
    policy = forms.ChoiceField(
        label="When the vendor's records change",
        required=False,
        widget=forms.Select(attrs={"class": "tl-input"}),
        help_text="What the mapping needs and no longer comes always stops the reading.",
    )
    everywhere = forms.BooleanField(
        label="For all objects of this connection that have no policy of their own", required=False
    )
    field_order = ["policy", "everywhere", "reason"]

    def __init__(self, data: Any = None, *, rows: list[Any], **kwargs: Any) -> None:
        super().__init__(data, rows=rows, **kwargs)
        field = self.fields["policy"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "as the connection says"), *ObjectShape.Policy.choices]
        field.initial = rows[0].policy


def _set_policy(row: ObjectShape, call: Any) -> object:
    return services.set_policy(
        row.connection,
        object_name="" if call.data["everywhere"] else row.object_name,
        policy=call.data["policy"],
        actor=call.actor,
        reason=call.reason,
    )


@admin.register(ObjectShape, site=site)
class ObjectShapeAdmin(RecordAdmin):
    page_template = "backoffice/shape.html"
    list_display = ("what", "customer_link", "connection_link", "fields_known", "state", "learned")
    list_select_related = ("customer", "connection")
    list_filter = ("customer", "connection__connector", "object_name")
    search_fields = ("object_name", "connection__name", "customer__name")
    ordering = ("customer__name", "connection_id", "object_name")
    verbs = (
        Verb(
            name="policy",
            title="Policy",
            permission="mappings.change_mapping",
            effect=lambda row: "Holds for what is noticed from now on.",
            run=_set_policy,
            icon="policy",
            form=PolicyForm,
            on_list=False,
            done="kept",
        ),
    )

    def page(self, request: HttpRequest, row: ObjectShape) -> dict[str, Any]:
        shape = Shape.from_json(row.shape if row.held_at is None else row.recent)
        mapping = selectors.inbound(row.connection, row.object_name) if row.object_name else None
        changes = ShapeChange.objects.filter(connection_id=row.connection_id, object_name=row.object_name)[:50]
        known = row.connection.manifest.objects.get(row.object_name)
        declared: dict[str, str] = {one.path: one.type for one in (known.fields if known else [])}
        return {
            "title": f"Shape of {words(row.object_name).lower() or 'all objects'} from {row.connection.name}",
            "paths": _paths(shape, mapping, declared),
            "records": shape.records,
            "missing": sorted(set(declared) - set(shape.paths)) if shape.records else [],
            "changes": [{"row": change, "suggestion": _suggestion(change, shape, mapping)} for change in changes],
            "policy": ObjectShape.Policy(drift.policy_of(row)).label,
            "may_decide": request.user.has_perm("mappings.change_mapping"),
        }

    @display(description="Object", ordering="object_name")
    def what(self, row: ObjectShape) -> str:
        return words(row.object_name) or "all objects"

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, row: ObjectShape) -> str:
        return link(row.customer)

    @display(description="Connection", ordering="connection__name")
    def connection_link(self, row: ObjectShape) -> str:
        return link(row.connection)

    @display(description="Fields")
    def fields_known(self, row: ObjectShape) -> str:
        return str(len(row.shape.get("paths", {})))

    @display(description="State", ordering="held_at")
    def state(self, row: ObjectShape) -> str:
        return pill("reading held", "held") if row.held_at else pill("watched", "ok")

    @display(description="Looked at", ordering="learned_at")
    def learned(self, row: ObjectShape) -> str:
        return when(row.learned_at, clock.now())


def _paths(shape: Shape, mapping: Any, declared: dict[str, str]) -> list[dict[str, Any]]:
    read = source_paths(mapping.spec) if mapping else set()
    return [
        {
            "path": path,
            "kind": one.kind,
            "filled": round(100 * one.filled / shape.records) if shape.records else 0,
            "sample": one.samples[0] if one.samples else None,
            "declared": declared.get(path, ""),
            "is_mapped": path in read or path.replace("[]", ".0") in read,
        }
        for path, one in sorted(shape.paths.items())
    ]


def _suggestion(change: ShapeChange, shape: Shape, mapping: Any) -> Any:
    """For a new field: the target nobody fills that it may be meant for."""
    found = shape.paths.get(change.path)
    if change.kind != ShapeChange.Kind.NEW or mapping is None or found is None:
        return None
    filled = {line.to for line in mapping.spec.fields}
    targets = [target for target in targets_of(mapping.spec.entity) if target.name not in filled]
    source = SourceField(change.path.replace("[]", ".0"), found.kind, "", tuple(found.samples))
    return max(suggest(targets, [source]), key=lambda one: one.confidence, default=None)


@admin.register(ShapeChange, site=site)
class ShapeChangeAdmin(RecordAdmin):
    page_template = "backoffice/shape_change.html"
    list_display = ("what", "kind_shown", "customer_link", "connection_link", "state", "noticed")
    list_select_related = ("customer", "connection")
    list_filter = ("status", "kind", "customer", "connection__connector", "object_name")
    search_fields = ("path", "object_name", "connection__name")
    ordering = ("-id",)
    verbs = (
        Verb(
            name="accept",
            title="Accept",
            permission="mappings.change_mapping",
            effect=lambda change: (
                "Reading goes on from where it stopped, by the mapping in force now."
                if change.holds
                else "The records are expected to look like this from now on."
            ),
            run=lambda change, call: decide_shape(change, actor=call.actor, reason=call.reason, now=call.now),
            icon="check",
            tone="primary",
            applies=lambda change: change.status == ShapeChange.Status.OPEN,
            done="accepted",
        ),
    )

    def page(self, request: HttpRequest, row: ShapeChange) -> dict[str, Any]:
        shape = ObjectShape.objects.filter(connection_id=row.connection_id, object_name=row.object_name).first()
        return {"title": str(row), "shape": shape}

    @display(description="Field", ordering="path")
    def what(self, change: ShapeChange) -> str:
        return f"{words(change.object_name)}: {change.path}"

    @display(description="Change", ordering="kind")
    def kind_shown(self, change: ShapeChange) -> str:
        return change.get_kind_display()

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, change: ShapeChange) -> str:
        return link(change.customer)

    @display(description="Connection", ordering="connection__name")
    def connection_link(self, change: ShapeChange) -> str:
        return link(change.connection)

    @display(description="State", ordering="status")
    def state(self, change: ShapeChange) -> str:
        if change.status == ShapeChange.Status.OPEN and change.holds:
            return pill("holds the reading", "held")
        return pill(change.get_status_display(), change.status)

    @display(description="Noticed", ordering="noticed_at")
    def noticed(self, change: ShapeChange) -> str:
        return when(change.noticed_at, clock.now())
