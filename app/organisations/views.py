"""The people page of the administration, and the pages on who is away and who stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_sqlalchemy.pagination import Pagination
from werkzeug.wrappers import Response

from app.accounts import queries as accounts
from app.accounts.models import Account
from app.core import clock
from app.core.errors import Conflict, DomainError, Forbidden, NotFound
from app.core.i18n import day, local, translate
from app.core.text import text
from app.organisations import absence as rules
from app.organisations import queries, service
from app.organisations.absence import PHASE_NAMES, Days, Phase
from app.organisations.forms import BOTH, ONLY, AbsenceForm, DeputyForm, PersonForm, RoleForm
from app.organisations.models import Absence, OrganisationKind
from app.organisations.permissions import ROLE_NAMES, Actor, Permission, Role, Scope, decides_for, require
from app.organisations.signature import signature
from app.organisations.viewer import current_actor

blueprint = Blueprint("organisations", __name__)

Answer = Response | str | tuple[str, int]

PER_PAGE = 50
blueprint.add_app_template_global(signature)


@blueprint.app_template_global("decides_in_place_of")
def decides_in_place_of(actor: Actor, scope: Scope) -> Account | None:
    """The absent head in whose place this person decides there, for the forms that ask for a decision."""
    absent = decides_for(actor, scope)
    return accounts.find_any(absent) if absent else None


@blueprint.get("/people")
def people() -> str:
    """Everybody with access, and their roles."""
    require(current_actor(), Permission.MANAGE_ACCOUNTS)
    return render_template(
        "organisations/people.html",
        people=queries.list_people(),
        role_names=ROLE_NAMES,
        reliances=queries.reliances(clock.today()),
        said=_said,
    )


@blueprint.route("/people/new", methods=["GET", "POST"])
def add_person() -> Response | str | tuple[str, int]:
    """The form for somebody new."""
    actor = current_actor()
    require(actor, Permission.MANAGE_ACCOUNTS)
    form = _with_choices(PersonForm())
    if request.method == "GET":
        return render_template("organisations/add_person.html", form=form)
    try:
        if form.validate_on_submit():
            account = service.add_person(
                actor,
                form.email.data or "",
                form.name.data or "",
                Role(form.role.data),
                now=clock.now(),
                unit_id=_chosen(form.unit.data),
                organisation_id=_chosen(form.organisation.data),
            )
            flash(
                _("%(email)s hat einen Link zum Setzen des Passworts bekommen.", email=account.email),
                "success",
            )
            return redirect(url_for("organisations.people"))
    except DomainError as error:
        form.refuse(error)
    return render_template("organisations/add_person.html", form=form), 422


@blueprint.route("/people/<uuid:account_id>/roles", methods=["GET", "POST"])
def add_role(account_id: UUID) -> Response | str | tuple[str, int]:
    """One more role for a person."""
    actor = current_actor()
    require(actor, Permission.MANAGE_ACCOUNTS)
    account = _get_account(account_id)
    form = _with_choices(RoleForm())
    if request.method == "GET":
        return render_template("organisations/add_role.html", form=form, account=account)
    try:
        if form.validate_on_submit():
            service.add_role(
                actor,
                account,
                Role(form.role.data),
                now=clock.now(),
                unit_id=_chosen(form.unit.data),
                organisation_id=_chosen(form.organisation.data),
            )
            flash(_("Die Rolle ist vergeben."), "success")
            _warn_of_reliance(account)
            return redirect(url_for("organisations.people"))
    except DomainError as error:
        form.refuse(error)
    return render_template("organisations/add_role.html", form=form, account=account), 422


@blueprint.post("/people/roles/<uuid:membership_id>/removal")
def remove_role(membership_id: UUID) -> Response:
    """Takes a role away."""
    actor = current_actor()
    require(actor, Permission.MANAGE_ACCOUNTS)
    membership = queries.get_membership(membership_id)
    account = membership.account
    service.remove_role(actor, membership, now=clock.now())
    flash(_("Die Rolle ist entzogen."), "success")
    _warn_of_reliance(account)
    return redirect(url_for("organisations.people"))


@blueprint.post("/people/<uuid:account_id>/invitation")
def invite(account_id: UUID) -> Response:
    """Sends a new password link."""
    account = _get_account(account_id)
    service.invite(current_actor(), account, now=clock.now())
    flash(_("%(email)s hat einen Link zum Setzen des Passworts bekommen.", email=account.email), "success")
    return redirect(url_for("organisations.people"))


@blueprint.post("/people/<uuid:account_id>/access")
def set_access(account_id: UUID) -> Response:
    """Closes an account or opens it again."""
    account = _get_account(account_id)
    service.set_active(current_actor(), account, not account.active, now=clock.now())
    flash(_("Das Konto ist geöffnet.") if account.active else _("Das Konto ist gesperrt."), "success")
    _warn_of_reliance(account)
    return redirect(url_for("organisations.people"))


def _get_account(account_id: UUID) -> Account:
    require(current_actor(), Permission.MANAGE_ACCOUNTS)
    account = accounts.find_any(account_id)
    if account is None:
        raise NotFound(text("Dieses Konto gibt es nicht."))
    return account


def _chosen(value: str | None) -> UUID | None:
    return UUID(value) if value else None


FormWithRole = TypeVar("FormWithRole", bound=RoleForm)


def _with_choices(form: FormWithRole) -> FormWithRole:
    nothing = ("", _("– keine –"))
    units = [(str(unit.id), local(unit.name)) for unit in queries.list_units()]
    funders = [(str(funder.id), local(funder.name)) for funder in queries.list_organisations(OrganisationKind.FUNDER)]
    form.role.choices = [
        ("", _("Bitte wählen")),
        *((role.value, translate(ROLE_NAMES[role])) for role in Role),
    ]
    form.unit.choices = [nothing, *units]
    form.organisation.choices = [nothing, *funders]
    return form


def _warn_of_reliance(account: Account) -> None:
    """Says who relies on somebody as a deputy who can stand in for nobody any more."""
    reliance = queries.reliances(clock.today()).get(account.id)
    if not reliance or account in queries.list_possible_deputies():
        return
    who = [f"{local(absence.account.name)} ({_said(absence)})" for absence in reliance.absences]
    who += [_("%(person)s (ständig)", person=local(person.name)) for person in reliance.people]
    flash(
        _(
            "%(person)s ist noch als Vertretung eingetragen: %(list)s. Bitte tragen Sie dort jemand anderes ein.",
            person=local(account.name),
            list=", ".join(who),
        ),
        "warning",
    )


# -- absences and deputies


@dataclass(frozen=True)
class Line:
    """An absence as a page lists it."""

    absence: Absence
    phase: Phase

    @property
    def is_over(self) -> bool:
        """Whether it can no longer change."""
        return self.phase is Phase.PAST


@blueprint.get("/absences")
def absences() -> Answer:
    """One's own absences and those in which one stands in; below, those of the people one enters them for."""
    actor = current_actor()
    require(actor, Permission.VIEW_INTERNAL)
    if chosen := request.args.get("person"):
        return redirect(url_for("organisations.absences_of", account_id=_typed_key(chosen)))
    account = accounts.find_any(actor.account_id) if actor.account_id else None
    if account is None:
        raise NotFound(queries.UNKNOWN)
    in_care = queries.list_in_care(actor)
    page = queries.list_absences_in_care(actor, request.args.get("page", 1, int), PER_PAGE) if in_care else None
    return _person_page(actor, account, in_care=in_care, page=page, listed=_lines(page.items) if page else ())


