"""Use cases of mappings: plans with drafts and versions, value maps, the watch over the shape of records."""

from apps.mappings.services.drafts import (
    ChangedMeanwhileError,
    NoDraftError,
    apply_again,
    begin_draft,
    discard_draft,
    draft_from_version,
    publish_draft,
    save_draft,
    use_default,
)
from apps.mappings.services.drift import NothingOpenError, set_policy
from apps.mappings.services.owners import NoSuchOwnerError, change_owner, field_of, proposing_connection, role_for
from apps.mappings.services.plans import BadMappingError, save_mapping
from apps.mappings.services.values import BadValueError, remove_value, set_value

__all__ = [
    "BadMappingError",
    "BadValueError",
    "ChangedMeanwhileError",
    "NoDraftError",
    "NoSuchOwnerError",
    "NothingOpenError",
    "apply_again",
    "begin_draft",
    "change_owner",
    "discard_draft",
    "draft_from_version",
    "field_of",
    "proposing_connection",
    "publish_draft",
    "remove_value",
    "role_for",
    "save_draft",
    "save_mapping",
    "set_policy",
    "set_value",
    "use_default",
]
