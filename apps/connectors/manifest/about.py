"""Sections that describe a connector to people: who made it, how well it is proven, which fields its form asks for."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from apps.connectors.manifest.base import Section, Slug


class Role(StrEnum):
    """The hats a connection may wear for a customer."""

    CRM = "crm"
    CPQ = "cpq"
    CONTRACTS = "contracts"
    PSA = "psa"
    PROJECTS = "projects"
    RESOURCES = "resources"
    TIME = "time"
    EXPENSES = "expenses"
    ERP = "erp"
    BILLING = "billing"
    REVENUE = "revenue"
    PROCUREMENT = "procurement"
    SUPPORT = "support"
    HR = "hr"
    ANALYTICS = "analytics"


class ApiVersion(Section):
    """Which version of the vendor's API the manifest speaks, and when the vendor switches it off."""

    version: str
    sunset: date | None = None
    note: str = ""


class Evidence(Section):
    """What the manifest's facts rest on: the grade, the day they were checked, where they stand written."""

    grade: Literal["real_system", "vendor_spec", "third_party_spec", "documentation"]
    date: date
    sources: list[str] = Field(min_length=1)
    unverified: list[str] = []


class Exemption(Section):
    """A rule of the quality scale this connector does not meet, and why that is right."""

    rule: str
    reason: str = Field(min_length=10)


class About(Section):
    """The section `connector`."""

    slug: Slug
    name: str
    vendor: str
    category: Literal[
        "crm", "cpq", "contracts", "psa", "projects", "resources", "time_and_expense", "erp", "billing",
        "procurement", "support", "hr", "analytics", "files",
    ]  # fmt: skip
    roles: list[Role] = Field(min_length=1)
    summary: str = Field(max_length=300)
    docs_url: str = Field(pattern=r"^https?://")
    owner: str
    quality: Literal["bronze", "silver", "gold"]
    exempt: list[Exemption] = []
    api: ApiVersion
    evidence: Evidence


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a valid regular expression: {value!r}: {error}")
    return value


class FormField(Section):
    """One field of the connection form. Secrets go to the encrypted credentials, everything else to the settings."""

    name: Slug
    title: str
    help: str
    where: str = ""
    """Where the customer finds the value in the vendor's product, step by step."""
    pattern: Annotated[str, AfterValidator(_regex)] = ""
    example: str = ""
    secret: bool = False
    required: bool = True
    default: str = ""
    choices: dict[str, str] = {}
    """Value → label; makes it a choice."""
    methods: list[str] = []
    """Only for these ways to log in; empty: for all."""
    level: Literal["connection", "app"] = "connection"
    """`app`: belongs to the partner's registered application at the vendor and is asked once for all customers."""
    docs: str = ""

    @model_validator(mode="after")
    def _example_fits_pattern(self) -> "FormField":
        if self.pattern and self.example and not re.fullmatch(self.pattern, self.example):
            raise ValueError(f"example {self.example!r} does not match pattern {self.pattern!r}")
        return self
