"""The pure mapping engine: one record into another, by a plan that is data. No ORM, no settings, no network."""

from .checks import SpecProblem, spec_problems
from .compiled import CompiledMapping, Explanation
from .compiler import compile_mapping
from .encoding import encode_body
from .explaining import FieldTrace, TraceStep
from .loading import MappingSpecError, load_mapping, load_mapping_yaml
from .outcomes import Deleted, Mapped, Reference, Rejected, RenderedBody, Skipped
from .problems import FieldProblem, MissingReference, ProblemCode
from .reads import source_paths
from .spec import Condition, FieldSpec, MappingSpec, ReferenceSpec

__all__ = [
    "CompiledMapping",
    "Condition",
    "Deleted",
    "Explanation",
    "FieldProblem",
    "FieldSpec",
    "FieldTrace",
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
    "SpecProblem",
    "TraceStep",
    "compile_mapping",
    "encode_body",
    "load_mapping",
    "load_mapping_yaml",
    "source_paths",
    "spec_problems",
]
