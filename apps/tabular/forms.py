"""Forms of files, used by the staff's pages and the portal alike."""

from typing import Any

from django import forms

from apps.canonical.registry import names
from apps.connectors.models import Connection
from apps.tabular.models import DataFile, Warehouse
from apps.tabular.reading.csv_rows import DELIMITERS, SHORT_ROWS
from apps.tabular.reading.encodings import CHOICES
from apps.tabular.reading.formats import DATE_ORDERS, NUMBER_FORMATS
from apps.tabular.services.layouts import Suggestion, fields_of
from apps.tabular.services.tables import TableColumn

LEAVE_OUT = "-"
_TYPES = {
    "text": "text", "integer": "whole number", "decimal": "number", "boolean": "yes or no", "date": "date",
    "datetime": "date and time", "id": "text",
}  # fmt: skip


class UploadForm(forms.Form):
    """`connections`: those of the customer that take files; asked for only when there are several."""

    def __init__(self, data: Any = None, files: Any = None, *, connections: list[Connection], **kwargs: Any) -> None:
        super().__init__(data, files, **kwargs)
        self.connections = {str(connection.pk): connection for connection in connections}
        if len(connections) > 1:
            self.fields["connection"] = forms.ChoiceField(
                label="For", choices=[(key, str(connection)) for key, connection in self.connections.items()]
            )
        kinds = connections[0].manifest.objects if connections else {}
        self.fields["kind"] = forms.ChoiceField(
            label="What does it hold?",
            choices=[("", "Choose…"), *((name, spec.title) for name, spec in kinds.items())],
            error_messages={"required": "Choose what the file holds."},
        )
        self.fields["file"] = forms.FileField(
            label="File",
            help_text="CSV or Excel (.xlsx), at most 100 MB and a million rows.",
            widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
            error_messages={"required": "Choose a file first.", "empty": "The file is empty."},
        )

    @property
    def connection(self) -> Connection:
        return self.connections[self.cleaned_data.get("connection") or next(iter(self.connections))]


class ReadingForm(forms.Form):
    """How the file is read, where a person knows better than the detection."""

    def __init__(self, data: Any = None, *, file: DataFile, **kwargs: Any) -> None:
        super().__init__(data, prefix="reading", **kwargs)
        detected, chosen = file.detected, file.overrides
        kinds = file.connection.manifest.objects
        self.fields["kind"] = forms.ChoiceField(
            label="Holds", choices=[(name, spec.title) for name, spec in kinds.items()], initial=file.object_name
        )
        if detected.get("kind") == "xlsx":
            sheets = [(name, name) for name in detected.get("sheets", [])]
            self.fields["sheet"] = forms.ChoiceField(label="Sheet", choices=sheets, initial=detected.get("sheet"))
        else:
            self.fields["encoding"] = forms.ChoiceField(
                label="Encoding",
                choices=[("", f"As detected ({detected.get('encoding') or 'none'})"), *CHOICES.items()],
                initial=chosen.get("encoding", ""),
                required=False,
            )
            self.fields["delimiter"] = forms.ChoiceField(
                label="Cells are cut by",
                choices=[("", "As detected"), *((sign, f"{name} {sign.strip()}") for sign, name in DELIMITERS.items())],
                initial=chosen.get("delimiter", ""),
                required=False,
            )
            self.fields["short_rows"] = forms.ChoiceField(
                label="Rows with too few cells",
                choices=list(SHORT_ROWS.items()),
                initial=chosen.get("short_rows", "refuse"),
            )
        self.fields["header_line"] = forms.IntegerField(
            label="The heading is in line",
            min_value=1,
            max_value=60,
            required=False,
            initial=chosen.get("header_line") or detected.get("header_line"),
        )

    @property
    def overrides(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "kind" and value}


