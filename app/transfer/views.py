"""A programme's workflow as a file: fetched, and brought back as its draft."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO

from flask import Blueprint, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.core import clock
from app.core.errors import Conflict, RuleBroken
from app.core.i18n import translate
from app.organisations.permissions import Permission, require
from app.organisations.viewer import current_actor
from app.programmes import service as programmes
from app.programmes.queries import get_programme
from app.transfer import service
from app.transfer.findings import Finding
from app.transfer.forms import UploadForm
from app.transfer.nodes import MAX_BYTES
from app.transfer.uploads import Upload, read_workflow

blueprint = Blueprint("transfer", __name__, url_prefix="/programmes/<key>/workflow")

Answer = Response | str | tuple[str, int]


@blueprint.get("/<int:version>/yaml")
def export_workflow(key: str, version: int) -> Response:
    """The programme with one published version of its workflow, as a city file to save."""
    actor = current_actor()
    programme = get_programme(actor, key)
    require(actor, Permission.VIEW_INTERNAL)
    return _to_save(service.export(programme.key, version))


@blueprint.get("/draft/yaml")
def export_draft(key: str) -> Response:
    """The programme with its draft, as a city file to save."""
    actor = current_actor()
    programme = get_programme(actor, key)
    require(actor, Permission.EDIT_WORKFLOWS)
    return _to_save(service.export_draft(programme))


def _to_save(exported: service.Exported) -> Response:
    response = send_file(
        BytesIO(exported.yaml.encode()),
        mimetype="application/yaml",
        as_attachment=True,
        download_name=f"{exported.programme}-{exported.version}.yaml",
        etag=False,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.private = True
    return response


@blueprint.route("/upload", methods=["GET", "POST"])
def upload_workflow(key: str) -> Answer:
    """A city file whose workflow becomes the draft of this programme, or what is wrong with it."""
    actor = current_actor()
    programme = get_programme(actor, key)
    require(actor, Permission.EDIT_WORKFLOWS)
    form = UploadForm()
    findings: tuple[Finding, ...] = ()
    status, conflict = 200, None
    if request.method == "POST":
        status = 422
        try:
            if form.validate_on_submit():
                upload = _read(form.file.data, programme.key)
                if upload.definition is not None:
                    seen, now = form.seen_version, clock.now()
                    programmes.replace_draft(actor, programme, upload.definition, seen_version=seen, now=now)
                    flash(_("Der Ablauf aus der Datei ist jetzt der Entwurf."), "success")
                    return redirect(url_for("programmes.draft", key=programme.key))
                findings = _beside_the_field(form, upload.findings)
        except Conflict as error:
            status, conflict = 409, error
        except RuleBroken as error:
            form.refuse(error)
    if status != 422:
        form.version.data = str(programme.draft.version) if programme.draft else ""
    shown = {"programme": programme, "draft": programme.draft, "findings": findings, "conflict": conflict}
    return render_template("transfer/upload_workflow.html", form=form, **shown), status


def _read(file: FileStorage, key: str) -> Upload:
    with closing(file):
        return read_workflow(file.filename or "", file.stream.read(MAX_BYTES + 1), key)


def _beside_the_field(form: UploadForm, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Puts what is wrong with the file as a whole beside its field, and gives back what has a place inside."""
    inside = tuple(finding for finding in findings if finding.path or finding.line)
    whole = [translate(finding.message) for finding in findings if not finding.path and not finding.line]
    n = sum(finding.level == "error" for finding in inside)
    if n:
        whole.insert(
            0,
            ngettext(
                "Die Datei hat einen Fehler. Es wurde nichts geändert.",
                "Die Datei hat %(num)s Fehler. Es wurde nichts geändert.",
                n,
            ),
        )
    form.file.errors = whole
    return inside
