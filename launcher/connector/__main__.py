"""bin/connector: reads the command line, prepares Django without a database, hands over to one module a command."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Sequence

from launcher.connector.places import called_from
from launcher.errors import LauncherError

NOWHERE = "postgresql://connector:connector@127.0.0.1:1/connector"  # a port nobody listens on: nothing here needs one


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="bin/connector", description="Make, check and try a connector.")
    commands = main.add_subparsers(dest="command", required=True, metavar="command")

    new = commands.add_parser("new", help="make a complete folder from a template")
    new.add_argument("slug")
    new.add_argument("--name", help="the product's name")
    new.add_argument("--vendor", help="the company behind it")
    new.add_argument("--category", default="psa")
    new.add_argument("--into", metavar="FOLDER", help="where the folder goes; without it, the catalog")

    check = commands.add_parser("check", help="manifest, contract rules and grade of a connector")
    check.add_argument("connector", metavar="slug|folder")

    attempt = commands.add_parser("try", help="log in, read one page of each object and show each write, on any server")
    attempt.add_argument("connector", metavar="slug|folder")
    attempt.add_argument(
        "--base-url",
        help="the server, without the path that base_url has in the manifest; else the manifest's own address",
    )
    attempt.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the connection")
    attempt.add_argument(
        "--secret-from-env",
        action="append",
        default=[],
        metavar="NAME=ENV",
        help="a credential, taken from an environment variable so that it is never typed into a command",
    )
    attempt.add_argument("--object", action="append", default=[], help="only this object; may be given again")
    attempt.add_argument("--record", action="store_true", help="keep the first pages as fixtures; use a test account")
    attempt.add_argument("--write", metavar="OBJECT[.OPERATION]", help="really send one write; needs --body")
    attempt.add_argument(
        "--body", metavar="FILE", help="JSON: a canonical record for the mapping, or with --raw a body"
    )
    attempt.add_argument("--raw", action="store_true", help="the body file is the vendor's body, not mapped")
    attempt.add_argument("--id", metavar="EXTERNAL_ID", help="the vendor's id, for an operation on an existing record")
    attempt.add_argument("--yes", action="store_true", help="confirm --write without being asked")

    expected = commands.add_parser("expected", help="write what the fixtures are expected to yield")
    expected.add_argument("connector", metavar="slug|folder")

    score = commands.add_parser("score", help="try to break the connector against its practice vendor")
    score.add_argument("connector", metavar="slug|folder")
    score.add_argument("--practice", metavar="FOLDER", help="holds <slug>/vendor.yaml; without it, the project's own")
    score.add_argument("--check", action="append", default=[], help="only this one; may be given again")
    score.add_argument("--write", action="store_true", help="keep the report as conformance.json beside the manifest")

    commands.add_parser("schema", help="print the JSON Schema of the manifest, for editors")

    draft = commands.add_parser("import-openapi", help="draft a connector from an OpenAPI or Swagger file")
    draft.add_argument("file", help="OpenAPI 3.0, 3.1 or Swagger 2, as YAML or JSON")
    draft.add_argument("--slug", required=True)
    draft.add_argument("--name", help="the product's name")
    draft.add_argument("--vendor", help="the company behind it")
    draft.add_argument("--category")
    draft.add_argument("--into", metavar="FOLDER", help="where the folder goes; without it, the catalog")
    draft.add_argument("--only", action="append", default=[], metavar="OBJECT", help="draft these objects only")
    return main


def prepare() -> None:
    """Settings as for development on one's own machine: private addresses may be tried, secrets are made anew."""
    for name, value in {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": secrets.token_urlsafe(48),
        "DATABASE_URL": NOWHERE,
        "INSECURE_HTTP": "1",
        "OUTBOUND_ALLOW_PRIVATE": "1",
        "LOG_LEVEL": "ERROR",
    }.items():
        os.environ.setdefault(name, value)
    import django

    django.setup()


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    prepare()
    return run(options)


def run(options: argparse.Namespace) -> int:
    """The command's own module. Imported here: everything below it needs Django's settings."""
    from launcher.connector import checking, importing, making, schema, scoring, trying

    match options.command:
        case "new":
            return making.new(options, called_from())
        case "check":
            return checking.check(options.connector, called_from())
        case "expected":
            return checking.expected(options.connector, called_from())
        case "import-openapi":
            return importing.import_openapi(options, called_from())
        case "score":
            return scoring.score(options, called_from())
        case "schema":
            return schema.show()
        case _:
            return trying.attempt(options, called_from())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        print(f"bin/connector: {error}", file=sys.stderr)
        sys.exit(2)
