"""How the connectors are joined to the real systems, as conformance.yaml does it for practice vendors."""

from conformance.joining import Join
from tests.real.systems.redmine import RunningRedmine, add_members, create_project
from tests.real.systems.rt import RunningRt

_ITSELF = {
    "late_commit": "The real system stamps the time of a change itself; an earlier one cannot be made. Its tests wait for it.",
    "rate_limit": "The system has no limit of calls.",
    "ledger": "The system has no limit of calls.",
}


def redmine_join(system: RunningRedmine) -> Join:
    project = create_project(system, "Kit", identifier="kit")
    add_members(system, project, list(system.seed.people.values()))
    activity = next(iter(system.seed.activities.values()))
    return Join.model_validate(
        {
            "connect": {
                "method": "api_key",
                "config": {"role_id": str(system.seed.role), "tracker_id": str(system.seed.trackers["Feature"])},
                "credentials": {"api_key": system.api_key},
            },
            "objects": {
                "projects": {"resource": "projects", "make": {"name": "Project {n}"}, "touch": {"description": "changed"}},
                "users": {
                    "resource": "users",
                    "make": {"login": "kit{n}", "firstname": "Kim", "lastname": "Kit", "mail": "{n}@kit.example",
                             "password": "long enough 1"},
                    "touch": {"lastname": "Changed"},
                },
                "issues": {
                    "resource": "issues",
                    "make": {"project_id": project, "subject": "Issue {n}"},
                    "touch": {"subject": "changed"},
                },
                "time_entries": {
                    "resource": "time_entries",
                    "make": {"project_id": project, "activity_id": activity, "hours": 1.5, "spent_on": "2026-11-02"},
                    "touch": {"comments": "changed"},
                },
                "memberships": {"skip": "they are read project by project"},
                "activities": {"skip": "a list that the administrator keeps"},
            },
            "writes": {
                "projects.create": {
                    "body": {"name": "Kit {n}", "identifier": "kit-w-{n}", "is_public": False},
                    "refused": {"name": "", "identifier": "kit-r-{n}"},
                },
                "issues.create": {
                    "body": {"project_id": project, "subject": "Kit {n}"},
                    "refused": {"project_id": project, "subject": ""},
                },
            },
            "exempt": _ITSELF,
        }
    )  # fmt: skip


def rt_join(system: RunningRt) -> Join:
    ticket = {"ticket": {"resource": "tickets", "values": {"Subject": "Kit {n}"}}}
    says = {"ticket": "$made.ticket", "Subject": "Kit {n}", "Content": "Words", "ContentType": "text/plain"}
    return Join.model_validate(
        {
            "connect": {"method": "token", "config": {"queue": "Support"}, "credentials": {"token": system.token}},
            "objects": {
                "tickets": {"resource": "tickets", "make": {"Subject": "Ticket {n}"}, "touch": {"Subject": "changed"}},
                "staff": {"skip": "people are made by the administrator"},
                "requesters": {"skip": "people are made by the administrator"},
                "queues": {"skip": "a list that the administrator keeps"},
            },
            "writes": {
                "tickets.create": {
                    "body": {"Queue": "Support", "Subject": "Kit {n}"},
                    "refused": {"Queue": "Nowhere", "Subject": "Kit {n}"},
                },
                "comments.create": {"resource": "comments", "prepare": ticket, "body": says},
                "comments.reply": {"resource": "comments", "prepare": ticket, "body": says},
            },
            "changes": {"tickets.update": {"body": {"Subject": "Kit {n}"}, "other": {"Priority": "7"}}},
            "exempt": _ITSELF,
        }
    )
