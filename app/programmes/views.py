"""What each programme asks for: funders, reminder steps, rhythms, and its workflow, which coordinators edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from app.core import clock
from app.core.errors import Conflict, NotFound, RuleBroken
from app.core.forms import Form, VersionedForm
from app.core.i18n import local, translate
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, allows, require
from app.organisations.viewer import current_actor
from app.programmes import changes, editing, guards, queries, service
from app.programmes.diagram import Diagram, draw, step_words
from app.programmes.editing import Entry, Part, Remark
from app.programmes.forms import (
    CopyForm,
    EntryForm,
    FieldForm,
    FieldRuleForm,
    InitialForm,
    PublishForm,
    StatusForm,
    TransitionForm,
    shown,
)
from app.programmes.models import Programme, WorkflowDraft
from app.programmes.soundness import Definition
from app.programmes.workflow import CATEGORY_NAMES, Workflow

blueprint = Blueprint("programmes", __name__, url_prefix="/programmes")

Answer = Response | str | tuple[str, int]

blueprint.add_app_template_global(step_words)
blueprint.add_app_template_global(changes.rule_sentence)


@blueprint.app_template_global("diagram")
def draw_diagram(rules: Workflow, *, is_public: bool = False) -> Diagram:
    """The picture of a workflow in the reader's language."""
    return draw(rules, local, is_public=is_public)


@blueprint.get("")
def index() -> str:
    """The programmes."""
    return render_template("programmes/index.html", programmes=queries.list_programmes(current_actor()))


@blueprint.get("/<key>")
def show(key: str) -> str:
    """One programme with its workflow; whoever pays for it reads the workflow in public words."""
    actor = current_actor()
    programme = queries.get_programme(actor, key)
    return render_template(
        "programmes/show.html",
        programme=programme,
        workflow=programme.newest_workflow,
        role_names=ROLE_NAMES,
        is_internal=allows(actor, Permission.VIEW_INTERNAL),
        may_edit=allows(actor, Permission.EDIT_WORKFLOWS),
    )


# -- versions


@blueprint.get("/<key>/workflow")
def workflow(key: str) -> str:
    """Every version of a workflow, and the draft of the next."""
    actor, programme = _internal(key)
    return _versions_page(actor, programme, _copy_form(actor, programme))


@blueprint.get("/<key>/workflow/<int:version>")
def workflow_version(key: str, version: int) -> str:
    """One published version as a picture and a table."""
    _actor, programme = _internal(key)
    row = queries.get_version(programme, version)
    return render_template("programmes/version.html", programme=programme, workflow=row, rules=row.rules)


@blueprint.post("/<key>/workflow/draft/begin")
def begin_draft(key: str) -> Answer:
    """A draft from the newest version."""
    actor, programme = _coordinated(key)
    try:
        service.begin_draft(actor, programme, now=clock.now())
    except Conflict as error:
        return _overtaken(programme, error)
    return _begun(programme)


@blueprint.post("/<key>/workflow/draft/copy")
def copy_draft(key: str) -> Answer:
    """A draft from the newest version of another programme."""
    actor, programme = _coordinated(key)
    form = _copy_form(actor, programme)
    if not form.validate_on_submit():
        return _versions_page(actor, programme, form), 422
    other = queries.get_programme(actor, form.programme.data)
    try:
        service.copy_draft(actor, programme, other, now=clock.now())
    except Conflict as error:
        return _overtaken(programme, error)
    return _begun(programme)


def _copy_form(actor: Actor, programme: Programme) -> CopyForm:
    form = CopyForm()
    patterns = [(row.key, local(row.name)) for row in queries.list_patterns(actor, programme)]
    form.programme.choices = [("", _("Bitte wählen")), *patterns]
    return form


def _versions_page(actor: Actor, programme: Programme, form: CopyForm) -> str:
    return render_template(
        "programmes/workflow.html",
        programme=programme,
        newest=programme.newest_workflow,
        form=form,
        may_edit=allows(actor, Permission.EDIT_WORKFLOWS),
    )


def _begun(programme: Programme) -> Response:
    flash(_("Der Entwurf ist angelegt. Maßnahmen folgen ihm erst, wenn er veröffentlicht ist."), "success")
    return redirect(url_for("programmes.draft", key=programme.key))


# -- the draft


