"""Serves the design system from where npm put it; nothing of it is committed."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

KERN = Path(__file__).parents[2] / "node_modules" / "@kern-ux" / "native" / "dist"

blueprint = Blueprint("assets", __name__, url_prefix="/assets")


@blueprint.get("/kern/<path:path>")
def kern(path: str) -> Response:
    """A file of KERN UX."""
    response = send_from_directory(KERN, path, max_age=86400)
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
