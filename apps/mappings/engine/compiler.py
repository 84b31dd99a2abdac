"""Compile a MappingSpec once per run into plain closures."""

import re
from collections.abc import Callable, Mapping

from .compiled import CompiledMapping
from .conditions import compile_condition, describe
from .loading import MappingSpecError
from .paths import ITEM, ROOT, compile_path, split_path
from .plan import FieldPlan, Level, Step, chained, settled
from .problems import ValueProblem
from .reads import reads
from .sources import compile_source
from .spec import FieldSpec, MappingSpec
from .transforms import Build, NeedsRecord, TransformBuildError, TransformSpec
from .values import MISSING

_CURRENCY = re.compile(r"[A-Z]{3}\Z", re.ASCII)
# ISO 4217: the currencies that do not have two places.
_NO_PLACES = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
        "UYI",
    ]
)
_THREE_PLACES = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_FOUR_PLACES = frozenset({"CLF", "UYW"})


def looks_like_currency(code: str) -> bool:
    return bool(_CURRENCY.match(code))


def iso_currency_digits(code: str) -> int:
    if code in _NO_PLACES:
        return 0
    if code in _THREE_PLACES:
        return 3
    return 4 if code in _FOUR_PLACES else 2


def compile_mapping(
    spec: MappingSpec,
    *,
    value_maps: Mapping[str, Mapping[str, str]],
    name: str = "",
    currency_exists: Callable[[str], bool] = looks_like_currency,
    currency_digits: Callable[[str], int] = iso_currency_digits,
) -> CompiledMapping:
    """Raises MappingSpecError for what only shows when it is put together: missing value maps, defaults that fail."""
    build = Build(value_maps, currency_exists, currency_digits, spec.direction)
    problems: list[str] = []
    level = _compile_level(spec.fields, build, "fields", problems)
    if problems:
        raise MappingSpecError(name or f"{spec.object} ({spec.direction}) {spec.entity}", problems)
    return CompiledMapping(
        spec=spec,
        level=level,
        deleted=tuple((compile_condition(c), describe(c)) for c in [spec.deleted_when] if c),
        skips=tuple((compile_condition(c), describe(c)) for c in spec.skip_when),
        overwrite={field.to: field.overwrite for field in spec.fields},
    )


def _compile_level(fields: list[FieldSpec], build: Build, where: str, problems: list[str]) -> Level:
    plans = []
    for index, field in enumerate(fields):
        place = f"{where}[{index}] (to: {field.to})"
        try:
            plans.append(_compile_field(index, field, build, f"{where}[{index}].fields", problems))
        except TransformBuildError as error:
            problems.append(f"{place}: transform: {error}")
            continue
        except ValueProblem as error:  # a constant parameter that the transform itself refuses
            problems.append(f"{place}: transform: found {error.found}; expected {error.expected}")
            continue
        if error_text := _default_problem(plans[-1]):
            problems.append(f"{place}: default: {error_text}")
    inbound = build.direction == "in"
    fast = [plan for plan in plans if plan.is_simple and (inbound or len(plan.target) == 1)]
    if not inbound and len(fast) < len(plans):
        fast = []  # a body is read by people in previews: its keys stay in the written order
    links = [plan for plan in plans if inbound and plan.is_link]
    quick = {plan.index for plan in [*fast, *links]}
    return Level(
        fast=tuple((plan.target[0], plan.read, plan.convert, plan) for plan in fast),
        links=tuple(links),
        rich=tuple(plan for plan in plans if plan.index not in quick),
        reads_root=build.nested and reads(fields, ROOT),
        reads_item=build.nested and reads(fields, ITEM),
    )


def _compile_field(index: int, field: FieldSpec, build: Build, where: str, problems: list[str]) -> FieldPlan:
    steps = tuple(Step(_label(item), item.transform.factory(item.params, build)) for item in field.transform)
    inside = Build(build.value_maps, build.currency_exists, build.currency_digits, build.direction, nested=True)
    return FieldPlan(
        index=index,
        to=field.to,
        target=(field.to,) if build.direction == "in" else split_path(field.to),
        source=field.source_label(),
        read=compile_source(field, nested=build.nested),
        steps=steps,
        convert=chained(steps),
        default=field.default if field.has_default else MISSING,
        required=field.required,
        omit_empty=field.omit_empty,
        when=compile_condition(field.when, nested=build.nested) if field.when else None,
        reference=field.reference,
        stub=tuple((key, compile_path(path, nested=build.nested)) for key, path in _stub(field).items()),
        items=_compile_level(field.fields, inside, where, problems) if field.fields else None,
    )


def _stub(field: FieldSpec) -> dict[str, str]:
    return field.reference.stub if field.reference else {}


def _label(item: TransformSpec) -> str:
    params = item.params.model_dump(exclude_unset=True, by_alias=True)
    return f"{item.name}({', '.join(f'{key}: {value}' for key, value in params.items())})" if params else item.name


def _default_problem(plan: FieldPlan) -> str:
    """A default that its own transforms refuse is found now, not at the first empty record."""
    if plan.default is MISSING or any(isinstance(step.convert, NeedsRecord) for step in plan.steps):
        return ""
    try:
        settled(plan, None, {})
    except ValueProblem as error:
        return f"found {plan.default!r}; expected {error.expected}"
    except Exception as error:
        return f"{plan.default!r} makes the transforms fail ({type(error).__name__})"
    return ""