@blueprint.get("/<key>/workflow/draft")
def draft(key: str) -> str:
    """The draft: what the validator finds, the picture, and every entry with its buttons."""
    _actor, programme = _coordinated(key)
    return _draft_page(programme, queries.get_draft(programme))


@dataclass(frozen=True)
class Line:
    """What the validator found, with the page on which it is mended."""

    remark: Remark
    url: str


def _lines(programme: Programme, definition: Definition) -> list[Line]:
    return [Line(remark, _mending_url(programme, remark)) for remark in queries.review(programme, definition)]


def _mending_url(programme: Programme, remark: Remark) -> str:
    if remark.part == "initial":
        return url_for("programmes.edit_initial", key=programme.key)
    if remark.key is None:
        return url_for("programmes.draft", key=programme.key, _anchor=ANCHORS.get(remark.part, "main"))
    if remark.is_rule:
        return url_for("programmes.field_rules", key=programme.key, status_key=remark.key)
    if remark.is_about_ways:
        return url_for("programmes.draft", key=programme.key, _anchor=f"aus-{remark.key}")
    page = PAGES[PARTS[remark.part]]
    address: dict[str, Any] = {"key": programme.key, page.argument: remark.key}
    return url_for(page.edit, **address)


def _draft_page(programme: Programme, stored: WorkflowDraft, refusal: RuleBroken | None = None) -> str:
    definition = stored.definition
    return render_template(
        "programmes/draft.html",
        programme=programme,
        draft=stored,
        definition=definition,
        rules=editing.drawn(definition),
        groups=list(_groups(definition)),
        lines=_lines(programme, definition),
        refusal=refusal,
        name_of=editing.name_of,
        category_names=CATEGORY_NAMES,
        field_type_names=editing.FIELD_TYPE_NAMES,
        role_names=ROLE_NAMES,
        guard_title=guards.title,
    )


def _groups(definition: Definition) -> Iterator[tuple[Entry | None, list[Entry]]]:
    """The steps by the status they leave; last those that leave one there is not."""
    known = {row["key"] for row in definition["statuses"]}
    for status in definition["statuses"]:
        yield status, [row for row in definition["transitions"] if row["from"] == status["key"]]
    if lost := [row for row in definition["transitions"] if row["from"] not in known]:
        yield None, lost


@blueprint.route("/<key>/workflow/draft/discard", methods=["GET", "POST"])
def discard_draft(key: str) -> Answer:
    """Asks once more, then throws the draft away."""
    actor, programme = _coordinated(key)
    stored, form = _draft_of(programme), VersionedForm()
    if stored is None:
        return _overtaken(programme, Conflict(service.GONE))
    if request.method == "POST":
        try:
            service.discard_draft(actor, stored, seen_version=form.seen_version, now=clock.now())
        except Conflict as error:
            return _overtaken(programme, error)
        flash(_("Der Entwurf ist verworfen. Die veröffentlichten Versionen sind unverändert."), "success")
        return redirect(url_for("programmes.workflow", key=key))
    form.version.data = str(stored.version)
    return render_template("programmes/discard_draft.html", programme=programme, draft=stored, form=form)


@blueprint.route("/<key>/workflow/draft/publish", methods=["GET", "POST"])
def publish_draft(key: str) -> Answer:
    """What the next version changes, what still stops it, and what is told about it."""
    actor, programme = _coordinated(key)
    stored = _draft_of(programme)
    if stored is None:
        return _overtaken(programme, Conflict(service.GONE), PublishForm())
    form = PublishForm(version=stored.version)

    def save() -> Response:
        note, seen = form.note.data or "", form.seen_version
        version = service.publish_draft(actor, stored, note, seen_version=seen, now=clock.now()).version
        flash(
            _("Version %(version)s ist veröffentlicht. Laufende Maßnahmen sind unberührt.", version=version),
            "success",
        )
        return redirect(url_for("programmes.workflow", key=key))

    def page() -> Mapping[str, Any]:
        newest, drawn = programme.newest_workflow, editing.drawn(stored.definition)
        return {
            "lines": _lines(programme, stored.definition),
            "newest": newest,
            "sentences": changes.between(newest.definition, stored.definition) if newest and drawn else (),
        }

    return _answer("programmes/publish_draft.html", form, programme, stored, save, page)


