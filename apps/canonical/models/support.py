"""What clients ask for: tickets."""

from django.db import models

from apps.canonical.models.base import Record, history
from apps.canonical.models.delivery import Project
from apps.canonical.models.people import Resource
from apps.canonical.models.sales import Client, Contact


class TicketCategory(models.TextChoices):
    """What a status means, whatever the help desk calls it."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending", "waiting for the client"
    ON_HOLD = "on_hold", "waiting for somebody else"
    SOLVED = "solved"
    CLOSED = "closed"


class TicketPriority(models.TextChoices):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Ticket(Record):
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    requester = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    assignee = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    number = models.CharField(max_length=100, blank=True, default="")
    subject = models.TextField()
    description = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=40, blank=True, default="", help_text="incident, question, request …")
    queue = models.CharField(max_length=200, blank=True, default="", help_text="Queue, group or team it lies with.")
    status = models.CharField(max_length=40, default="open", help_text="As the help desk names it.")
    status_category = models.CharField(
        max_length=10, choices=TicketCategory.choices, default=TicketCategory.OPEN, help_text="What the status means."
    )
    priority = models.CharField(max_length=40, choices=TicketPriority.choices, blank=True, default="")
    tags = models.JSONField(default=list, blank=True)
    is_escalated = models.BooleanField(default=False)
    opened_at = models.DateTimeField(null=True, blank=True)
    first_reply_due_at = models.DateTimeField(null=True, blank=True)
    first_replied_at = models.DateTimeField(null=True, blank=True)
    resolve_due_at = models.DateTimeField(null=True, blank=True)
    solved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    history = history()

    class Meta(Record.Meta):
        indexes = [models.Index(fields=["customer", "status_category", "opened_at"])]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}".strip()
