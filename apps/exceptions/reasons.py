"""The closed list of reasons a case can have: words for staff, words for the customer, what to do next.

Source of a code: mapping problems carry the engine's code, deliveries and runs the error family the manifest gave.
"""

from dataclasses import dataclass

from django.db import models


class Audience(models.TextChoices):
    STAFF = "staff"
    CUSTOMER = "customer"


class Severity(models.TextChoices):
    """How soon somebody has to act, when nothing else is known about the case."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Owner(models.TextChoices):
    """Who can usually end it."""

    INTEGRATION = "integration"
    FINANCE = "finance"
    CUSTOMER = "customer"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    title: str
    customer_text: str
    next_action: str
    audience: Audience = Audience.STAFF
    owner: Owner = Owner.INTEGRATION
    severity: Severity = Severity.NORMAL


_REASONS = (
    Reason(
        "value_unmapped",
        "A value has no counterpart in the other system",
        "We found a value that your other system does not know yet. Tell us what it corresponds to.",
        "Add the value to the value map; everything that waits for it is then sent by itself.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
        severity=Severity.HIGH,
    ),
    Reason(
        "invalid_value",
        "A field has a value that can't be used",
        "A record in your system has a value we can't use.",
        "Correct the record at its source, or change the mapping, then retry.",
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "missing_value",
        "A required field is empty",
        "A record in your system lacks something we need.",
        "Fill the field at its source, or give the mapping a default, then retry.",
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "missing_reference",
        "It refers to a record that is not known yet",
        "A record refers to another one we have not received.",
        "Sync the object it refers to, or bind it to an existing record, then retry.",
    ),
    Reason(
        "missing_rate",
        "No rate for this person's work",
        "We can't bill some approved time because no rate is agreed for it.",
        "Add a rate to the contract's rate card or to the person, then retry.",
        Audience.CUSTOMER,
        owner=Owner.FINANCE,
        severity=Severity.HIGH,
    ),
    Reason(
        "not_billable_yet",
        "Approved work can't be billed",
        "Some approved work can't be billed yet.",
        "See the details: what is missing is named there.",
        owner=Owner.FINANCE,
        severity=Severity.HIGH,
    ),
    Reason(
        "validation",
        "The vendor refused the record",
        "Your system did not accept a record from us.",
        "Read the vendor's reason, correct the payload or the mapping, then retry.",
        severity=Severity.HIGH,
    ),
    Reason(
        "duplicate",
        "The vendor says the record exists already",
        "A record exists twice.",
        "Bind it to the existing record, or rename one of them, then retry.",
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "uncertain",
        "It is not certain whether the record was written",
        "We are checking whether a record reached your system.",
        "Look in the vendor's system. Then mark it as done with its id, or allow it to be sent again.",
        severity=Severity.CRITICAL,
    ),
    Reason(
        "auth",
        "The connection's access was refused",
        "We can no longer sign in to one of your systems.",
        "Renew the credentials or reconnect; everything that waits is then sent by itself.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
        severity=Severity.CRITICAL,
    ),
    Reason(
        "consent_ending",
        "The consent ends soon and can't be renewed",
        "Our access to one of your systems ends soon, and we could not renew it.",
        "Reconnect before the day named. It closes itself when the consent was renewed.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
        severity=Severity.HIGH,
    ),
    Reason(
        "permission",
        "The connection may not do this",
        "Our access to one of your systems lacks a permission.",
        "Grant the permission in the vendor's system, then retry.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
        severity=Severity.HIGH,
    ),
    Reason(
        "not_found",
        "The record is gone at the vendor",
        "A record we keep in step no longer exists in your system.",
        "Find out whether it was deleted on purpose; unbind it or restore it, then retry.",
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "conflict",
        "The record changed at the vendor meanwhile",
        "A record was changed in two places at once.",
        "Retry: the latest state is read again before it is written.",
        severity=Severity.LOW,
    ),
    Reason(
        "outage",
        "The vendor's system does not answer",
        "One of your systems does not answer at the moment. We keep trying.",
        "Nothing, unless it lasts: it is tried again by itself.",
        owner=Owner.VENDOR,
        severity=Severity.HIGH,
    ),
    Reason(
        "api_sunset",
        "The vendor will switch off the version of its API that is used",
        "One of your systems changes how others talk to it. We prepare for that in time.",
        "Update the connector to a version the vendor keeps, before the day named; the case then closes itself.",
        severity=Severity.HIGH,
    ),
    Reason(
        "bad_answer",
        "The vendor answered something that can't be read",
        "One of your systems gave an unexpected answer.",
        "Look at the answer; if it stays, the connector needs a correction.",
        owner=Owner.VENDOR,
        severity=Severity.HIGH,
    ),
    Reason(
        "shape_changed",
        "The vendor's records changed, and reading them has stopped",
        "One of your systems changed what it gives us. We are looking into it before anything is overwritten.",
        "Look at the shape of the object: correct the mapping if a field has another name now, then accept the change.",
        severity=Severity.HIGH,
    ),
    Reason(
        "mass_deletion",
        "Unusually many records are said to be deleted",
        "One of your systems says that many records are gone at once. We ask before anything is taken out.",
        "Look in the vendor's system. Retry: they are gone, mark them as deleted. Ignore, with a reason: they stay as they are.",
        severity=Severity.CRITICAL,
    ),
    Reason(
        "file_refused",
        "A file can't be read",
        "A file you gave us can't be read as a table.",
        "Read what is wrong with it, have it exported again, and upload it.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "file_layout",
        "A file's columns have to be confirmed",
        "A file waits until somebody says what its columns mean.",
        "Open the file and confirm its columns; files like it then go through by themselves.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "file_rows",
        "Some rows of a file were set aside",
        "Some rows of a file could not be read. The others were taken over.",
        "Download the rows that were set aside, correct them, and upload that file.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "table_rows",
        "Some rows of a database table can't be read",
        "Some rows of your database could not be read. The others were taken over.",
        "Correct the values in the table, then read it again in full.",
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "warehouse",
        "The warehouse can't be written",
        "Your reporting database does not take our data at the moment. We keep trying.",
        "Read what the database says: its rights, its space, or a schema that is somebody else's.",
        owner=Owner.CUSTOMER,
        severity=Severity.LOW,
    ),
    Reason(
        "match_ambiguous",
        "Two existing records could be meant",
        "Two of your records look like the same company. Tell us which one is meant.",
        "Decide on the match proposal.",
        Audience.CUSTOMER,
        owner=Owner.CUSTOMER,
    ),
    Reason(
        "amount_differs",
        "The ERP's amounts differ from ours",
        "An invoice in your accounting system differs from the work it bills.",
        "Compare the lines; correct the draft in the ERP or the tax mapping. It closes itself when the amounts agree.",
        owner=Owner.FINANCE,
        severity=Severity.CRITICAL,
    ),
    Reason(
        "journal_unbalanced",
        "A journal entry does not balance",
        "A journal entry has a debit that differs from its credit.",
        "Correct its lines where they come from; it closes itself when both sides agree. If it waits to be sent, retry then.",
        owner=Owner.FINANCE,
        severity=Severity.HIGH,
    ),
    Reason(
        "invoice_voided",
        "An invoice was voided; its work is unbilled",
        "An invoice was voided in your accounting system. We ask before its work is billed again.",
        "Retry: its work is billed again with the next draft. Ignore, with a reason: it stays unbilled.",
        owner=Owner.FINANCE,
        severity=Severity.HIGH,
    ),
    Reason(
        "billed_twice",
        "The same work stands on two valid invoices",
        "The same work is on two invoices in your accounting system.",
        "Void one of the two in the ERP, or delete the draft. It closes itself then.",
        owner=Owner.FINANCE,
        severity=Severity.CRITICAL,
    ),
    Reason(
        "closed_period",
        "The document falls into a closed period",
        "A document falls into a period that is closed in your accounting system. We ask before it is sent.",
        "Open the period in the ledger, or set another date or policy at the connection (Closed periods), then retry.",
        owner=Owner.FINANCE,
        severity=Severity.HIGH,
    ),
    Reason(
        "totals_differ",
        "Totals do not add up",
        "The totals of a project differ between your systems. We are looking into it.",
        "Look at the records named: each says why it is there. It closes itself when both sides agree.",
        owner=Owner.FINANCE,
        severity=Severity.CRITICAL,
    ),
    Reason(
        "flow_incomplete",
        "A flow lacks a connection or a setting",
        "Something is not set up yet.",
        "Complete the flow's settings or connect the missing system.",
        severity=Severity.HIGH,
    ),
    Reason(
        "unknown",
        "Something unexpected happened",
        "Something unexpected happened. We are looking into it.",
        "Read the details; if the cause is not clear, ask the operator.",
        severity=Severity.HIGH,
    ),
)
REASONS = {reason.code: reason for reason in _REASONS}


def reason_for(code: str) -> Reason:
    """The reason of a code; codes nobody foresaw are `unknown`, never an error."""
    return REASONS.get(code, REASONS["unknown"])