@blueprint.route("/<key>/workflow/draft/initial", methods=["GET", "POST"])
def edit_initial(key: str) -> Answer:
    """In which status measures begin."""
    actor, programme = _coordinated(key)
    stored = _draft_of(programme)
    if stored is None:
        return _overtaken(programme, Conflict(service.GONE))
    form = InitialForm(initial=stored.definition["initial"], version=stored.version)
    form.offer(stored.definition)

    def save() -> Response:
        service.set_initial(actor, stored, form.initial.data, seen_version=form.seen_version, now=clock.now())
        return _saved(programme, _("Der Anfang ist im Entwurf gespeichert."), ANCHORS["statuses"])

    def page() -> Mapping[str, Any]:
        form.offer(stored.definition)
        now_stored = InitialForm(formdata=None, initial=stored.definition["initial"])
        now_stored.offer(stored.definition)
        return {"stored": _differences(form, now_stored)}

    return _answer("programmes/edit_initial.html", form, programme, stored, save, page)


# -- its entries


@dataclass(frozen=True)
class EntryPage:
    """How the entries of a part are edited; `argument` is what the address calls their key."""

    part: Part
    form: type[EntryForm]
    put: Callable[..., str]
    template: str
    edit: str
    argument: str


PAGES: Mapping[Part, EntryPage] = {
    page.part: page
    for page in (
        EntryPage(
            "statuses",
            StatusForm,
            service.put_status,
            "programmes/edit_status.html",
            "programmes.edit_status",
            "status_key",
        ),
        EntryPage(
            "transitions",
            TransitionForm,
            service.put_transition,
            "programmes/edit_transition.html",
            "programmes.edit_transition",
            "transition_key",
        ),
        EntryPage(
            "fields", FieldForm, service.put_field, "programmes/edit_field.html", "programmes.edit_field", "field_key"
        ),
    )
}
PARTS: Mapping[str, Part] = {part: part for part in PAGES}
ANCHORS: Mapping[str, str] = {"statuses": "status", "transitions": "schritte", "fields": "felder"}


@blueprint.route("/<key>/workflow/draft/new-status", methods=["GET", "POST"])
def add_status(key: str) -> Answer:
    """The form for a new status."""
    return _entry_page(key, "statuses", None)


@blueprint.route("/<key>/workflow/draft/statuses/<status_key>", methods=["GET", "POST"])
def edit_status(key: str, status_key: str) -> Answer:
    """The form of a status."""
    return _entry_page(key, "statuses", status_key)


@blueprint.post("/<key>/workflow/draft/statuses/<status_key>/removal")
def remove_status(key: str, status_key: str) -> Answer:
    """Takes a status out of the draft."""
    return _press(key, "statuses", status_key, service.remove_status, _("Der Status ist aus dem Entwurf entfernt."))


@blueprint.post("/<key>/workflow/draft/statuses/<status_key>/position")
def move_status(key: str, status_key: str) -> Answer:
    """Moves a status up or down."""
    return _move(key, "statuses", status_key)


@blueprint.route("/<key>/workflow/draft/new-step", methods=["GET", "POST"])
def add_transition(key: str) -> Answer:
    """The form for a new step."""
    return _entry_page(key, "transitions", None)


@blueprint.route("/<key>/workflow/draft/steps/<transition_key>", methods=["GET", "POST"])
def edit_transition(key: str, transition_key: str) -> Answer:
    """The form of a step."""
    return _entry_page(key, "transitions", transition_key)


@blueprint.post("/<key>/workflow/draft/steps/<transition_key>/removal")
def remove_transition(key: str, transition_key: str) -> Answer:
    """Takes a step out of the draft."""
    message = _("Der Schritt ist aus dem Entwurf entfernt.")
    return _press(key, "transitions", transition_key, service.remove_transition, message)


@blueprint.post("/<key>/workflow/draft/steps/<transition_key>/position")
def move_transition(key: str, transition_key: str) -> Answer:
    """Moves a step up or down among those that leave the same status."""
    return _move(key, "transitions", transition_key)


@blueprint.route("/<key>/workflow/draft/new-field", methods=["GET", "POST"])
def add_field(key: str) -> Answer:
    """The form for a new field."""
    return _entry_page(key, "fields", None)


@blueprint.route("/<key>/workflow/draft/fields/<field_key>", methods=["GET", "POST"])
def edit_field(key: str, field_key: str) -> Answer:
    """The form of a field."""
    return _entry_page(key, "fields", field_key)


