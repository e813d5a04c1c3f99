"""The forms of the workflow editor: a status and its field rules, a step, a field, the beginning, the publication."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.core.forms import Form, VersionedForm, stripped
from app.core.i18n import local, translate
from app.organisations.permissions import ACTING_ROLES, ROLE_NAMES, Role
from app.programmes import editing
from app.programmes.access import MEASURE_FIELDS, RULE_NAMES
from app.programmes.editing import FIELD_TYPE_NAMES, Entry
from app.programmes.guards import ASSIGNABLE_ROLES, GUARDS
from app.programmes.soundness import MOST_DAYS, Definition
from app.programmes.workflow import CATEGORY_NAMES, FieldType

TOO_LONG = _l("Bitte kürzen Sie den Text auf höchstens %(max)s Zeichen.")
CHOOSE = _l("Bitte wählen Sie aus der Liste.")
PLAIN_GUARDS = tuple(key for key, kind in GUARDS.items() if not kind.needs)


def one_line(value: str | None) -> str | None:
    """Text on one line, without white space around it; nothing typed is None."""
    return stripped(" ".join((value or "").split()))


def _label(label: Any, hint: Any = None) -> StringField:
    needed = DataRequired(_l("Bitte geben Sie eine Bezeichnung an."))
    return StringField(label, [needed, Length(max=200, message=TOO_LONG)], filters=[one_line], description=hint)


def _line(label: Any, hint: Any = None) -> StringField:
    return StringField(label, [Length(max=200, message=TOO_LONG)], filters=[one_line], description=hint)


def _paragraph(label: Any, hint: Any = None) -> TextAreaField:
    return TextAreaField(label, [Length(max=2000, message=TOO_LONG)], filters=[stripped], description=hint)


def _checkboxes(label: Any, validators: Sequence[Any] = (), hint: Any = None) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        list(validators),
        choices=[],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=hint,
    )


def _words(german: Field, english: Field) -> dict[str, str] | None:
    """What was typed in two languages, as a definition keeps it."""
    if not german.data:
        return None
    return {"de": german.data} | ({"en": english.data} if english.data else {})


def _check_german(german: Field, english: Field) -> None:
    if english.data and not german.data:
        raise ValidationError(_("Bitte geben Sie auch die deutsche Fassung an."))


def _typed_words(row: Entry, **fields: str) -> dict[str, str | None]:
    """What a definition keeps in two languages, as it is typed: `label="label"` fills label and label_en."""
    typed: dict[str, str | None] = {}
    for field, key in fields.items():
        words = row.get(key) or {}
        typed |= {field: words.get("de"), f"{field}_en": words.get("en")}
    return typed


def named(rows: Iterable[Entry]) -> list[tuple[str, str]]:
    """Entries of a definition as choices."""
    return [(row["key"], local(editing.name_of(row))) for row in rows]


def _roles(roles: Iterable[Role]) -> list[tuple[str, str]]:
    return [(role.value, translate(ROLE_NAMES[role])) for role in roles]


class EntryForm(VersionedForm):
    """A form of one entry of a draft."""

    def values(self) -> dict[str, Any]:
        """The entry without its key, None for what was left empty."""
        raise NotImplementedError

    @classmethod
    def typed(cls, row: Entry) -> dict[str, Any]:
        """What stands in the form of an entry before anybody types."""
        raise NotImplementedError

    def offer(self, definition: Definition) -> None:
        """Fills the lists of the form with what the definition has."""


class StatusForm(EntryForm):
    """A status: what the city calls it, what it means, what is expected now, and what others are told."""

    label = _label(_l("Bezeichnung"), _l("So steht der Status auf allen Seiten der Stadt. Zum Beispiel: Abnahme."))
    label_en = _line(_l("Bezeichnung auf Englisch"))
    category = SelectField(
        _l("Bedeutung"),
        [InputRequired(CHOOSE)],
        description=_l("Was der Status für Berichte und Zahlen heißt, wie auch immer er genannt wird."),
    )
    final = BooleanField(_l("Ende: Aus diesem Status führt kein Schritt mehr"))
    expectation = _paragraph(
        _l("Was wird jetzt erwartet?"),
        _l("Ein, zwei einfache Sätze an die Projektleitung. Sie stehen auf der Seite der Maßnahme."),
    )
    expectation_en = _paragraph(_l("Was wird jetzt erwartet? Auf Englisch"))
    public_label = _line(
        _l("Öffentliche Bezeichnung"),
        _l("Nur wenn Fördermittelgeber und Öffentlichkeit etwas anderes lesen sollen. Leer: die Bezeichnung oben."),
    )
    public_label_en = _line(_l("Öffentliche Bezeichnung auf Englisch"))

    def offer(self, definition: Definition) -> None:
        """Every meaning there is."""
        meanings = [(category.value, translate(words)) for category, words in CATEGORY_NAMES.items()]
        self.category.choices = [("", _("Bitte wählen")), *meanings]

    def validate_public_label(self, field: StringField) -> None:
        """No English wording without a German one."""
        _check_german(field, self.public_label_en)

    def validate_expectation(self, field: TextAreaField) -> None:
        """No English wording without a German one."""
        _check_german(field, self.expectation_en)

    def values(self) -> dict[str, Any]:
        """As a definition keeps it."""
        return {
            "label": _words(self.label, self.label_en),
            "category": self.category.data,
            "final": self.final.data,
            "public_label": _words(self.public_label, self.public_label_en),
            "expectation": _words(self.expectation, self.expectation_en),
        }

    @classmethod
    def typed(cls, row: Entry) -> dict[str, Any]:
        """As a definition keeps it, typed."""
        words = _typed_words(row, label="label", public_label="public_label", expectation="expectation")
        return {**words, "category": row["category"], "final": row.get("final", False)}


class FieldForm(EntryForm):
    """A field of the workflow: something a step asks for and the measure keeps."""

    label = _label(_l("Bezeichnung"), _l("Zum Beispiel: Nummer des Ratsbeschlusses."))
    label_en = _line(_l("Bezeichnung auf Englisch"))
    type = SelectField(_l("Art"), [InputRequired(CHOOSE)], description=_l("Was hier eingetragen werden kann."))
    hint = _line(_l("Hinweis"), _l("Freiwillig: eine kurze Hilfe unter der Bezeichnung."))
    hint_en = _line(_l("Hinweis auf Englisch"))

    def offer(self, definition: Definition) -> None:
        """Every kind of field there is."""
        self.type.choices = [(kind.value, translate(FIELD_TYPE_NAMES[kind])) for kind in FieldType]

    def validate_hint(self, field: StringField) -> None:
        """No English wording without a German one."""
        _check_german(field, self.hint_en)

    def values(self) -> dict[str, Any]:
        """As a definition keeps it."""
        return {
            "label": _words(self.label, self.label_en),
            "type": self.type.data,
            "hint": _words(self.hint, self.hint_en),
        }

    @classmethod
    def typed(cls, row: Entry) -> dict[str, Any]:
        """As a definition keeps it, typed."""
        return {**_typed_words(row, label="label", hint="hint"), "type": row["type"]}


class TransitionForm(EntryForm):
    """A step: from where to where, who may take it, on which conditions, and what it asks for."""

    label = _label(_l("Bezeichnung"), _l("Was jemand tut. Zum Beispiel: Abnahme erklären."))
    label_en = _line(_l("Bezeichnung auf Englisch"))
    source = SelectField(_l("Von"), [InputRequired(CHOOSE)])
    target = SelectField(_l("Nach"), [InputRequired(CHOOSE)])
    roles = _checkboxes(
        _l("Wer darf diesen Schritt gehen?"), [DataRequired(_l("Bitte wählen Sie mindestens eine Rolle."))]
    )
    four_eyes = BooleanField(
        _l("Vier-Augen-Prinzip"),
        description=_l(
            "Wer die Maßnahme in ihren Status gebracht oder zuletzt geändert hat, geht den Schritt nicht selbst."
        ),
    )
    fields = _checkboxes(
        _l("Welche Felder fragt der Schritt ab?"),
        (),
        _l("Sie müssen ausgefüllt sein, damit der Schritt möglich ist."),
    )
    plain = _checkboxes(_l("Was muss erfüllt sein, damit der Schritt möglich ist?"))
    progress = BooleanField(_l("Sachstand aktuell"))
    days = StringField(_l("Der letzte Sachstand ist höchstens so viele Tage alt"), filters=[one_line])
    decision = BooleanField(_l("Beschluss mit Nummer und Adresse erfasst"))
    number = SelectField(
        _l("Feld mit der Nummer des Beschlusses"), default="", description=_l("Ein Feld der Art „kurzer Text“.")
    )
    link = SelectField(
        _l("Feld mit der Adresse des Beschlusses"), default="", description=_l("Ein Feld der Art „Adresse im Netz“.")
    )
    filled = _checkboxes(
        _l("Diese Angaben sind ausgefüllt"), (), _l("Auch wenn der Schritt selbst nicht nach ihnen fragt.")
    )
    assigned = _checkboxes(_l("Diese Rollen sind besetzt"))

    guards_before: Sequence[Entry] = ()

    def offer(self, definition: Definition) -> None:
        """Statuses, fields and roles to choose from."""
        fields = editing.entries(definition, "fields")
        self.source.choices = self.target.choices = [
            ("", _("Bitte wählen")),
            *named(editing.entries(definition, "statuses")),
        ]
        self.roles.choices = _roles(ACTING_ROLES)
        self.assigned.choices = _roles(ASSIGNABLE_ROLES)
        self.fields.choices = named(fields)
        self.plain.choices = [(key, translate(GUARDS[key].name)) for key in PLAIN_GUARDS]
        self.filled.choices = field_choices(definition)
        self.number.choices = [("", "–"), *named(row for row in fields if row["type"] == FieldType.TEXT)]
        self.link.choices = [("", "–"), *named(row for row in fields if row["type"] == FieldType.URL)]

    def validate_days(self, field: StringField) -> None:
        """A number of days with the condition, none without."""
        _check_pair(self.progress, field)
        typed = field.data or ""
        is_number = typed.isascii() and typed.isdigit() and len(typed) < 6
        if self.progress.data and not (is_number and 1 <= int(typed) <= MOST_DAYS):
            raise ValidationError(_("Schreiben Sie eine ganze Zahl von 1 bis %(most)s.", most=MOST_DAYS))

    def validate_number(self, field: SelectField) -> None:
        """A field with the condition, none without."""
        self._check_decision(field)

    def validate_link(self, field: SelectField) -> None:
        """A field with the condition, none without."""
        self._check_decision(field)

    def _check_decision(self, field: SelectField) -> None:
        _check_pair(self.decision, field)
        if self.decision.data and not field.data:
            raise ValidationError(
                _("Bitte wählen Sie ein Feld. Fehlt es noch, legen Sie es zuerst unter „Felder“ an.")
            )

    def values(self) -> dict[str, Any]:
        """As a definition keeps it."""
        return {
            "label": _words(self.label, self.label_en),
            "from": self.source.data,
            "to": self.target.data,
            "roles": self.roles.data,
            "guards": editing.in_known_order(list(self._guards()), self.guards_before),
            "fields": _in_stored_order(self.fields),
            "four_eyes": self.four_eyes.data or None,
        }

    def _guards(self) -> Iterator[Entry]:
        yield from (editing.guard(name) for name in self.plain.data or ())
        if self.progress.data:
            yield editing.guard("progress_current", days=int(self.days.data or 0))
        if self.decision.data:
            yield editing.guard("decision_recorded", number=self.number.data, link=self.link.data)
            yield from _named_guards(self.guards_before, "decision_recorded")[1:]
        if self.filled.data:
            yield editing.guard("fields_filled", fields=_in_stored_order(self.filled))
        yield from (editing.guard("role_assigned", role=role) for role in self.assigned.data or ())

    @classmethod
    def typed(cls, row: Entry) -> dict[str, Any]:
        """As a definition keeps it, typed. Of several ages of a progress update only the strictest counts."""
        guards: Sequence[Entry] = row.get("guards", ())
        days = [guard["days"] for guard in _named_guards(guards, "progress_current")]
        decision = next(iter(_named_guards(guards, "decision_recorded")), {})
        return {
            **_typed_words(row, label="label"),
            "source": row["from"],
            "target": row["to"],
            "roles": list(row["roles"]),
            "four_eyes": row.get("four_eyes", False),
            "fields": list(row.get("fields", ())),
            "plain": [guard["guard"] for guard in guards if guard["guard"] in PLAIN_GUARDS],
            "progress": bool(days),
            "days": str(min(days)) if days else None,
            "decision": bool(decision),
            "number": decision.get("number", ""),
            "link": decision.get("link", ""),
            "filled": [key for guard in _named_guards(guards, "fields_filled") for key in guard["fields"]],
            "assigned": [guard["role"] for guard in _named_guards(guards, "role_assigned")],
        }


def _named_guards(guards: Iterable[Entry], name: str) -> list[Entry]:
    return [guard for guard in guards if guard["guard"] == name]


def _in_stored_order(control: SelectMultipleField) -> list[str]:
    """What is ticked; what was before keeps its place, so that nothing looks changed."""
    ticked: list[str] = control.data or []
    before = [key for key in control.object_data or () if key in ticked]
    return list(dict.fromkeys([*before, *ticked]))


def _check_pair(box: BooleanField, field: Field) -> None:
    """Refuses a value typed anew beside a box nobody ticked; what a box that was unticked leaves behind may stay."""
    if not box.data and field.data and field.data != field.object_data:
        raise ValidationError(_("Kreuzen Sie „%(box)s“ an, damit diese Angabe gilt.", box=box.label.text))


def field_choices(definition: Definition) -> list[tuple[str, str]]:
    """The fields of every measure and those of the workflow."""
    ours = [(key, translate(words)) for key, words in MEASURE_FIELDS.items()]
    return [*ours, *named(editing.entries(definition, "fields"))]


class FieldRuleForm(VersionedForm):
    """One more rule of a status: a field, what holds for it, and for whom."""

    field = SelectField(_l("Feld"), [InputRequired(CHOOSE)])
    rule = SelectField(_l("Regel"), [InputRequired(CHOOSE)])
    roles = _checkboxes(_l("Für wen?"), (), _l("Ohne Auswahl gilt die Regel für alle."))

    def offer(self, definition: Definition) -> None:
        """Fields, rules and roles to choose from."""
        self.field.choices = [("", _("Bitte wählen")), *field_choices(definition)]
        self.rule.choices = [("", _("Bitte wählen")), *((key, translate(words)) for key, words in RULE_NAMES.items())]
        self.roles.choices = _roles(Role)

    def values(self) -> dict[str, Any]:
        """As a definition keeps it."""
        rule = {"field": self.field.data, "rule": self.rule.data}
        return rule | ({"roles": self.roles.data} if self.roles.data else {})


class InitialForm(VersionedForm):
    """In which status measures begin."""

    initial = SelectField(_l("Anfang"), [InputRequired(CHOOSE)], description=_l("Neue Maßnahmen beginnen hier."))

    def offer(self, definition: Definition) -> None:
        """The statuses there are."""
        self.initial.choices = [("", _("Bitte wählen")), *named(editing.entries(definition, "statuses"))]


class CopyForm(Form):
    """The programme whose workflow is taken over."""

    programme = SelectField(_l("Programm"), [InputRequired(_l("Bitte wählen Sie ein Programm."))])


class PublishForm(VersionedForm):
    """What is new in the version."""

    note = TextAreaField(
        _l("Was ist neu?"),
        [DataRequired(_l("Bitte schreiben Sie, was neu ist.")), Length(max=2000, message=TOO_LONG)],
        filters=[stripped],
        description=_l("Ein, zwei Sätze für alle, die später wissen wollen, warum es diese Version gibt."),
    )


def shown(form: VersionedForm) -> Mapping[str, str]:
    """What stands in a form, in words, by the names of its fields: for whoever compares two states of it."""
    return {field.name: _shown(field) for field in form if field.name not in ("version", "csrf_token")}


def _shown(field: Field) -> str:
    if isinstance(field, BooleanField):
        return _yes_or_no(field)
    if isinstance(field, SelectField):
        chosen = field.data if isinstance(field.data, list) else [field.data]
        return ", ".join(str(choice[1]) for choice in field.choices or () if choice[0] and choice[0] in chosen)
    return str(field.data or "")


def _yes_or_no(field: BooleanField) -> str:
    return str(_("ja") if field.data else _("nein"))
