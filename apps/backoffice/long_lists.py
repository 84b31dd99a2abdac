"""Lists over tables of millions of rows, at a cost that does not grow with them: what is counted, searched and sorted is bounded,
and the page says so.

What is asked for is looked for among the newest rows first; who wants the whole table looked through says so.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.contrib.admin.filters import AllValuesFieldListFilter
from django.contrib.admin.views.main import ORDER_VAR
from django.core.paginator import Page, Paginator
from django.db.models import CharField, Model, TextField
from django.http import HttpRequest
from unfold.views import ChangeList

MOST_ROWS = 10_000
"""Of a list are counted and paged through."""
WINDOW = 100_000
"""Numbers back from the newest row, within which is searched, sorted and filtered."""
EVERYTHING = "everything"
_SAMPLE = 5_000


class BoundedPaginator(Paginator[Any]):
    """Counts to a limit, and finds a page's rows among what it counted, so that the list is gone through once."""

    object_list: Any

    @cached_property
    def _ids(self) -> list[Any]:
        return list(self.object_list.values_list("pk", flat=True)[: MOST_ROWS + 1])

    @cached_property
    def count(self) -> int:
        return min(len(self._ids), MOST_ROWS)

    @property
    def is_cut(self) -> bool:
        return len(self._ids) > MOST_ROWS

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        ids = self._ids[bottom : min(bottom + self.per_page, self.count)]
        return Page(self.object_list.filter(pk__in=ids), number, self)


class LongChangeList(ChangeList):  # type: ignore[misc]
    """Looks among the newest rows only, unless the table is small, or is asked for by what an index serves.

    Also as it opens: row-level security's range makes Postgres think that few rows pass, so it would read and sort the whole table
    for the first ten thousand of its key.
    """

    is_windowed = False
    most_rows = f"{MOST_ROWS:,}"
    window = f"{WINDOW:,}"

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        found.pop(EVERYTHING, None)
        return found

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        rows = super().get_queryset(request, exclude_parameters)
        if EVERYTHING in self.params or self._is_quick():
            return rows
        newest = newest_key(self.root_queryset)
        self.is_windowed = newest > WINDOW
        if not self.is_windowed:
            return rows
        opens = not self.has_asked() and self._get_default_ordering()[:1] in (("-id",), ["-id"], ("-pk",), ["-pk"])
        span = min(2 * MOST_ROWS, WINDOW) if opens else WINDOW
        self.window = f"{span:,}"
        return rows.filter(pk__gt=newest - span)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page:
            self.result_list = self.paginator.page(1).object_list

    @property
    def everything_url(self) -> str:
        return str(self.get_query_string({EVERYTHING: "1"}))

    def has_asked(self) -> bool:
        return bool(self.query or ORDER_VAR in self.params or self.get_filters_params())

    def _is_quick(self) -> bool:
        if self.query or ORDER_VAR in self.params:
            return False
        quick: Mapping[str, frozenset[str] | None] = self.model_admin.quick_filters
        return any(name in quick and _serves(quick[name], value) for name, value in self.get_filters_params().items())


def newest_key(rows: Any) -> int:
    """The largest key; 0 for no rows."""
    return rows.order_by("-pk").values_list("pk", flat=True).first() or 0


def _serves(values: frozenset[str] | None, asked: Any) -> bool:
    return values is None or set(asked if isinstance(asked, list) else [asked]) <= values


class LatestValuesFilter(AllValuesFieldListFilter):
    """Offers the values of the newest rows instead of reading the whole table for them."""

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: type[Model], model_admin: Any, field_path: str
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        rows = model_admin.get_queryset(request)
        newest = rows.filter(pk__gt=newest_key(rows) - _SAMPLE).values_list(field.name, flat=True)
        found = {*newest, *(self.lookup_val or ())}
        self.lookup_choices = sorted(found, key=lambda value: (value is not None, value or ""))  # type: ignore[assignment]


class RelatedValuesFilter(AllValuesFieldListFilter):
    """A value of what rows point to, such as their connection's connector: looked up there first, instead of joining every row to it."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.lookup_val:
            return super().queryset(request, queryset)
        relation, _, name = self.lookup_kwarg.partition("__")
        related = queryset.model._meta.get_field(relation).related_model
        ids = list(related._default_manager.filter(**{f"{name}__in": self.lookup_val}).values_list("pk", flat=True))
        return queryset.filter(**{f"{relation}__in": ids})


def bounded_filters(model: type[Model], wanted: Any) -> list[Any]:
    """The list's filters; those over free text offer the newest values, or look them up where they stand."""
    return [_bounded(model, name) for name in wanted]


def _bounded(model: type[Model], name: Any) -> Any:
    if _is_free_text(model, name):
        return name, LatestValuesFilter
    return (name, RelatedValuesFilter) if isinstance(name, str) and name.endswith("__connector") else name


def _is_free_text(model: type[Model], name: Any) -> bool:
    if not isinstance(name, str) or "__" in name:
        return False
    field = model._meta.get_field(name)
    return isinstance(field, CharField | TextField) and not field.choices
