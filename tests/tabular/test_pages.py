"""The pages around files: who may see and do what, and that each leads on to the next."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_tenants.utils import schema_context

from apps.accounts.models import Customer, User
from apps.accounts.roles import Role
from apps.accounts.services import create_user
from apps.canonical.models import TimeEntry
from apps.connectors.models import Connection
from apps.tabular.models import DataFile, FileStatus
from tests.tabular.support import TIME, files_connection, load, loaded, receive

Clients = Callable[[User | None], Client]
BAD = TIME + "31.02.2026;Ada;Website;1;ja;=cmd();4\n"


def upload(text: str = TIME, name: str = "time.csv") -> dict[str, Any]:
    return {"kind": "time_entries", "file": SimpleUploadedFile(name, text.encode(), "text/csv")}


def chosen(file: DataFile) -> dict[str, str]:
    """The columns form as the page proposes it."""
    from apps.tabular.forms import ColumnsForm
    from apps.tabular.services.layouts import suggest

    form = ColumnsForm(file=file, suggestion=suggest(file))
    found = {form.add_prefix(name): field.initial for name, field in form.fields.items()}
    return {name: "on" if value is True else str(value) for name, value in found.items() if value not in (False, None)}


class TestPortal:
    def test_from_upload_to_result(self, files: Connection, partner_client: Clients, carol: User) -> None:
        client = partner_client(carol)
        assert "Files" in client.get("/connections/").content.decode()

        answer = client.post("/files/", upload(BAD))
        file = DataFile.objects.get()
        assert answer.status_code == 302 and answer["Location"] == f"/files/{file.pk}/"
        page = client.get(answer["Location"]).content.decode()
        assert "can only have a decimal comma" in page and "called like" in page

        client.post(answer["Location"], chosen(file))
        assert "Being taken over" in client.get(answer["Location"]).content.decode()
        load(file)
        page = client.get(answer["Location"]).content.decode()
        assert "is no day of the calendar" in page and "Download these rows" in page
        assert TimeEntry.objects.count() == 3

        rows = b"".join(client.get(f"/files/{file.pk}/set-aside/").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        assert "'=cmd()" in rows and "is no day of the calendar" in rows

    def test_the_same_file_leads_to_what_became_of_it(
        self, files: Connection, partner_client: Clients, carol: User
    ) -> None:
        file = loaded(files, TIME)

        page = partner_client(carol).post("/files/", upload(), follow=True)

        assert page.redirect_chain[-1][0] == f"/files/{file.pk}/"
        assert "came before" in page.content.decode()

    def test_mistakes_are_said_on_the_page(self, files: Connection, partner_client: Clients, carol: User) -> None:
        client = partner_client(carol)
        file = receive(files, TIME).file
        data = chosen(file)
        hours = next(name for name, value in data.items() if value == "hours")

        page = client.post(f"/files/{file.pk}/", {**data, hours: ""})

        assert page.status_code == 422 and "Hours is needed" in page.content.decode()
        assert client.post("/files/", {"kind": ""}).status_code == 422

    def test_reading_it_differently(self, files: Connection, partner_client: Clients, carol: User) -> None:
        file = receive(files, "x\nDatum|Stunden\n2026-01-01|1\n").file
        data = {
            "reading-kind": "time_entries",
            "reading-delimiter": "|",
            "reading-header_line": "2",
            "reading-short_rows": "fill",
        }

        partner_client(carol).post(f"/files/{file.pk}/reading/", data)

        file.refresh_from_db()
        assert file.detected["headers"] == ["Datum", "Stunden"]

    def test_a_viewer_looks_but_does_not_upload(
        self, files: Connection, customer: Customer, partner_client: Clients
    ) -> None:
        victor = create_user(
            email="victor@kestrel.example", name="Victor", role=Role.CUSTOMER_VIEWER, customer=customer, reason="test"
        )
        client = partner_client(victor)
        file = receive(files, TIME).file

        assert client.get("/files/").status_code == 200 and client.get(f"/files/{file.pk}/").status_code == 200
        assert client.post("/files/", upload("a,b\n1,2")).status_code == 404
        assert client.post(f"/files/{file.pk}/reading/", {}).status_code == 403
        client.post(f"/files/{file.pk}/", chosen(file))
        file.refresh_from_db()
        assert file.status == FileStatus.NEEDS_LAYOUT and DataFile.objects.count() == 1

    def test_another_customers_file_is_not_found(
        self, files: Connection, other_customer: Customer, partner_client: Clients, carol: User
    ) -> None:
        theirs = receive(files_connection(other_customer), TIME).file
        client = partner_client(carol)

        for path in (f"/files/{theirs.pk}/", f"/files/{theirs.pk}/set-aside/"):
            assert client.get(path).status_code == 404
        assert client.post(f"/files/{theirs.pk}/reading/", {}).status_code == 404

    def test_without_such_a_connection_there_is_no_page(
        self, customer: Customer, partner_client: Clients, carol: User
    ) -> None:
        assert partner_client(carol).get("/files/").status_code == 404


class TestStaff:
    def test_from_upload_to_result(self, files: Connection, partner_client: Clients, alice: User) -> None:
        client = partner_client(alice)
        page = client.get(f"/admin/connectors/connection/{files.pk}/change/").content.decode()
        assert f"/admin/connection/{files.pk}/upload/" in page

        answer = client.post(f"/admin/connection/{files.pk}/upload/", upload(BAD))
        file = DataFile.objects.get()
        assert answer["Location"] == f"/admin/file/{file.pk}/columns/"
        assert "can only have a decimal comma" in client.get(answer["Location"]).content.decode()

        answer = client.post(answer["Location"], chosen(file))
        assert answer.status_code == 302
        load(file)
        page = client.get(answer["Location"]).content.decode()
        assert "is no day of the calendar" in page and "Download rows set aside" in page
        assert client.get(f"/admin/file/{file.pk}/set-aside/").status_code == 200
        assert client.get("/admin/tabular/datafile/").status_code == 200
        assert client.get(f"/admin/file/{file.pk}/reading/").status_code == 200

    def test_a_refused_file_says_why(self, files: Connection, partner_client: Clients, alice: User) -> None:
        client = partner_client(alice)

        answer = client.post(f"/admin/connection/{files.pk}/upload/", upload("%PDF-1.7"), follow=True)

        assert "This is a PDF" in answer.content.decode()

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.FINANCE])
    def test_who_only_reads_does_not_upload(
        self, files: Connection, partner: Any, partner_client: Clients, role: Role
    ) -> None:
        client = partner_client(create_user(email="r@acme.example", name="R", role=role, reason="test"))
        file = receive(files, TIME).file

        assert client.post(f"/admin/connection/{files.pk}/upload/", upload()).status_code == 403
        assert client.get(f"/admin/file/{file.pk}/columns/").status_code == 403
        assert client.get(f"/admin/tabular/datafile/{file.pk}/change/").status_code == 200

    def test_another_partners_staff_finds_nothing(self, files: Connection, mallory: User) -> None:
        file = receive(files, TIME).file
        client = Client(headers={"host": "globex.localhost"})
        with schema_context("globex"):
            client.force_login(mallory)

        assert client.get(f"/admin/file/{file.pk}/columns/").status_code == 404

    def test_customers_have_no_business_here(self, files: Connection, partner_client: Clients, carol: User) -> None:
        file = receive(files, TIME).file

        assert partner_client(carol).get(f"/admin/file/{file.pk}/columns/").status_code in (302, 403)
