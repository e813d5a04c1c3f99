"""Forms of a measure. The fields of a transition come from the programme's workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, SelectField, StringField, TextAreaField, URLField
from wtforms.validators import URL, InputRequired, Length, Optional

from app.core.errors import DomainError
from app.core.forms import DayField, MoneyField, VersionedForm
from app.core.i18n import local
from app.programmes.workflow import Field as RecordField
from app.programmes.workflow import FieldType, Transition, Workflow

PREFIX = "record_"


class TransitionForm(VersionedForm):
    """The note every transition may carry; `form_for` adds what this one asks for."""

    note = TextAreaField(_l("Begründung oder Bemerkung"), [Length(max=5000)])

    def record(self) -> dict[str, Any]:
        """What was typed into the workflow's own fields, as the measure keeps it."""
        return {
            name.removeprefix(PREFIX): _kept(field) for name, field in self._fields.items() if name.startswith(PREFIX)
        }

    def refuse(self, error: DomainError) -> None:
        """Finds the workflow's own fields, which the service calls by their keys."""
        if error.field and PREFIX + error.field in self._fields:
            error.field = PREFIX + error.field
        super().refuse(error)


def form_for(transition: Transition, workflow: Workflow) -> TransitionForm:
    """The form of one transition."""
    fields = {PREFIX + key: _input(workflow.fields[key]) for key in transition.fields}
    needs_note = any(guard.name == "note_given" for guard in transition.guards)
    if needs_note:
        required = [InputRequired(_l("Begründung fehlt")), Length(max=5000)]
        fields["note"] = TextAreaField(_l("Begründung"), required)
    return type("ThisTransitionForm", (TransitionForm,), fields)()  # type: ignore[no-any-return]


def _input(field: RecordField) -> Field:
    label = local(field.label)
    hint = local(field.hint)
    required = InputRequired(_l("Angabe „%(label)s“ fehlt", label=label))
    kinds: Mapping[FieldType, tuple[type[Field], list[Any]]] = {
        FieldType.TEXT: (StringField, [required, Length(max=500)]),
        FieldType.LONGTEXT: (TextAreaField, [required, Length(max=5000)]),
        FieldType.DATE: (DayField, [required]),
        FieldType.URL: (
            URLField,
            [required, Length(max=1000), URL(message=_l("Schreiben Sie eine Adresse wie https://…"))],
        ),
        FieldType.MONEY: (MoneyField, [required, Length(max=20)]),
        FieldType.YES_NO: (BooleanField, [Optional()]),
    }
    kind, validators = kinds[field.type]
    return kind(label, validators, description=hint)


def _kept(field: Field) -> Any:
    if isinstance(field, MoneyField):
        return None if field.amount is None else f"{field.amount:.2f}"
    if isinstance(field, DayField):
        return field.data.isoformat() if field.data else None
    if isinstance(field, BooleanField):
        return "ja" if field.data else None
    return (field.data or "").strip() or None


class StatusForm(VersionedForm):
    """Where a measure stands whose status was not known."""

    status = SelectField(_l("Status"), [InputRequired(_l("Bitte wählen Sie einen Status."))])
    note = TextAreaField(
        _l("Woher ist das bekannt?"),
        [InputRequired(_l("Bitte geben Sie an, woher Sie den Status kennen.")), Length(max=5000)],
    )


class AssignmentForm(VersionedForm):
    """Who is responsible for a measure."""

    lead = SelectField(_l("Projektleitung"), default="")
    unit = SelectField(_l("Verantwortliche Stelle"), default="")
