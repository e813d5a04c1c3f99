"""Pages behind the links of a reminder mail: answer a line, stop what can be stopped. Without a sign-in.

A link only opens a page, however often a mail scanner follows it: what changes something is the button there. There
is no limit to tries, because a made-up address costs us one signature and gets no nearer to a real one.
"""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from app.accounts.models import Account
from app.core import clock
from app.core.errors import Conflict, DomainError, Forbidden
from app.core.forms import VersionedForm
from app.core.i18n import day, local, readable, translate
from app.core.text import text
from app.mail import message
from app.milestones.models import Milestone
from app.organisations.queries import actor_for
from app.reminders import answer_service as service
from app.reminders.answer_forms import ForecastForm, ReachedForm
from app.reminders.answer_service import Question
from app.reminders.answers import ANSWER_NAMES, Answer, offered

blueprint = Blueprint("answers", __name__)

Page = Response | str | tuple[str, int]

ONE_CLICK = message.ONE_CLICK.split("=")
"""Name and value of what a mail program sends to stop mails, and our own button too."""


@blueprint.route("/reminders/answers/<answer>/<token>", methods=["GET", "POST"])
def give(answer: str, token: str) -> Page:
    """One answer to one line of a mail: what it is about, what will be recorded, and the button that does it."""
    question = service.question_behind(token, answer)
    _speak_to(question.reader)
    if question.given:
        return _answered(question), 409 if request.method == "POST" else 200
    form = _form(question)
    if request.method == "POST":
        return _given(question, form)
    try:
        _check_reader(question)
        service.check(actor_for(question.reader, clock.today()), question, clock.today())
    except DomainError as error:
        return _no_more(question, error)
    return _question_page(question, form)


def _given(question: Question, form: VersionedForm) -> Page:
    try:
        _check_reader(question)
        if not form.validate_on_submit():
            return _question_page(question, form), 422
        _record(question, form)
    except Conflict as error:
        return _overtaken(question, form, error)
    except DomainError as error:
        if error.field not in form:
            return _too_late(question, form, error)
        form.refuse(error)
        return _question_page(question, form), error.status
    flash(_("Danke. Ihre Antwort ist eingetragen."), "success")
    return redirect(request.path)


def _record(question: Question, form: VersionedForm) -> None:
    now = clock.now()
    actor = actor_for(question.reader, clock.day_of(now))
    if isinstance(form, ReachedForm):
        actual_on, statement = form.actual_on.data, form.statement.data or ""
        service.report_reached(actor, question, actual_on, statement, seen_version=form.seen_version, now=now)
    else:
        service.expect(actor, question, form["note"].data, seen_version=form.seen_version, now=now)


def _overtaken(question: Question, form: VersionedForm, error: Conflict) -> tuple[str, int]:
    """Somebody was faster: where the answer still holds, the form again beside what is stored now."""
    if question.given:
        return _answered(question, form), 409
    try:
        service.check(actor_for(question.reader, clock.today()), question, clock.today())
    except DomainError as refusal:
        return _too_late(question, form, refusal)
    form.version.data = str(question.milestone.version)
    return _question_page(question, form, stored=_stored(question.milestone)), error.status


def _check_reader(question: Question) -> None:
    """The link is for one person: nobody who is signed in as somebody else uses it by mistake."""
    if current_user.is_authenticated and current_user.id != question.reader.id:
        raise Forbidden(
            text(
                "Dieser Link ist für %(reader)s, und Sie sind als %(name)s angemeldet. "
                "Melden Sie sich ab und öffnen Sie ihn dann noch einmal.",
                reader=question.reader.name,
                name=current_user.name,
            )
        )


def _form(question: Question) -> VersionedForm:
    version = question.milestone.version
    if question.answer is Answer.REACHED:
        return ReachedForm(version=version, actual_on=clock.today())
    return ForecastForm(version=version)


def _question_page(question: Question, form: VersionedForm, **values: object) -> str:
    others = [one for one in offered(question.milestone.planned_on, clock.today()) if one is not question.answer]
    return _page(
        "answer",
        question,
        form=form,
        others=[(ANSWER_NAMES[one], url_for("answers.give", answer=one, token=_token())) for one in others],
        **values,
    )


def _answered(question: Question, form: VersionedForm | None = None) -> str:
    return _page("answered", question, typed=_typed(form))


def _page(name: str, question: Question, **values: object) -> str:
    milestone = question.milestone
    return render_template(
        f"reminders/{name}.html",
        question=question,
        milestone=milestone,
        measure=milestone.measure,
        names=ANSWER_NAMES,
        **values,
    )


def _no_more(question: Question, error: DomainError) -> tuple[str, int]:
    """The link does not hold any more: why, and the way on."""
    page = render_template(
        "errors/error.html",
        code=error.status,
        title=_("So geht diese Antwort nicht"),
        message=translate(error.message),
        back=_milestone_page(question),
        back_label=_("Zum Meilenstein"),
    )
    return page, error.status


def _too_late(question: Question, form: VersionedForm, error: DomainError) -> tuple[str, int]:
    """The same for whoever has typed something already."""
    page = render_template(
        "errors/conflict.html",
        code=error.status,
        message=translate(error.message),
        typed=_typed(form),
        back=_milestone_page(question),
    )
    return page, error.status


def _typed(form: VersionedForm | None) -> list[tuple[str, str]]:
    kept = [field for field in form or () if field.name in ("note", "actual_on", "statement") and field.data]
    return [(field.label.text, readable(field.data)) for field in kept]


def _stored(milestone: Milestone) -> list[tuple[str, str | None]]:
    return [(_("Titel"), local(milestone.title)), (_("Plan-Termin"), day(milestone.planned))]


def _milestone_page(question: Question) -> str:
    return url_for("milestones.show", milestone_id=question.milestone.id)


def _token() -> str:
    return str((request.view_args or {})["token"])


@blueprint.get("/reminders/opt-out/<token>")
def opt_out(token: str) -> str:
    """What can be stopped and what cannot, and the button."""
    reader = service.reader_of_opt_out(token)
    _speak_to(reader)
    return _opt_out_page(reader)


@blueprint.post("/reminders/opt-out/<token>", endpoint="opt_out_with_one_click")
def opt_out_with_one_click(token: str) -> str | tuple[str, int]:
    """Stops the reminders: for the button of the page, and for the one in a mail program, which has neither session
    nor form token (RFC 8058). The signature in the address is what a form token would be."""
    reader = service.reader_of_opt_out(token)
    _speak_to(reader)
    name, value = ONE_CLICK
    if request.form.get(name) != value:
        return _opt_out_page(reader), 422
    now = clock.now()
    service.opt_out(actor_for(reader, clock.day_of(now)), reader, now=now)
    return _opt_out_page(reader)


def _opt_out_page(reader: Account) -> str:
    return render_template(
        "reminders/opt_out.html", reader=reader, wants_optional=service.wants_optional(reader), one_click=ONE_CLICK
    )


def _speak_to(reader: Account) -> None:
    """Their language, where nobody in this browser has chosen another."""
    if "language" not in session and not current_user.is_authenticated:
        g.language = reader.language
