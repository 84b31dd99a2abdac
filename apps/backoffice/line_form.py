"""One line of a mapping as a form: drawn from the closed sets of the language, and read back into a line.

Between the two stands a `State`: what the form says at the moment, complete or not, so that the form can be drawn again
(another transform chosen, one more added) before it makes sense as a whole.
"""

import json
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from django import forms
from django.http import QueryDict
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from apps.backoffice.columns import words
from apps.mappings.engine import MappingSpec
from apps.mappings.engine.reference_docs import sections
from apps.mappings.engine.spec import TESTS
from apps.mappings.engine.transforms import TRANSFORMS, read_transforms
from apps.mappings.services.plans import wrong_fields

_INPUT = {"class": "tl-input"}
SOURCES = (
    ("from", "a field"),
    ("first_of", "the first of several fields that holds something"),
    ("template", "a text with fields in it"),
    ("value", "always the same"),
)
POLICIES = (
    ("always", "overwrites what is there"),
    ("if_empty", "only fills what is empty"),
    ("never", "only for new records"),
)
_TESTS = [("", "–"), *((test, test.replace("_", " ")) for test in TESTS)]
_WITHOUT_VALUE = ("is_empty", "not_empty")
# Where a mistake of the plan shows in the form.
_PLACES = {"from": "path", "first_of": "paths", "when": "when_path", "reference": "ref_name", "transform": "add_step"}
_KEPT = frozenset(
    {
        "to",
        "from",
        "first_of",
        "template",
        "value",
        "transform",
        "default",
        "required",
        "omit_empty",
        "overwrite",
        "when",
    }
    | {"reference"}
)


@dataclass(slots=True)
class State:
    """What the form says. `steps` are (transform, its parameters as written)."""

    texts: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    steps: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def text(self, name: str) -> str:
        return self.texts.get(name, "").strip()


def can_edit(line: dict[str, Any]) -> bool:
    """Lists, nothing as a constant or default, and conditions that compare with nothing are written as YAML; everything else has its
    place in the form."""
    says_nothing = any(key in line and line[key] in (None, "") for key in ("value", "default"))
    return (
        set(line) <= _KEPT
        and not says_nothing
        and not _compares_with_nothing(line.get("when"))
        and not _holds_nothing(line.get("transform", []))
    )


def _holds_nothing(step: Any) -> bool:
    """Whether a step of a transform is given nothing on purpose, such as an empty default."""
    if isinstance(step, dict | list):
        return any(_holds_nothing(part) for part in (step.values() if isinstance(step, dict) else step))
    return step is None or step == ""


def _compares_with_nothing(condition: Any) -> bool:
    """Whether a value to compare with is empty, or text whose blanks at the ends matter: the form takes those away."""
    if not isinstance(condition, dict):
        return False
    values = [value for key, value in condition.items() if key != "path"]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return any(one is None or (isinstance(one, str) and one != one.strip()) or one == "" for one in flat)


def state_of(line: dict[str, Any], direction: str) -> State:
    """A kept line as the form shows it."""
    state = State({"source": "from", "overwrite": "always"})
    state.texts["to"] = str(line.get("to", ""))
    for source, name in (("from", "path"), ("template", "template"), ("first_of", "paths"), ("value", "value")):
        if source in line:
            state.texts["source"] = source
            state.texts[name] = "\n".join(line[source]) if source == "first_of" else _written(line[source], source)
    if "default" in line:
        state.texts["default"] = _written(line["default"], "value")
    state.flags = {name for name in ("required", "omit_empty") if line.get(name)}
    state.texts["overwrite"] = str(line.get("overwrite", "always"))
    if isinstance(when := line.get("when"), dict):
        test = next((key for key in when if key != "path"), "")
        value = when.get(test)
        state.texts |= {"when_path": str(when.get("path", "")), "when_test": test}
        state.texts["when_value"] = (
            "\n".join(_written(one, "value") for one in value) if isinstance(value, list) else _written(value, "value")
        )
    if isinstance(reference := line.get("reference"), dict):
        state.texts["ref_name"] = str(reference.get("object" if direction == "in" else "entity", ""))
        state.texts["ref_via"] = str(reference.get("via") or "")
        state.texts["ref_stub"] = "\n".join(f"{key}: {path}" for key, path in reference.get("stub", {}).items())
    for step in read_transforms(line["transform"]) if "transform" in line else []:
        params = step.params.model_dump(mode="json", exclude_unset=True, by_alias=True)
        state.steps.append((step.name, {name: _param_text(value) for name, value in params.items()}))
    return state


