"""What data cannot say of Jira: an issue is kept flat and shown nested; worklogs are asked for by the ids that changed.

developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-worklogs/
developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/ (accessible resources)
"""

from typing import Any

from sandbox.declarative.conditions import Record
from sandbox.declarative.operations import body_of
from sandbox.declarative.problems import Problem
from sandbox.declarative.records import Change, Records
from sandbox.framework.http import Call, Reply

_PAGE = 3
_MOST = 1000


def before_save(change: Change) -> None:
    if change.resource == "projects" and not change.record.get("key"):
        change.record["key"] = f"P{change.record['id']}"
    if change.resource == "issues":
        for label in (change.given.get("_labels") or []) if isinstance(change.given, dict) else []:
            change.record["labels"] = [*change.record["labels"], label]
    if change.resource == "worklogs" and not change.record.get("author"):
        first = change.records.all("users")[0]
        change.record["author"] = {"accountId": first["accountId"], "displayName": first["displayName"]}


def before(resource: str, operation: str, call: Call, _records: Records) -> None:
    """What `update` adds to a new issue; JQL without any restriction is refused."""
    if (resource, operation) == ("issues", "create"):
        given = body_of(call.vendor, call)
        added = [item["add"] for item in (given.get("update") or {}).get("labels", []) if "add" in item]
        if added and isinstance(given.get("fields"), dict):
            given["fields"]["labels"] = [*given["fields"].get("labels", []), *added]
    if (resource, operation) == ("issues", "search"):
        text = str(body_of(call.vendor, call).get("jql") or "")
        if not text.strip() or text.strip().lower().startswith("order by"):
            raise Problem("bad_query", "Unbounded JQL queries are not allowed here. Please add a search restriction.")


def render(resource: str, shown: Record, _record: Record, _records: Records) -> None:
    if resource == "issues":
        fields = {name: shown.pop(name) for name in list(shown) if name not in ("id", "key")}
        shown["fields"] = fields


def routes(vendor: Any) -> list[tuple[str, str, Any]]:
    prefix = vendor.api_prefix
    return [
        ("GET", f"{prefix}/worklog/updated", lambda call: _changed(vendor, call, "hide")),
        ("GET", f"{prefix}/worklog/deleted", lambda call: _changed(vendor, call, "only")),
        ("POST", f"{prefix}/worklog/list", lambda call: _worklogs(vendor, call)),
        ("POST", f"{prefix}/issue/bulkfetch", lambda call: _issues(vendor, call)),
        ("GET", f"{prefix}/myself", lambda call: _myself(vendor, call)),
        ("GET", "/oauth/token/accessible-resources", lambda call: _sites(vendor, call)),
    ]


def _changed(vendor: Any, call: Call, deleted: str) -> Reply:
    """Ids and times from `since` on, oldest first; the next page begins where this one ends."""
    call.resource, call.operation = "worklogs", "list"
    since = int(call.query.get("since") or 0)
    found = [
        (int(item["_updated"] * 1000), item)
        for item in Records(vendor, call.account, call.now).all("worklogs", deleted=deleted)
    ]
    found = sorted(((at, item) for at, item in found if at >= since), key=lambda pair: (pair[0], pair[1]["_seq"]))
    page, rest = found[:_PAGE], found[_PAGE:]
    while rest and rest[0][0] == page[-1][0]:  # one moment is never cut in two
        page.append(rest.pop(0))
    until = page[-1][0] if page else since
    base = f"{vendor.base_url}{call.path}"
    values = [{"worklogId": int(item["id"]), "updatedTime": at, "properties": []} for at, item in page]
    return Reply({
        "values": values, "since": since, "until": until + (1 if rest else 0), "self": f"{base}?since={since}",
        "nextPage": f"{base}?since={until}", "lastPage": not rest,
    })  # fmt: skip


def _worklogs(vendor: Any, call: Call) -> Reply:
    ids = _given(vendor, call, "ids")
    records = Records(vendor, call.account, call.now)
    call.resource, call.operation = "worklogs", "list"
    found = [records.get("worklogs", one) for one in ids]
    return Reply([records.shown("worklogs", item) for item in found if item is not None])


def _issues(vendor: Any, call: Call) -> Reply:
    ids = _given(vendor, call, "issueIdsOrKeys")
    records = Records(vendor, call.account, call.now)
    found = [records.get("issues", one) for one in ids]
    return Reply({"issues": [records.shown("issues", item) for item in found if item is not None], "issueErrors": []})


def _given(vendor: Any, call: Call, name: str) -> list[Any]:
    ids = body_of(vendor, call).get(name)
    if not isinstance(ids, list) or not ids or len(ids) > _MOST:
        raise Problem("malformed", f"{name} has to be a list of 1 to {_MOST}")
    return ids


def _myself(vendor: Any, call: Call) -> Reply:
    records = Records(vendor, call.account, call.now)
    return Reply(records.shown("users", records.all("users")[0]))


def _sites(vendor: Any, call: Call) -> Reply:
    account = vendor.account(call.account)
    return Reply([{
        "id": account["id"], "name": account["name"], "url": f"https://{account['slug']}.atlassian.net",
        "scopes": ["read:jira-work", "write:jira-work", "read:jira-user"], "avatarUrl": "",
    }])  # fmt: skip
