"""Forms of a measure. Which fields they have is decided by the programme's workflow and the person's roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf.file import MultipleFileField
from werkzeug.datastructures import MultiDict
from wtforms import (
    Field,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    URLField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import URL, DataRequired, InputRequired, Length, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from app.core.errors import DomainError
from app.core.forms import DayField, Form, MoneyField, Needed, VersionedForm, amount_typed
from app.core.i18n import local, readable, translate
from app.core.localized import Localized
from app.core.text import Text
from app.measures.details import (
    DETAILS,
    PREDECESSORS,
    PREDECESSORS_NAME,
    YES_OR_NO,
    Detail,
    parse_date,
    read_kept,
    typed_date,
)
from app.measures.migration import InUse
from app.measures.models import Measure
from app.programmes.access import Access
from app.programmes.four_eyes import REASON_FIELD
from app.programmes.guards import Condition, Given
from app.programmes.workflow import Field as RecordField
from app.programmes.workflow import FieldType, Offer, Person, Status

PREFIX = "record_"
TOO_LONG = _l("Bitte kürzen Sie den Text auf höchstens %(max)s Zeichen.")
MOST_PARTNERS = 50
Choices = Sequence[tuple[str, str]]


class TransitionForm(VersionedForm):
    """The note every transition may carry; `form_for` adds what this one asks for."""

    note = TextAreaField(_l("Begründung oder Bemerkung"), [Length(max=5000, message=TOO_LONG)])

    def record(self) -> dict[str, Any]:
        """What was typed into the workflow's own fields, as the measure keeps it."""
        return _record(self)

    def given(self) -> Given:
        """What the person gives with the step; how many files is known where they are taken in."""
        reason = self[REASON_FIELD].data if REASON_FIELD in self else None
        return Given(self.note.data or "", self.record(), override_reason=reason or "")

    def refuse(self, error: DomainError) -> None:
        _find_record_field(self, error)
        super().refuse(error)

    def name_unmet(self, unmet: Iterable[Condition]) -> None:
        """Puts what the form asks for and did not get on its field, where nothing is wrong with that field yet."""
        for condition in unmet:
            name = condition.input_field or ""
            field = self._fields.get(PREFIX + name) or self._fields.get(name)
            if field is not None and not field.errors:
                field.errors = [translate(condition.sentence)]

    def mistyped(self) -> list[tuple[str, str]]:
        """What was typed and cannot be read, as the label of its field and a sentence."""
        return [
            (str(field.label.text), str(message))
            for field in self
            if field.raw_data and str(field.raw_data[0]).strip()
            for message in field.errors
        ]


def form_for(
    measure: Measure, person: Person, offer: Offer, *, typed: Mapping[str, str] | None = None
) -> TransitionForm:
    """The form of one step as it is offered to a person: the fields it asks them for, filled with what is known
    already, and the reason where only an emergency lets them take it.

    `typed` is what a command was given, by the names of the form; a page reads its request.
    """
    rules = measure.workflow.rules
    asked = {key: rules.fields[key] for key in rules.asked(offer.transition, person.roles)}
    needs = {guard.name for guard in offer.transition.guards}
    fields = {PREFIX + key: record_input(field) for key, field in asked.items()}
    if "note_given" in needs:
        required = [InputRequired(_l("Begründung fehlt")), Length(max=5000, message=TOO_LONG)]
        fields["note"] = TextAreaField(_l("Begründung"), required)
    if "evidence_attached" in needs:
        fields["files"] = MultipleFileField(_l("Nachweise"), [Needed()])
    if offer.is_emergency:
        fields[REASON_FIELD] = TextAreaField(
            _l("Begründung des Notfalls"),
            [DataRequired(_l("Begründung des Notfalls fehlt")), Length(max=2000, message=TOO_LONG)],
            description=_l("Sie steht im Protokoll und in jedem Digest an die Fördermittelgeber."),
        )
    known = {PREFIX + key: record_value(field, measure.record.get(key)) for key, field in asked.items()}
    form = type("ThisTransitionForm", (TransitionForm,), fields)
    if typed is None:
        return form(**known)  # type: ignore[no-any-return]
    filled = {name: str(value) for name, value in known.items() if value is not None}
    return form(MultiDict(filled | dict(typed)), meta={"csrf": False})  # type: ignore[no-any-return]


def record_value(field: RecordField, kept: Any) -> Any:
    """What the measure keeps, as the input of its field takes it; a value of another kind is typed anew."""
    value = read_kept(field, kept)
    if field.type is FieldType.MONEY:
        return amount_typed(value) if isinstance(value, Decimal) else None
    if field.type is FieldType.DATE:
        return value if isinstance(value, date) else None
    return kept if field.type is FieldType.YES_NO else value