class ColumnsForm(forms.Form):
    """What each column holds, how its values are written, and which columns name the row."""

    def __init__(self, data: Any = None, *, file: DataFile, suggestion: Suggestion, **kwargs: Any) -> None:
        super().__init__(data, prefix="columns", **kwargs)
        self.file, self.suggestion = file, suggestion
        known = fields_of(file.connection.manifest.object(file.object_name))
        self._types = {name: item.type for name, item in known.items()}
        places = [("", "Kept beside, not used"), (LEAVE_OUT, "Leave out")]
        options = [
            (name, f"{item.title or name} ({_TYPES.get(item.type, 'text')}{', needed' if item.required else ''})")
            for name, item in known.items()
        ]
        formats = [("", "As detected"), *NUMBER_FORMATS.items(), *DATE_ORDERS.items()]
        for at, column in enumerate(suggestion.columns):
            self.fields[f"field_{at}"] = forms.ChoiceField(
                label=f"{column.header} holds",
                choices=[*places, *options],
                initial=column.field or ("" if column.keep else LEAVE_OUT),
                required=False,
            )
            self.fields[f"format_{at}"] = forms.ChoiceField(
                label=f"{column.header} is written with",
                choices=formats,
                initial=column.format,
                required=False,
            )
            self.fields[f"key_{at}"] = forms.BooleanField(
                label=f"{column.header} names the row", initial=column.is_key, required=False
            )

    def table(self) -> list[dict[str, Any]]:
        """One entry a column, for the template."""
        return [
            {
                "column": column,
                "field": self[f"field_{at}"],
                "format": self[f"format_{at}"],
                "key": self[f"key_{at}"],
            }
            for at, column in enumerate(self.suggestion.columns)
        ]

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for at, column in enumerate(self.suggestion.columns):
            field = self.cleaned_data[f"field_{at}"]
            placed = "" if field == LEAVE_OUT else field
            kind = self._types.get(placed, "")
            chosen = self.cleaned_data[f"format_{at}"]
            if kind in ("decimal", "integer") and chosen not in NUMBER_FORMATS:
                chosen = column.detected_number
            elif kind in ("date", "datetime") and chosen not in DATE_ORDERS:
                chosen = column.detected_date
            found[column.header] = {"field": placed, "format": chosen, "keep": field != LEAVE_OUT}
        return found

    @property
    def keys(self) -> list[str]:
        columns = enumerate(self.suggestion.columns)
        return [column.header for at, column in columns if self.cleaned_data[f"key_{at}"]]


class TableForm(forms.Form):
    """Which column of a database table holds which field, which name the row, and which tells the last change."""

    def __init__(
        self,
        data: Any = None,
        *,
        connection: Connection,
        object_name: str,
        columns: list[TableColumn],
        proposed: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, prefix="table", **kwargs)
        self.columns_found = columns
        known = fields_of(connection.manifest.object(object_name))
        times = [(column.name, column.name) for column in columns if column.is_time]
        self.fields["modified"] = forms.ChoiceField(
            label="Time of the last change",
            choices=[("", "There is none: read everything each time"), *times],
            initial=proposed["modified"],
            required=False,
        )
        options = [
            (name, f"{item.title or name} ({_TYPES.get(item.type, 'text')}{', needed' if item.required else ''})")
            for name, item in known.items()
        ]
        for at, column in enumerate(columns):
            self.fields[f"field_{at}"] = forms.ChoiceField(
                label=f"{column.name} holds",
                choices=[("", "Kept beside, not used"), *options],
                initial=proposed["fields"].get(column.name, ""),
                required=False,
            )
            self.fields[f"key_{at}"] = forms.BooleanField(
                label=f"{column.name} names the row", initial=column.name in proposed["keys"], required=False
            )

    def table(self) -> list[dict[str, Any]]:
        return [
            {"column": column, "field": self[f"field_{at}"], "key": self[f"key_{at}"]}
            for at, column in enumerate(self.columns_found)
        ]

    @property
    def chosen(self) -> dict[str, str]:
        return {column.name: self.cleaned_data[f"field_{at}"] for at, column in enumerate(self.columns_found)}

    @property
    def keys(self) -> list[str]:
        return [column.name for at, column in enumerate(self.columns_found) if self.cleaned_data[f"key_{at}"]]


class WarehouseForm(forms.Form):
    """What is written into a warehouse, where and how often."""

    schema = forms.CharField(
        label="Schema",
        max_length=63,
        initial="throughline",
        help_text="Made when it is missing. It belongs to this warehouse alone.",
    )
    scope = forms.ChoiceField(label="Records of", choices=Warehouse.Scope.choices)
    entities = forms.MultipleChoiceField(
        label="Kinds of records", required=False, help_text="None chosen: all.", widget=forms.CheckboxSelectMultiple
    )
    with_history = forms.BooleanField(label="With the history of every record", required=False)
    every_minutes = forms.IntegerField(label="Every … minutes", min_value=1, max_value=7 * 24 * 60, initial=15)
    is_enabled = forms.BooleanField(label="Switched on", required=False, initial=True)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        field = self.fields["entities"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(name, name.replace("_", " ").capitalize()) for name in names()]
