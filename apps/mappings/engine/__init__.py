"""The pure mapping engine: one record into another, by a plan that is data. No ORM, no settings, no network."""

from .compiled import CompiledMapping
from .compiler import compile_mapping
from .loading import MappingSpecError, load_mapping, load_mapping_yaml
from .outcomes import Deleted, Mapped, Reference, Rejected, RenderedBody, Skipped
from .problems import FieldProblem, MissingReference, ProblemCode
from .reads import source_paths
from .spec import Condition, FieldSpec, MappingSpec, ReferenceSpec

__all__ = [
    "CompiledMapping",
    "Condition",
    "Deleted",
    "FieldProblem",
    "FieldSpec",
    "Mapped",
    "MappingSpec",
    "MappingSpecError",
    "MissingReference",
    "ProblemCode",
    "Reference",
    "ReferenceSpec",
    "Rejected",
    "RenderedBody",
    "Skipped",
    "compile_mapping",
    "load_mapping",
    "load_mapping_yaml",
    "source_paths",
]