@blueprint.get("/people/<uuid:account_id>/absences")
def absences_of(account_id: UUID) -> str:
    """The same of one other person."""
    actor = current_actor()
    return _person_page(actor, _person_in_care(actor, account_id))


@blueprint.route("/people/<uuid:account_id>/absences/new", methods=["GET", "POST"])
def enter_absence(account_id: UUID) -> Answer:
    """The form for an absence; the standing deputy is proposed."""
    actor = current_actor()
    account = _person_in_care(actor, account_id)
    form = AbsenceForm(deputy=str(account.deputy_id or ""))

    def save() -> Absence:
        return service.enter_absence(
            actor,
            account,
            form.from_on.data,
            form.until_on.data,
            UUID(form.deputy.data),
            deputy_only=form.reach.data == ONLY,
            now=clock.now(),
        )

    return _absence_page("enter_absence", actor, account, form, save, _("Die Abwesenheit ist eingetragen."))


@blueprint.route("/absences/<uuid:absence_id>/edit", methods=["GET", "POST"])
def change_absence(absence_id: UUID) -> Answer:
    """Other days, another deputy."""
    actor = current_actor()
    absence = queries.get_absence(actor, absence_id)
    _require_care(actor, absence.account)
    if request.method == "GET":
        rules.check_not_over(Days(absence.from_on, absence.until_on), clock.today())
    form = AbsenceForm(
        seen=service.state_of(absence),
        from_on=absence.from_on,
        until_on=absence.until_on,
        deputy=str(absence.deputy_id),
        reach=ONLY if absence.deputy_only else BOTH,
    )

    def save() -> Absence:
        service.change_absence(
            actor,
            absence,
            form.from_on.data,
            form.until_on.data,
            UUID(form.deputy.data),
            deputy_only=form.reach.data == ONLY,
            seen=form.seen.data or "",
            now=clock.now(),
        )
        return absence

    message = _("Die Abwesenheit ist geändert.")
    return _absence_page("change_absence", actor, absence.account, form, save, message, absence=absence)