@blueprint.post("/<key>/workflow/draft/fields/<field_key>/removal")
def remove_field(key: str, field_key: str) -> Answer:
    """Takes a field out of the draft."""
    return _press(key, "fields", field_key, service.remove_field, _("Das Feld ist aus dem Entwurf entfernt."))


@blueprint.post("/<key>/workflow/draft/fields/<field_key>/position")
def move_field(key: str, field_key: str) -> Answer:
    """Moves a field up or down."""
    return _move(key, "fields", field_key)


@blueprint.route("/<key>/workflow/draft/statuses/<status_key>/rules", methods=["GET", "POST"])
def field_rules(key: str, status_key: str) -> Answer:
    """The field rules of a status, and the form for one more."""
    actor, programme = _coordinated(key)
    stored = _draft_of(programme)
    if stored is None:
        return _overtaken(programme, Conflict(service.GONE))
    form = FieldRuleForm(version=stored.version)
    form.offer(stored.definition)
    if editing.find(stored.definition, "statuses", status_key) is None:
        raise NotFound(service.NO_ENTRY)

    def save() -> Response:
        seen = form.seen_version
        service.add_field_rule(actor, stored, status_key, form.values(), seen_version=seen, now=clock.now())
        flash(_("Die Regel ist im Entwurf gespeichert."), "success")
        return redirect(url_for("programmes.field_rules", key=key, status_key=status_key))

    def page() -> Mapping[str, Any]:
        form.offer(stored.definition)
        row = editing.find(stored.definition, "statuses", status_key)
        if row is None:  # somebody removed the status while this form was open
            raise Conflict(service.NO_ENTRY)
        labels = editing.labels(stored.definition)
        words = [changes.rule_sentence(rule, labels) for rule in editing.rules_of(row)]
        return {"status": row, "name": editing.name_of(row), "rule_sentences": words, "stored": []}

    return _answer("programmes/field_rules.html", form, programme, stored, save, page)


@blueprint.post("/<key>/workflow/draft/statuses/<status_key>/rules/removal")
def remove_field_rule(key: str, status_key: str) -> Answer:
    """Takes a field rule from a status."""
    typed = request.form.get("index", "")
    index = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else -1

    def remove(actor: Actor, stored: WorkflowDraft, status: str, **seen: Any) -> None:
        service.remove_field_rule(actor, stored, status, index, **seen)

    answer = url_for("programmes.field_rules", key=key, status_key=status_key)
    return _press(key, "statuses", status_key, remove, _("Die Regel ist aus dem Entwurf entfernt."), answer)


def _entry_page(key: str, part: Part, entry: str | None) -> Answer:
    actor, programme = _coordinated(key)
    page, stored = PAGES[part], _draft_of(programme)
    if stored is None:
        return _overtaken(programme, Conflict(service.GONE), _filled(page.form, editing.EMPTY))
    row = editing.find(stored.definition, part, entry) if entry else None
    if entry and row is None:
        if request.method == "POST":
            return _overtaken(programme, Conflict(service.NO_ENTRY), _filled(page.form, stored.definition))
        raise NotFound(service.NO_ENTRY)
    typed = page.form.typed(row) if row else _beginning(part, stored.definition)
    form = _filled(page.form, stored.definition, **typed, version=stored.version)
    if isinstance(form, TransitionForm) and row:
        form.guards_before = row.get("guards", ())

    def save() -> Response:
        values, seen = form.values(), form.seen_version
        entry_key = page.put(actor, stored, entry, values, seen_version=seen, now=clock.now())
        message = _("„%(name)s“ ist im Entwurf gespeichert.", name=values["label"]["de"])
        return _saved(programme, message, f"{ANCHORS[part]}-{entry_key}")

    def shown_beside() -> Mapping[str, Any]:
        form.offer(stored.definition)
        now = editing.find(stored.definition, part, entry) if entry else None
        if entry and now is None:  # somebody removed it while this form was open
            raise Conflict(service.NO_ENTRY)
        other = _filled(page.form, stored.definition, formdata=None, **page.form.typed(now)) if now else None
        return {
            "entry": now,
            "name": editing.name_of(now) if now else None,
            "stored": _differences(form, other) if other else [],
            "uses": editing.uses(stored.definition, part, entry) if entry else (),
        }

    return _answer(page.template, form, programme, stored, save, shown_beside)