def record_input(field: RecordField, *, is_required: bool = True) -> Field:
    """The input of a field of the workflow."""
    label = local(field.label)
    needed = _needed(label, is_required=is_required)
    kinds: Mapping[FieldType, tuple[type[Field], list[Any]]] = {
        FieldType.TEXT: (StringField, [Length(max=500, message=TOO_LONG)]),
        FieldType.LONGTEXT: (TextAreaField, [Length(max=5000, message=TOO_LONG)]),
        FieldType.DATE: (DayField, []),
        FieldType.URL: (
            URLField,
            [Length(max=1000, message=TOO_LONG), URL(message=_l("Schreiben Sie eine Adresse wie https://…"))],
        ),
        FieldType.MONEY: (MoneyField, [Length(max=20, message=TOO_LONG)]),
        FieldType.YES_NO: (SelectField, []),
    }
    kind, validators = kinds[field.type]
    answers: dict[str, Any] = {"choices": _answers(), "validate_choice": False} if kind is SelectField else {}
    return kind(label, [*needed, *validators], description=local(field.hint), **answers)


def _answers() -> list[SelectChoice]:
    known = [SelectChoice(key, translate(word)) for key, word in YES_OR_NO]
    return [SelectChoice("", "–"), *known]


def _needed(label: str, *, is_required: bool) -> list[Any]:
    return [Filled(_l("Angabe „%(label)s“ fehlt", label=label)) if is_required else Empty()]


class Filled:
    """Asks for more than white space, and says nothing more where the field could not be read."""

    field_flags = {"required": True}  # noqa: RUF012 (read by wtforms)

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, form: Form, field: Field) -> None:
        if not _is_typed(field):
            raise StopValidation(str(self.message))


class Empty:
    """Lets a field be empty, whatever it must look like otherwise."""

    def __call__(self, form: Form, field: Field) -> None:
        if not _is_typed(field):
            raise StopValidation


def _is_typed(field: Field) -> bool:
    return bool(field.errors) or (bool(field.data) and bool(str(field.data).strip()))


def _record(form: Form) -> dict[str, Any]:
    own = (field for field in form if field.name.startswith(PREFIX))
    return {field.name.removeprefix(PREFIX): _kept(field) for field in own}


def _find_record_field(form: Form, error: DomainError) -> None:
    if error.field and PREFIX + error.field in form._fields:
        error.field = PREFIX + error.field


def _kept(field: Field) -> Any:
    if isinstance(field, MoneyField):
        return None if field.amount is None else f"{field.amount:.2f}"
    if isinstance(field, DayField):
        return field.data.isoformat() if field.data else None
    if isinstance(field, SelectField):
        return field.data if field.data in dict(YES_OR_NO) else None
    return (field.data or "").strip() or None


class StatusForm(VersionedForm):
    """Where a measure stands whose status was not known."""

    status = SelectField(_l("Status"), [InputRequired(_l("Bitte wählen Sie einen Status."))])
    note = TextAreaField(
        _l("Woher ist das bekannt?"),
        [InputRequired(_l("Bitte geben Sie an, woher Sie den Status kennen.")), Length(max=5000, message=TOO_LONG)],
    )


class AssignmentForm(VersionedForm):
    """Who is responsible for a measure; `assignment_form` adds what the person may change."""


def assignment_form(
    choices: Mapping[str, tuple[Choices, str]], access: Mapping[str, Access], labels: Mapping[str, Text | Localized]
) -> AssignmentForm:
    """The form with those of `lead` and `unit` that may be changed, by their choices and what is chosen now."""
    fields: dict[str, Field] = {}
    for key, (_offered, chosen) in choices.items():
        if access[key].is_editable:
            label = readable(labels[key])
            needed = _needed(label, is_required=access[key] is Access.REQUIRED)
            fields[key] = SelectField(label, needed, default=chosen)
    form = type("ThisAssignmentForm", (AssignmentForm,), fields)()
    for key in fields:
        form[key].choices = list(choices[key][0])
    return form  # type: ignore[no-any-return]


class DateInPart(Field):
    """A day, a month, a season or a year, as `details.parse_date` reads it. Keeps what was typed."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0]).replace("\x00", "")
        return typed_date(self.data, translate)

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        try:
            self.data = parse_date(typed, translate)
        except ValueError:
            raise ValueError(
                str(
                    _l(
                        "„%(typed)s“ ist kein Datum. Schreiben Sie zum Beispiel 15.03.2023, 03.2023, 2023 "
                        "oder Sommer 2023.",
                        typed=typed[:40].replace("\x00", ""),
                    )
                )
            ) from None


class LinesField(TextAreaField):
    """A short text on each line."""

    def lines(self) -> list[str]:
        """The lines that hold anything, each once."""
        return list(dict.fromkeys(line.strip() for line in (self.data or "").splitlines() if line.strip()))

    def pre_validate(self, form: Any) -> None:
        if len(self.lines()) > MOST_PARTNERS:
            raise ValidationError(str(_l("Bitte geben Sie höchstens %(max)s Zeilen an.", max=MOST_PARTNERS)))
        if any(len(line) > 200 for line in self.lines()):
            raise ValidationError(str(_l("Bitte kürzen Sie jede Zeile auf höchstens %(max)s Zeichen.", max=200)))


class ChecklistField(SelectMultipleField):
    """Any number of choices, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class DetailsForm(VersionedForm):
    """The details of a measure; `details_form` adds those that the person may change."""

    def changes(self) -> dict[str, Any]:
        """What was typed, as `service.edit_measure` takes it; choices are still their keys."""
        own = {name: field for name, field in self._fields.items() if name in (*DETAILS, PREDECESSORS)}
        return {name: _detail(field) for name, field in own.items()} | _record(self)

    def refuse(self, error: DomainError) -> None:
        """Finds the workflow's own fields, which the service calls by their keys."""
        _find_record_field(self, error)
        super().refuse(error)


