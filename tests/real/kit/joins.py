"""How the connectors are joined to the real systems, as conformance.yaml does it for practice vendors."""

from datetime import UTC, datetime

from conformance.joining import Join
from tests.real.systems.redmine import RunningRedmine, add_members, create_project
from tests.real.systems.rt import RunningRt
from tests.real.systems.tryton import RunningTryton

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


def tryton_join(system: RunningTryton) -> Join:
    seed, session = system.seed, system.session()
    (journal,) = session.search("account.journal", [["type", "=", "general"], ["name", "=", "Miscellaneous"]])
    if not session.search("party.category", [["name", "=", "Supplier"]]):
        session.create("party.category", name="Supplier")
    work = {"type": "project", "company": seed.company, "timesheet_available": False}
    lines = [
        {"account": seed.account_expense, "debit": "70.00", "credit": 0},
        {"account": seed.account_revenue, "debit": 0, "credit": "70.00"},
    ]
    entry = {"date": datetime.now(UTC).date().isoformat(), "description": "TL-{n}", "lines": lines}
    session.create("party.party", name="There already", code="KIT-USED")
    return Join.model_validate(
        {
            "connect": {
                "method": "session",
                "config": {
                    "database": system.database, "login": system.login, "company": str(seed.company),
                    "receivable_account": str(seed.account_receivable), "payment_term": str(seed.payment_term),
                    "hour_unit": str(seed.uom_hour), "entry_journal": str(journal["id"]), "supplier_category": "Supplier",
                },
                "credentials": {"password": system.password},
            },
            "objects": {
                "parties": {"resource": "party.party", "make": {"name": "Party {n}"}, "touch": {"name": "changed"}},
                "projects": {
                    "resource": "project.work", "make": {**work, "name": "Project {n}"}, "touch": {"name": "changed"},
                },
            },
            "writes": {
                "parties.create": {"body": {"name": "Kit {n}", "code": "K{n}"}, "refused": {"name": "Twice", "code": "KIT-USED"}},
                "suppliers.create": {"resource": "party.party", "body": {"name": "Kit {n}", "code": "S{n}"}},
                "projects.create": {"resource": "project.work", "body": {"name": "Kit {n}"}},
                "journal_entries.create": {"resource": "account.move", "body": entry},
            },
            "exempt": _ITSELF,
        }
    )  # fmt: skip