def state_of_post(data: QueryDict) -> State:
    """What was sent, with the change the person asked for: a step added, removed or moved up."""
    state = State({name: data.get(name, "") for name in data})
    state.flags = {name for name in ("required", "omit_empty") if name in data}
    index = 0
    while (name := data.get(f"step-{index}")) is not None:
        prefix = f"step-{index}-"
        params = {key.removeprefix(prefix): data.get(key, "") for key in data if key.startswith(prefix)}
        if name in TRANSFORMS:
            known = {info.alias or key for key, info in TRANSFORMS[name].params.model_fields.items()}
            state.steps.append((name, {key: value for key, value in params.items() if key in known}))
        index += 1
    _move(state, data)
    if (added := data.get("add_step", "")) in TRANSFORMS:
        state.steps.append((added, {}))
    return state


def _move(state: State, data: QueryDict) -> None:
    for verb, act in (("remove_step", "remove"), ("up_step", "up")):
        position = data.get(verb, "")
        if not position.isdigit() or int(position) >= len(state.steps):
            continue
        step = state.steps.pop(int(position))
        if act == "up":
            state.steps.insert(max(0, int(position) - 1), step)


def asks_to_redraw(data: QueryDict) -> bool:
    return any(name in data for name in ("redraw", "remove_step", "up_step"))


class LineForm(forms.Form):
    """Drawn for a state; `line_of` reads it back. Choices that change what else is asked draw the form again."""

    has_defaults = True

    def __init__(self, state: State, *, direction: str, objects: list[str], value_maps: list[str]) -> None:
        super().__init__(initial={**state.texts, **dict.fromkeys(state.flags, True)})
        self.state, self.direction, self.value_maps = state, direction, value_maps
        self._target_and_source()
        self.steps = [self._step(index, name, params) for index, (name, params) in enumerate(state.steps)]
        self.fields["add_step"] = _select(
            "Add a transform", [("", "–"), *((name, name) for name in sorted(TRANSFORMS))], redraws=True
        )
        self._rules(objects)

    def _target_and_source(self) -> None:
        label = "Fills" if self.direction == "in" else "Writes"
        self.fields["to"] = _text(label, "The target field.", list="targets", required="required")
        source = _select("Reads", SOURCES, redraws=True)
        self.fields["source"] = source
        match self.state.text("source") or "from":
            case "first_of":
                self.fields["paths"] = _lines("Fields", "One a line, the first that holds something is taken.", rows=3)
            case "template":
                self.fields["template"] = _text("Text", "Fields in braces: {client.name} – {code}")
            case "value":
                self.fields["value"] = _text("Value", 'true, false and numbers as such; in quotes they are text: "5"')
            case _:
                self.fields["path"] = _text("Field", "Where it stands in the record.", list="paths")

    def _step(self, index: int, name: str, params: dict[str, str]) -> dict[str, Any]:
        known = TRANSFORMS[name]
        self.fields[f"step-{index}"] = forms.CharField(widget=forms.HiddenInput, initial=name)
        names = [f"step-{index}"]
        for key, info in known.params.model_fields.items():
            label = info.alias or key
            place = f"step-{index}-{label}"
            self.fields[place] = self._param(name, label, info)
            self.initial[place] = params.get(label, "")
            names.append(place)
        return {
            "index": index,
            "name": name,
            "says": sections(known)["summary"],
            "fields": [self[place] for place in names[1:]],
            "hidden": self[names[0]],
        }

    def _param(self, transform: str, name: str, info: FieldInfo) -> forms.Field:
        help_text = info.description or ""
        kinds = _kinds(info.annotation)
        choices = [str(one) for kind in kinds if get_origin(kind) is Literal for one in get_args(kind)]
        if transform == "lookup" and name == "map":
            choices = self.value_maps
        if bool in kinds:
            choices = ["true", "false"]
        if choices:
            options = [("", "–"), *((one, words(one)) if transform != "lookup" else (one, one) for one in choices)]
            return _select(words(name), options, help_text, redraws=True)
        if any(get_origin(kind) is list for kind in kinds):
            return _lines(words(name), f"{help_text}; one a line", rows=2)
        return _text(words(name), help_text, **({"list": "paths"} if name.endswith("_from") else {}))

    def _rules(self, objects: list[str]) -> None:
        is_in = self.direction == "in"
        self.fields["default"] = _text("If it is empty", "This value instead; it passes through the transforms.")
        self.fields["required"] = forms.BooleanField(label="Required: an empty result makes a case", required=False)
        self.fields["omit_empty"] = forms.BooleanField(label="Leave the target out when empty", required=False)
        if is_in:
            self.fields["overwrite"] = _select("For records that exist already", POLICIES)
        self.fields["when_path"] = _text("Only when", "A field; empty: always.", list="paths")
        self.fields["when_test"] = _select("Test", _TESTS, redraws=True)
        if self.state.text("when_test") not in ("", *_WITHOUT_VALUE):
            help_text = "Several: one a line." if self.state.text("when_test") in ("in", "not_in") else ""
            self.fields["when_value"] = _lines("Value", help_text, rows=2 if help_text else 1)
        names = [("", "no: it is a value"), *((name, words(name)) for name in objects)]
        label = "It is the id of another record" if is_in else "Written as the id the system has for"
        self.fields["ref_name"] = _select(label, names, redraws=True)
        if is_in and self.state.text("ref_name"):
            self.fields["ref_via"] = _text("Found by", "Empty: by the vendor's id. Or a field of ours, such as email.")
            self.fields["ref_stub"] = _lines(
                "What is known of it", "Makes it when it is new to us. One a line: name: client.name", rows=3
            )

    def chosen(self, names: str) -> list[Any]:
        return [self[name] for name in names.split() if name in self.fields]

    @property
    def head(self) -> list[Any]:
        return self.chosen("to source path paths template value")

    @property
    def rules(self) -> list[Any]:
        return self.chosen("default required omit_empty overwrite")

    @property
    def condition(self) -> list[Any]:
        return self.chosen("when_path when_test when_value")

    @property
    def reference(self) -> list[Any]:
        return self.chosen("ref_name ref_via ref_stub")