def details_form(
    details: Iterable[Detail],
    known: Mapping[str, Any],
    record: Mapping[str, Any],
    *,
    areas: Choices,
    others: Choices,
) -> DetailsForm:
    """The form of the details that may be changed, filled with what is known; `areas` are the choices of the focus
    area, `others` those of the predecessors."""
    fields: dict[str, Field] = {}
    values: dict[str, Any] = {}
    for detail in details:
        if not detail.access.is_editable:
            continue
        is_required = detail.access is Access.REQUIRED
        if detail.field is not None:
            fields[PREFIX + detail.key] = record_input(detail.field, is_required=is_required)
            values[PREFIX + detail.key] = record_value(detail.field, record.get(detail.key))
        else:
            fields[detail.key] = _detail_input(detail, is_required=is_required, areas=areas)
            values[detail.key] = known[detail.key]
    if others:
        hint = _l("Was muss umgesetzt sein, bevor Schritte dieser Maßnahme möglich sind, die darauf warten?")
        fields[PREDECESSORS] = ChecklistField(readable(PREDECESSORS_NAME), description=hint)
        values[PREDECESSORS] = known[PREDECESSORS]
    form = type("ThisDetailsForm", (DetailsForm,), fields)(**values)
    for key, choices in (("focus_area", areas), (PREDECESSORS, others)):
        if key in form:
            form[key].choices = list(choices)
    return form  # type: ignore[no-any-return]


def _detail_input(detail: Detail, *, is_required: bool, areas: Choices) -> Field:
    label = readable(detail.label)
    needed = _needed(label, is_required=is_required)
    if detail.key == "focus_area":
        return SelectField(label, needed)
    in_part = _l("So genau, wie es bekannt ist: 15.03.2023, 03.2023, 2023 oder Sommer 2023.")
    kinds: Mapping[str, tuple[type[Field], list[Any], Any]] = {
        "title": (StringField, [Length(max=200, message=TOO_LONG)], ""),
        "summary": (TextAreaField, [Length(max=5000, message=TOO_LONG)], ""),
        "field": (StringField, [Length(max=200, message=TOO_LONG)], ""),
        "partners": (LinesField, [], _l("Ein Name je Zeile.")),
        "starts": (DateInPart, [], in_part),
        "ends": (DateInPart, [], in_part),
        "total_cost": (MoneyField, [Length(max=20, message=TOO_LONG)], _l("In Euro, zum Beispiel 1.234,56.")),
        "grant_amount": (MoneyField, [Length(max=20, message=TOO_LONG)], _l("In Euro, zum Beispiel 1.234,56.")),
    }
    kind, validators, hint = kinds[detail.key]
    return kind(label, [*needed, *validators], description=hint)


def _detail(field: Field) -> Any:
    if isinstance(field, MoneyField):
        return field.amount
    return field.lines() if isinstance(field, LinesField) else field.data


FOLLOWER = "follower_"


class MigrationForm(Form):
    """Which status follows each old one; `migration_form` adds a choice for each. `seen` is the plan that was shown,
    empty for a dry run.
    """

    seen = HiddenField()
    note = TextAreaField(
        _l("Begründung"),
        [Length(max=2000, message=TOO_LONG)],
        description=_l("Freiwillig. Sie steht im Protokoll bei jeder Maßnahme, die umgestellt wird."),
    )

    @property
    def mapped(self) -> tuple[tuple[str, str], ...]:
        """The old statuses with those that follow them."""
        return tuple((name.removeprefix(FOLLOWER), follower) for name, follower in self.chosen.items())

    @property
    def chosen(self) -> dict[str, str]:
        """What was chosen, by the names of the fields, so that it can be sent once more."""
        return {name: field.data or "" for name, field in self._fields.items() if name.startswith(FOLLOWER)}


def migration_form(in_use: Iterable[InUse], offered: Iterable[Status]) -> MigrationForm:
    """The form for a move to a version that offers these statuses; a namesake is chosen already."""
    fields = {
        FOLLOWER + one.key: SelectField(
            local(one.label),
            [DataRequired(_l("Bitte wählen Sie, welcher Status auf „%(status)s“ folgt.", status=local(one.label)))],
            default=one.follower or "",
            description=ngettext("Hier steht %(num)s Maßnahme.", "Hier stehen %(num)s Maßnahmen.", one.measures),
        )
        for one in in_use
    }
    form: MigrationForm = type("ThisMigrationForm", (MigrationForm,), fields)()
    choices = [("", _l("Bitte wählen")), *((status.key, local(status.label)) for status in offered)]
    for name in form.chosen:
        form[name].choices = choices
    return form
