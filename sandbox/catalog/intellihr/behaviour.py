"""What data cannot say of intelliHR: names for show, the jobs inside a person, the person and the pay inside a job.

Shapes: the published file, and the list of events and objects of its README.
"""

import re

from sandbox.declarative.conditions import Record
from sandbox.declarative.records import Change, Records

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def before_save(change: Change) -> None:
    if change.resource != "people":
        return
    record = change.record
    record["displayName"] = " ".join(filter(None, [record.get("firstName"), record["lastName"]]))
    address = (record.get("primaryEmailAddress") or {}).get("email")
    if address and not _MAIL.fullmatch(address):
        raise change.refuse("invalid", "An invalid email address was provided", field="primaryEmailAddress")


def render(resource: str, shown: Record, record: Record, records: Records) -> None:
    if resource == "people":
        mine = [job for job in records.all("jobs") if job["personId"] == record["id"]]
        shown["jobs"] = [_short(job) for job in reversed(mine)]
        address = record.get("primaryEmailAddress") or {}
        shown["emailAddresses"] = [{**address, "isPrimary": True}] if address else []
    if resource == "jobs":
        person = records.get("people", record["personId"])
        shown["person"] = {"id": record["personId"], "displayName": person["displayName"] if person else ""}
        shown["supervisorPerson"] = None
        shown["location"] = {"id": "practice", "name": "Head office", "address": "", "link": ""}
        shown["remunerationSchedule"] = {"type": "Annual Salary", "baseAnnualSalary": 90000, "currency": "AUD"}


def _short(job: Record) -> Record:
    return {
        "id": job["id"], "name": job["name"], "startDate": job.get("companyStartDate"), "endDate": job.get("companyEndDate"),
        "jobStatus": job["jobStatus"], "link": f"/v1/jobs/{job['id']}",
    }  # fmt: skip