def line_of(state: State, plan: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The line the state describes, and what is wrong with it by field of the form ('' for the line as a whole)."""
    errors: dict[str, list[str]] = {}
    line = _assembled(state, str(plan["direction"]), errors)
    if errors:
        return line, errors
    alone = {**{key: plan[key] for key in ("object", "entity", "direction")}, "fields": [line]}
    try:
        parsed = MappingSpec.model_validate(alone)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False):
            place, message = _place(one["loc"]), str(one["msg"]).removeprefix("Value error, ")
            errors.setdefault(place, []).append(message.removeprefix(f"fields[0] (to: {line.get('to')}): "))
        return line, errors
    for _, key, message in wrong_fields(parsed):
        errors.setdefault(_PLACES.get(key, key), []).append(message)
    return line, errors


def _assembled(state: State, direction: str, errors: dict[str, list[str]]) -> dict[str, Any]:
    line: dict[str, Any] = {"to": state.text("to")}
    if not line["to"]:
        errors["to"] = ["Say which field it fills."]
    _read_source(state, line, errors)
    if steps := _read_steps(state, errors):
        line["transform"] = steps[0] if len(steps) == 1 else steps
    if state.text("default"):
        line["default"] = _read(state.text("default"))
    line |= dict.fromkeys(sorted(state.flags, reverse=True), True)
    if direction == "in" and state.text("overwrite") not in ("", "always"):
        line["overwrite"] = state.text("overwrite")
    _read_condition(state, line, errors)
    if name := state.text("ref_name"):
        line["reference"] = {"object" if direction == "in" else "entity": name, **_read_reference(state, errors)}
    return line


def _read_source(state: State, line: dict[str, Any], errors: dict[str, list[str]]) -> None:
    match state.text("source") or "from":
        case "first_of":
            line["first_of"] = [text.strip() for text in state.text("paths").splitlines() if text.strip()]
            if not line["first_of"]:
                errors["paths"] = ["Name at least one field; one a line."]
        case "template":
            line["template"] = state.texts.get("template", "")
            if not state.text("template"):
                errors["template"] = ["Write the text, with fields in braces such as {client.name}."]
        case "value":
            line["value"] = _read(state.text("value"))
            if not state.text("value"):
                errors["value"] = ["Write the value."]
        case _:
            line["from"] = state.text("path")
            if not state.text("path"):
                errors["path"] = ["Choose the field it is read from."]


def _read_steps(state: State, errors: dict[str, list[str]]) -> list[Any]:
    steps: list[Any] = []
    for index, (name, texts) in enumerate(state.steps):
        known = TRANSFORMS[name]
        params = {key: _param_value(known.params.model_fields, key, text) for key, text in texts.items() if text != ""}
        try:
            (found,) = read_transforms({name: params} if params else name)
        except ValueError as error:
            places = [
                f"step-{index}-{key}" for key in (info.alias or one for one, info in known.params.model_fields.items())
            ]
            said = str(error)
            place = next(
                (one for one in places if f": {one.split('-', 2)[2]} " in said), places[0] if places else "add_step"
            )
            errors.setdefault(place, []).append(said)
            continue
        written = found.params.model_dump(mode="json", exclude_unset=True, by_alias=True)
        if not written:
            steps.append(name)
        elif known.main and set(written) == {known.main} and not isinstance(written[known.main], dict):
            steps.append({name: written[known.main]})
        else:
            steps.append({name: written})
    return steps


def _read_condition(state: State, line: dict[str, Any], errors: dict[str, list[str]]) -> None:
    path, test = state.text("when_path"), state.text("when_test")
    if not path and not test:
        return
    if not path or not test:
        errors["when_path" if not path else "when_test"] = ["A condition needs both a field and a test; or empty both."]
        return
    value: Any = True
    if test in ("in", "not_in"):
        value = [_read(text.strip()) for text in state.text("when_value").splitlines() if text.strip()]
    elif test not in _WITHOUT_VALUE:
        value = _read(state.text("when_value"))
        if value in ("", None):
            errors["when_value"] = ["Write the value to compare with, or choose the test “is empty”."]
    line["when"] = {"path": path, test: value}


def _read_reference(state: State, errors: dict[str, list[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {"via": state.text("ref_via")} if state.text("ref_via") else {}
    stub: dict[str, str] = {}
    for text in state.text("ref_stub").splitlines():
        name, colon, path = text.partition(":")
        if not colon or not name.strip() or not path.strip():
            errors["ref_stub"] = [f'"{text}" is not of the form “name: path”.']
        stub[name.strip()] = path.strip()
    return {**found, "stub": stub} if stub else found


def _place(location: tuple[int | str, ...]) -> str:
    inside = [str(part) for part in location if not isinstance(part, int) and part != "fields"]
    key = inside[0] if inside else ""
    return _PLACES.get(key, key)


def _read(text: str) -> Any:
    """true, false and numbers as such; text in quotes, and everything else, as text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) else text


