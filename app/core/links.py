"""Addresses that work in a mail: absolute, from BASE_URL, with or without a request."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app


def absolute_url(endpoint: str, **values: Any) -> str:
    """The full address of a page, with `_anchor` of a place on it."""
    base = urlsplit(current_app.config["SETTINGS"].base_url)
    adapter = current_app.url_map.bind(base.netloc, script_name=base.path or "/", url_scheme=base.scheme)
    anchor = values.pop("_anchor", None)  # the name Flask's own url_for has for it
    address = adapter.build(endpoint, values, force_external=True)
    return f"{address}#{anchor}" if anchor else address