def _filled(kind: type[EntryForm], definition: Definition, **values: Any) -> EntryForm:
    form = kind(**values)
    form.offer(definition)
    return form


def _beginning(part: Part, definition: Definition) -> Mapping[str, Any]:
    """What stands in a new form: a step begins where its button stood."""
    source = request.args.get("from", "")
    known = part == "transitions" and editing.find(definition, "statuses", source) is not None
    return {"source": source} if known else {}


def _differences(form: VersionedForm, other: VersionedForm) -> list[tuple[str, str]]:
    """What another form says otherwise, with the labels of its fields."""
    ours, theirs = shown(form), shown(other)
    return [(other[name].label.text, theirs[name]) for name in theirs if theirs[name] != ours[name]]


def _move(key: str, part: Part, entry: str) -> Answer:
    up = request.form.get("to") == "up"

    def move(actor: Actor, stored: WorkflowDraft, entry_key: str, **seen: Any) -> None:
        service.move_entry(actor, stored, part, entry_key, up=up, **seen)

    back = url_for("programmes.draft", key=key, _anchor=f"{ANCHORS[part]}-{entry}")
    return _press(key, part, entry, move, None, back)


def _press(
    key: str, part: Part, entry: str, act: Callable[..., None], message: str | None, answer: str | None = None
) -> Answer:
    """A button of the draft: it carries the version the person saw, and nothing that is typed."""
    actor, programme = _coordinated(key)
    stored = _draft_of(programme)
    if stored is None:
        return _overtaken(programme, Conflict(service.GONE))
    try:
        act(actor, stored, entry, seen_version=VersionedForm().seen_version, now=clock.now())
    except Conflict as error:
        return _overtaken(programme, error)
    except RuleBroken as error:
        return _draft_page(programme, stored, error), 422
    if message:
        flash(message, "success")
    return redirect(answer or url_for("programmes.draft", key=key, _anchor=ANCHORS[part]))


# -- what all of them do


def _internal(key: str) -> tuple[Actor, Programme]:
    """The programme, for the city's own people."""
    actor = current_actor()
    programme = queries.get_programme(actor, key)
    require(actor, Permission.VIEW_INTERNAL)
    return actor, programme


def _coordinated(key: str) -> tuple[Actor, Programme]:
    """The programme, for those who edit its workflow."""
    actor = current_actor()
    programme = queries.get_programme(actor, key)
    require(actor, Permission.EDIT_WORKFLOWS)
    return actor, programme


def _draft_of(programme: Programme) -> WorkflowDraft | None:
    """The draft; where something was sent for one that is gone, None, so that what was typed can be kept."""
    return programme.draft if request.method == "POST" else queries.get_draft(programme)


def _answer(
    template: str,
    form: VersionedForm,
    programme: Programme,
    stored: WorkflowDraft,
    save: Callable[[], Response],
    page: Callable[[], Mapping[str, Any]],
) -> Answer:
    """The form; or what `save` answers; or the form again with what is wrong. `page` gives what else it shows."""
    status, conflict = 200, None
    try:
        if request.method == "POST":
            status = 422
            try:
                if form.validate_on_submit():
                    return save()
            except RuleBroken as error:
                form.refuse(error)
            except Conflict as error:
                if error.message == service.GONE:
                    raise
                status, conflict = 409, error
                form.version.data = str(stored.version)
        values = page()
    except Conflict as error:
        return _overtaken(programme, error, form)
    return render_template(
        template, form=form, programme=programme, draft=stored, conflict=conflict, **values
    ), status


def _saved(programme: Programme, message: str, anchor: str) -> Response:
    flash(message, "success")
    return redirect(url_for("programmes.draft", key=programme.key, _anchor=anchor))


def _overtaken(programme: Programme, error: Conflict, form: Form | None = None) -> tuple[str, int]:
    """The page for whoever comes second, with what they typed."""
    page = render_template(
        "errors/conflict.html",
        code=409,
        message=translate(error.message),
        typed=_typed(form),
        back=url_for("programmes.workflow", key=programme.key),
    )
    return page, 409


def _typed(form: Form | None) -> Sequence[tuple[str, str]]:
    """What the person wrote themselves; choices mean nothing without their form."""
    written = [field for field in form or () if type(field) in (StringField, TextAreaField) and field.data]
    return [(field.label.text, field.data) for field in written]