def _written(value: Any, source: str) -> str:
    """So that reading it back gives the same value."""
    if source != "value":
        return str(value)
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if _read(text) == value and type(_read(text)) is type(value) else json.dumps(value, ensure_ascii=False)


def _param_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _param_value(fields: dict[str, FieldInfo], key: str, text: str) -> Any:
    info = next((info for name, info in fields.items() if key in (name, info.alias)), None)
    if info is not None and any(get_origin(kind) is list for kind in _kinds(info.annotation)):
        found = [one.strip() for one in text.splitlines() if one.strip()]
        return found[0] if len(found) == 1 else found
    return text


def _kinds(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [one for one in get_args(annotation) if one is not type(None)]
    return [annotation]


def _text(label: str, help_text: str = "", **attributes: str) -> forms.Field:
    widget = forms.TextInput(attrs={**_INPUT, "autocomplete": "off", "spellcheck": "false", **attributes})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget)


def _lines(label: str, help_text: str, *, rows: int) -> forms.Field:
    widget = forms.Textarea(attrs={**_INPUT, "rows": rows, "spellcheck": "false"})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget)


def _select(label: str, choices: Any, help_text: str = "", *, redraws: bool = False) -> forms.Field:
    attributes = {**_INPUT, **({"hx-post": "", "hx-trigger": "change"} if redraws else {})}
    return forms.ChoiceField(
        label=label, choices=choices, help_text=help_text, required=False, widget=forms.Select(attrs=attributes)
    )
