"""The portal's own forms."""

from typing import Any

from django import forms

from apps.connectors.forms import METHOD, ConnectionForm
from apps.connectors.models import Connection
from apps.portal.selectors import OpenQuestion


class NameForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=200)


class AnswerForm(forms.Form):
    """One choice among what the customer's own records offer, or a text where they offer nothing."""

    def __init__(self, question: OpenQuestion, data: Any = None) -> None:
        super().__init__(data, auto_id=f"question-{question.pk}-%s")
        errors = {"required": "Choose an answer first."}
        self.labels = dict(question.options)
        self.fields["answer"] = (
            forms.ChoiceField(choices=[("", "Choose…"), *question.options], error_messages=errors)
            if question.options
            else forms.CharField(max_length=200, error_messages={"required": "Write an answer first."})
        )

    @property
    def answer_label(self) -> str:
        answer = str(self.cleaned_data["answer"])
        return self.labels.get(answer, answer)


class AccessForm(ConnectionForm):
    """The connection's form without what only staff set: where the system lies, and the registered application."""

    def __init__(self, data: Any = None, *, connection: Connection) -> None:
        super().__init__(data, manifest=connection.manifest, connection=connection, with_name=False)
        for spec in [spec for spec in self.specs if spec.level == "app" or spec.name == "base_url"]:
            self.specs.remove(spec)
            del self.fields[spec.name]
        for spec in self.specs:
            field = self.fields[spec.name]
            field.help_text = " ".join(filter(None, [str(field.help_text), spec.where]))
        if METHOD in self.fields:
            self._keep_to_keys()

    def _keep_to_keys(self) -> None:
        """Consent has a button of its own, so only the ways to log in with something typed are offered."""
        field = self.fields[METHOD]
        assert isinstance(field, forms.ChoiceField)
        typed = [method for method in self.manifest.auth if method.kind != "oauth2_code"]
        field.choices = [(method.name, method.title) for method in typed]
        field.help_text = ""
        if len(typed) == 1:
            field.widget = forms.HiddenInput()
