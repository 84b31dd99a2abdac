"""Tidewater's server. It knows its own OpenAPI file and no manifest: paths, required fields, types, paging parameters and
the shape of answers come from there, so what a connector gets wrong about the file fails here.

Clients and projects live as long as the process."""

import json
import re
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

HERE = Path(__file__).parent
FILES = {name: yaml.safe_load((HERE / name).read_text()) for name in ("openapi.yaml", "common.yaml")}
BASE = "https://developers.tidewater.example/"
REGISTRY: Registry[Any] = Registry().with_resources(
    [(BASE + name, Resource(contents=data, specification=DRAFT202012)) for name, data in FILES.items()]
)
SPEC = FILES["openapi.yaml"]
PREFIX = urlsplit(SPEC["servers"][0]["url"]).path
PAGE_SIZE = 20


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message}}


class Tidewater:
    """The office's data and what may be done with it."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.requests: list[str] = []
        self.tables: dict[str, list[dict[str, Any]]] = {"clients": _clients(), "projects": _projects()}

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, Any]:
        """Status and body; whatever is answered with success has the shape the file promises."""
        self.requests.append(f"{method} {target}")
        parts = urlsplit(target)
        try:
            if authorization != f"Bearer {self.token}":
                raise Refusal(401, "unauthorised", "The office key is not valid.")
            path, values, operation = _operation(method, parts.path)
            status, found = self._do(path, values, operation, dict(parse_qsl(parts.query)), body)
        except Refusal as refusal:
            return refusal.status, refusal.body
        schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        problems = _problems(schema, found)
        assert not problems, f"Tidewater broke its own promise: {problems}"
        return status, found

    def _do(
        self, path: str, values: list[str], operation: dict[str, Any], query: dict[str, str], body: bytes
    ) -> tuple[int, Any]:
        if path == "/me":
            return 200, {"id": "office-1", "name": "Tidewater Demo Office"}
        table = path.split("/")[1]
        if "requestBody" in operation:
            return 201, self._create(table, operation, body)
        if path.endswith("}"):
            return 200, {"client": self._one(table, values[0])}
        return 200, self._list(table, operation, query)

    def _list(self, table: str, operation: dict[str, Any], query: dict[str, str]) -> Any:
        names = {item["name"]: item for item in map(_resolved, operation["parameters"])}
        if unknown := set(query) - set(names):
            raise Refusal(422, "unknown_parameter", f"No such parameter: {', '.join(sorted(unknown))}.")
        rows = sorted(self.tables[table], key=lambda row: (row["updated_at"], row[f"{table[:-1]}_id"]))
        since = next((query[name] for name, item in names.items() if name in query and _is_time(item)), "")
        rows = [row for row in rows if not since or row["updated_at"] >= since]
        if "email" in query:
            rows = [row for row in rows if row.get("email") == query["email"]]
        size_name = next(name for name in ("per_page", "limit") if name in names)
        size = int(query.get(size_name, PAGE_SIZE))
        if size > names[size_name]["schema"]["maximum"]:
            raise Refusal(422, "too_many", f"{size_name} is at most {names[size_name]['schema']['maximum']}.")
        if "page" in names:
            first = (int(query.get("page", 1)) - 1) * size
            return {table: rows[first : first + size], "meta": {"total_pages": max(1, -(-len(rows) // size))}}
        first = int(query.get("cursor", "c0")[1:])
        following = f"c{first + size}" if first + size < len(rows) else None
        return {"data": rows[first : first + size], "next_cursor": following}

    def _one(self, table: str, key: str) -> dict[str, Any]:
        for row in self.tables[table]:
            if str(row[f"{table[:-1]}_id"]) == key:
                return row
        raise Refusal(404, "not_found", f"No {table[:-1]} {key}.")

    def _create(self, table: str, operation: dict[str, Any], body: bytes) -> dict[str, Any]:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        try:
            given = json.loads(body)
        except ValueError:
            raise Refusal(422, "not_json", "The body is not JSON.") from None
        if problems := _problems(schema, given):
            raise Refusal(422, "invalid", problems[0])
        noun = table[:-1]
        row = {
            **given[noun],
            f"{noun}_id": 1 + max(row[f"{noun}_id"] for row in self.tables[table]),
            "updated_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self.tables[table].append(row)
        return {noun: row}


def serve(vendor: Tidewater, port: int = 0) -> ThreadingHTTPServer:
    """A server that is not yet running; `serve_forever` starts it."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, found = vendor.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            raw = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle

        def log_message(self, *_: Any) -> None:
            return None

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _operation(method: str, path: str) -> tuple[str, list[str], dict[str, Any]]:
    if not path.startswith(PREFIX):
        raise Refusal(404, "not_found", f"Nothing is at {path}.")
    for known, item in SPEC["paths"].items():
        found = re.fullmatch(re.sub(r"\{[^}]+\}", "([^/]+)", known), path.removeprefix(PREFIX))
        if found and method.lower() in item:
            return known, list(found.groups()), item[method.lower()]
    raise Refusal(404, "not_found", f"{method} {path} is not a request of this API.")


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: dict[str, Any] = REGISTRY.resolver(BASE + "openapi.yaml").lookup(node["$ref"]).contents
    return found


def _is_time(parameter: dict[str, Any]) -> bool:
    return bool(parameter["schema"].get("format") == "date-time")


def _problems(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value, by the file's schema. References in it are meant from the file."""
    registry = REGISTRY.with_resource(BASE + "asked", Resource(contents={"schema": schema}, specification=DRAFT202012))
    whole = json.loads(
        json.dumps(schema)
        .replace('"$ref": "#', f'"$ref": "{BASE}openapi.yaml#')
        .replace('"$ref": "common', f'"$ref": "{BASE}common')
    )
    return [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        for error in OAS30Validator(whole, registry=registry).iter_errors(value)
    ]


def _clients() -> list[dict[str, Any]]:
    names = ["Alder Harbour Authority", "Birch & Sons Builders", "Cedar Legal"]
    clients: list[dict[str, Any]] = [
        {
            "client_id": 100 + number, "name": name, "email": f"office@{name.split()[0].lower()}.example",
            "phone": f"+44 20 7946 010{number}", "currency": "GBP", "updated_at": f"2026-10-0{number}T08:00:00Z",
        }
        for number, name in enumerate(names, 1)
    ]  # fmt: skip
    clients[2]["parent"] = {key: clients[0][key] for key in ("client_id", "name", "updated_at")}
    return clients


def _projects() -> list[dict[str, Any]]:
    return [
        {
            "project_id": 500 + number, "client_id": 100 + number, "name": f"Survey {number}", "code": f"S-{number}",
            "starts_on": f"2026-11-0{number}", "budget_hours": 40.5 * number, "updated_at": f"2026-10-1{number}T09:30:00Z",
        }
        for number in (1, 2, 3)
    ]  # fmt: skip
