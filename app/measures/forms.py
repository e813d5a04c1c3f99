"""Forms of a measure. The fields of a transition come from the programme's workflow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, Field, SelectField, StringField, TextAreaField, URLField
from wtforms.validators import URL, InputRequired, Length, Optional

from app.core.errors import DomainError
from app.core.forms import DayField, MoneyField, VersionedForm, amount_typed
from app.core.i18n import local
from app.programmes.four_eyes import REASON_FIELD
from app.programmes.guards import Given
from app.programmes.workflow import Field as RecordField
from app.programmes.workflow import FieldType, Transition

PREFIX = "record_"
YES = "ja"


class TransitionForm(VersionedForm):
    """The note every transition may carry; `form_for` adds what this one asks for."""

    note = TextAreaField(_l("Begründung oder Bemerkung"), [Length(max=5000)])

    def record(self) -> dict[str, Any]:
        """What was typed into the workflow's own fields, as the measure keeps it."""
        return {
            name.removeprefix(PREFIX): _kept(field) for name, field in self._fields.items() if name.startswith(PREFIX)
        }

    def given(self) -> Given:
        """What the person gives with the step; how many files is known where they are taken in."""
        reason = self[REASON_FIELD].data if REASON_FIELD in self else None
        return Given(self.note.data or "", self.record(), override_reason=reason or "")

    def refuse(self, error: DomainError) -> None:
        """Finds the workflow's own fields, which the service calls by their keys."""
        if error.field and PREFIX + error.field in self._fields:
            error.field = PREFIX + error.field
        super().refuse(error)


def form_for(
    transition: Transition, asked: Mapping[str, RecordField], record: Mapping[str, Any], *, is_emergency: bool
) -> TransitionForm:
    """The form of one transition: the fields it asks this person for, filled with what is known already."""
    needs = {guard.name for guard in transition.guards}
    fields = {PREFIX + key: record_input(field) for key, field in asked.items()}
    if "note_given" in needs:
        required = [InputRequired(_l("Begründung fehlt")), Length(max=5000)]
        fields["note"] = TextAreaField(_l("Begründung"), required)
    if "evidence_attached" in needs:
        fields["files"] = MultipleFileField(_l("Nachweise"))
    if is_emergency:
        fields[REASON_FIELD] = TextAreaField(
            _l("Begründung des Notfalls"),
            [InputRequired(_l("Begründung des Notfalls fehlt")), Length(max=2000)],
            description=_l("Sie steht im Protokoll und in jedem Digest an die Fördermittelgeber."),
        )
    known = {PREFIX + key: record_value(field, record.get(key)) for key, field in asked.items()}
    return type("ThisTransitionForm", (TransitionForm,), fields)(**known)  # type: ignore[no-any-return]


def record_value(field: RecordField, kept: Any) -> Any:
    """What the measure keeps, as the input of its field takes it."""
    if kept is None:
        return None
    if field.type is FieldType.DATE:
        return date.fromisoformat(kept)
    if field.type is FieldType.MONEY:
        return amount_typed(Decimal(kept))
    return kept == YES if field.type is FieldType.YES_NO else kept


def record_input(field: RecordField) -> Field:
    """The input of a field of the workflow, which must be filled."""
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
        return YES if field.data else None
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