@blueprint.post("/absences/<uuid:absence_id>/end")
def end_absence(absence_id: UUID) -> Response:
    """Somebody is back, or stays after all."""
    actor = current_actor()
    absence = queries.get_absence(actor, absence_id)
    account = absence.account
    if service.end_absence(actor, absence, now=clock.now()):
        flash(_("Die Abwesenheit ist beendet, die Vertretung auch."), "success")
    else:
        flash(_("Die Abwesenheit ist gelöscht."), "success")
    return redirect(_address(actor, account))


@blueprint.route("/people/<uuid:account_id>/deputy", methods=["GET", "POST"])
def name_deputy(account_id: UUID) -> Answer:
    """Who stands in for a person as a rule."""
    actor = current_actor()
    account = _person_in_care(actor, account_id)
    form = DeputyForm(deputy=str(account.deputy_id or ""))
    form.deputy.choices = [("", _("– niemand –")), *_deputies_for(account)]
    status = 200
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                service.name_deputy(actor, account, _chosen(form.deputy.data), now=clock.now())
                flash(_("Die ständige Vertretung ist gespeichert."), "success")
                return redirect(_address(actor, account))
        except DomainError as error:
            form.refuse(error)
            status = error.status
    return render_template(
        "organisations/name_deputy.html", **_whose(actor, account), form=form, back=_address(actor, account)
    ), status


def _person_page(
    actor: Actor,
    account: Account,
    *,
    in_care: Sequence[Account] = (),
    page: Pagination | None = None,
    listed: Sequence[Line] = (),
) -> str:
    today = clock.today()
    stand_ins = queries.list_stand_ins(account.id, today - timedelta(days=rules.LONGEST_DAYS))
    return render_template(
        "organisations/absences.html",
        **_whose(actor, account),
        own=_lines(queries.list_absences(account.id)),
        stand_ins=_lines(stand_ins),
        by_chain=_by_chain(account, stand_ins),
        in_care=in_care,
        page=page,
        listed=listed,
        phase_names=PHASE_NAMES,
        said=_said,
    )


def _by_chain(account: Account, direct: Iterable[Absence]) -> Sequence[Account]:
    """For whom somebody stands in today because the deputy is away too."""
    named = {absence.account_id for absence in direct}
    others = rules.stands_in_for(account.id, queries.away_on(clock.today())) - named
    return sorted(accounts.accounts_by_id(others).values(), key=lambda other: other.name.de)


