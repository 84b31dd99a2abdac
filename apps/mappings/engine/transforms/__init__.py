"""The closed set of documented transforms. Importing this package registers all of them."""

from . import dates, lookups, numbers, text, web
from .registry import (
    TRANSFORMS,
    Build,
    Convert,
    NeedsRecord,
    Params,
    Transform,
    TransformBuildError,
    TransformSpec,
    read_transforms,
)

__all__ = [
    "TRANSFORMS",
    "Build",
    "Convert",
    "NeedsRecord",
    "Params",
    "Transform",
    "TransformBuildError",
    "TransformSpec",
    "dates",
    "lookups",
    "numbers",
    "read_transforms",
    "text",
    "web",
]
