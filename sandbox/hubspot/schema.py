"""HubSpot's fixed definitions: object types, their properties, association types, the sales pipeline.

Association type ids: developers.hubspot.com/docs/api-reference, "Associations v4", HubSpot defined types.
"""

from dataclasses import dataclass

TYPES = ("companies", "contacts", "deals", "line_items", "notes")
SINGULAR = {"companies": "company", "contacts": "contact", "deals": "deal", "line_items": "line_item", "notes": "note"}
TYPE_IDS = {"0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-8": "line_items", "0-46": "notes"}
PLURAL = {**{single: plural for plural, single in SINGULAR.items()}, **TYPE_IDS}
SHOWN_NAME = {"line_items": "line items"}  # as HubSpot spells it in an `associations` answer

_COMMON = ("hs_object_id", "createdate", "hs_lastmodifieddate", "hubspot_owner_id", "hs_object_source")
PROPERTIES: dict[str, tuple[str, ...]] = {
    "companies": (
        *_COMMON, "name", "domain", "website", "city", "country", "state", "zip", "address", "phone", "industry",
        "description", "vat_number", "hs_currency_code", "lifecyclestage", "numberofemployees", "annualrevenue",
    ),
    "contacts": (
        "hs_object_id", "createdate", "lastmodifieddate", "hubspot_owner_id", "hs_object_source", "firstname",
        "lastname", "email", "phone", "mobilephone", "jobtitle", "company", "lifecyclestage", "city", "country",
    ),
    "deals": (
        *_COMMON, "dealname", "amount", "deal_currency_code", "dealstage", "pipeline", "closedate", "dealtype",
        "description", "hs_is_closed_won", "hs_is_closed", "hs_deal_stage_probability", "hs_closed_amount",
        "hs_priority", "hs_next_step", "closed_lost_reason", "closed_won_reason",
    ),
    "line_items": (
        *_COMMON, "name", "quantity", "price", "amount", "discount", "hs_discount_percentage", "hs_sku", "description",
        "hs_product_id", "hs_line_item_currency_code", "recurringbillingfrequency", "hs_recurring_billing_period",
        "hs_position_on_quote",
    ),
    "notes": (*_COMMON, "hs_note_body", "hs_timestamp", "hs_attachment_ids"),
}  # fmt: skip
READ_ONLY = ("hs_object_id", "hs_lastmodifieddate", "lastmodifieddate", "hs_is_closed_won", "hs_is_closed")
DEFAULTS: dict[str, tuple[str, ...]] = {
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "deals": (
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline",
    ),
    "line_items": ("createdate", "hs_lastmodifieddate", "hs_object_id"),
    "notes": ("createdate", "hs_lastmodifieddate", "hs_object_id"),
}  # fmt: skip
SEARCHED = {
    "companies": ("name", "domain", "phone", "website"), "contacts": ("firstname", "lastname", "email", "phone"),
    "deals": ("dealname", "description"), "line_items": ("name", "hs_sku"), "notes": ("hs_note_body",),
}  # fmt: skip


def modified_property(kind: str) -> str:
    return "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"


@dataclass(frozen=True, slots=True)
class Association:
    type_id: int
    from_type: str
    to_type: str
    name: str
    inverse: int
    label: str | None = None


ASSOCIATIONS = {
    item.type_id: item
    for item in (
        Association(1, "contacts", "companies", "contact_to_company", 2, "Primary"),
        Association(2, "companies", "contacts", "company_to_contact", 1, "Primary"),
        Association(279, "contacts", "companies", "contact_to_company_unlabeled", 280),
        Association(280, "companies", "contacts", "company_to_contact_unlabeled", 279),
        Association(3, "deals", "contacts", "deal_to_contact", 4),
        Association(4, "contacts", "deals", "contact_to_deal", 3),
        Association(5, "deals", "companies", "deal_to_company", 6, "Primary"),
        Association(6, "companies", "deals", "company_to_deal", 5, "Primary"),
        Association(341, "deals", "companies", "deal_to_company_unlabeled", 342),
        Association(342, "companies", "deals", "company_to_deal_unlabeled", 341),
        Association(19, "deals", "line_items", "deal_to_line_item", 20),
        Association(20, "line_items", "deals", "line_item_to_deal", 19),
        Association(189, "companies", "notes", "company_to_note", 190),
        Association(190, "notes", "companies", "note_to_company", 189),
        Association(201, "contacts", "notes", "contact_to_note", 202),
        Association(202, "notes", "contacts", "note_to_contact", 201),
        Association(213, "deals", "notes", "deal_to_note", 214),
        Association(214, "notes", "deals", "note_to_deal", 213),
    )
}
PRIMARY = {item.type_id for item in ASSOCIATIONS.values() if item.label == "Primary"}


def default_type(from_type: str, to_type: str) -> int | None:
    """The unlabelled association between two object types."""
    for item in ASSOCIATIONS.values():
        if (item.from_type, item.to_type, item.label) == (from_type, to_type, None):
            return item.type_id
    return None


def primary_type(from_type: str, to_type: str) -> int | None:
    for item in ASSOCIATIONS.values():
        if (item.from_type, item.to_type, item.label) == (from_type, to_type, "Primary"):
            return item.type_id
    return None


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    label: str
    probability: str
    closed: bool = False


PIPELINE = "default"
STAGES = (
    Stage("appointmentscheduled", "Appointment Scheduled", "0.2"),
    Stage("qualifiedtobuy", "Qualified To Buy", "0.4"),
    Stage("presentationscheduled", "Presentation Scheduled", "0.6"),
    Stage("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    Stage("contractsent", "Contract Sent", "0.9"),
    Stage("closedwon", "Closed Won", "1.0", closed=True),
    Stage("closedlost", "Closed Lost", "0.0", closed=True),
)
STAGE = {stage.id: stage for stage in STAGES}