def _absence_page(
    name: str,
    actor: Actor,
    account: Account,
    form: AbsenceForm,
    save: Callable[[], Absence],
    message: str,
    absence: Absence | None = None,
) -> Answer:
    """Shows the form of an absence, or saves what it holds and says so, with what else is to be known."""
    form.deputy.choices = [("", _("Bitte wählen")), *_deputies_for(account)]
    is_self = account.id == actor.account_id
    both = _("mich und die Vertretung") if is_self else _("die Person und die Vertretung")
    form.reach.choices = [(BOTH, both), (ONLY, _("nur die Vertretung"))]
    status, stored = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                saved = save()
                flash(message, "success")
                _tell_of_overlaps(saved)
                return redirect(_address(actor, account))
        except Conflict as error:
            if absence is None or error.message == queries.GONE:
                raise
            status, stored = 409, _stored(absence)
            form.seen.data = service.state_of(absence)
        except DomainError as error:
            form.refuse(error)
            status = error.status
    page = render_template(
        f"organisations/{name}.html",
        **_whose(actor, account),
        form=form,
        absence=absence,
        stored=stored,
        back=_address(actor, account),
    )
    return page, status


def _tell_of_overlaps(absence: Absence) -> None:
    """Says where a deputy is away too, and for whom the person themselves was to stand in."""
    days = Days(absence.from_on, absence.until_on)
    deputy = local(absence.deputy.name)
    for other in queries.list_absences(absence.deputy_id):
        if days.overlaps(Days(other.from_on, other.until_on)):
            flash(
                _(
                    "%(deputy)s ist %(days)s selbst abwesend; dann vertritt auch %(next)s.",
                    deputy=deputy,
                    days=_said(other),
                    next=local(other.deputy.name),
                ),
                "info",
            )
    for other in queries.list_stand_ins(absence.account_id, *days):
        flash(
            _(
                "%(person)s vertritt %(days)s %(other)s; fehlt die Vertretung, übernimmt auch das %(deputy)s.",
                person=local(absence.account.name),
                days=_said(other),
                other=local(other.account.name),
                deputy=deputy,
            ),
            "info",
        )


def _stored(absence: Absence) -> Sequence[tuple[str, str]]:
    """What is stored now, for whoever typed something else."""
    reach = _("nur die Vertretung") if absence.deputy_only else _("die Person und die Vertretung")
    return (
        (_("Erster Tag"), day(absence.from_on)),
        (_("Letzter Tag"), day(absence.until_on)),
        (_("Vertretung"), local(absence.deputy.name)),
        (_("Erinnerungen gehen an"), reach),
    )


def _whose(actor: Actor, account: Account) -> dict[str, object]:
    return {"account": account, "is_self": account.id == actor.account_id}


def _address(actor: Actor, account: Account) -> str:
    """The page of somebody's absences: one's own is in the navigation."""
    if account.id == actor.account_id:
        return url_for("organisations.absences")
    return url_for("organisations.absences_of", account_id=account.id)


def _person_in_care(actor: Actor, account_id: UUID) -> Account:
    account = queries.get_person(actor, account_id)
    _require_care(actor, account)
    return account


def _require_care(actor: Actor, account: Account) -> None:
    if not queries.may_enter_absences(actor, account.id):
        raise Forbidden(rules.NOT_IN_CARE)


def _lines(rows: Iterable[Absence]) -> list[Line]:
    today = clock.today()
    return [Line(row, rules.phase(Days(row.from_on, row.until_on), today)) for row in rows]


def _said(absence: Absence) -> str:
    return translate(Days(absence.from_on, absence.until_on).said())


def _deputies_for(account: Account) -> list[tuple[str, str]]:
    """Who may stand in for somebody; people of the same name are told apart by their address."""
    people = [person for person in queries.list_possible_deputies() if person.id != account.id]
    names = Counter(local(person.name) for person in people)
    return [
        (str(person.id), f"{name} ({person.email})" if names[name] > 1 else name)
        for person in people
        for name in (local(person.name),)
    ]


def _typed_key(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise NotFound(queries.UNKNOWN) from None
