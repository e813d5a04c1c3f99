"""Long lists, a page at a time."""

from __future__ import annotations

from typing import Any

from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import Select

from app.core.database import db

LAST_PAGE = 1_000_000
"""Further than anybody turns, and still a number every database takes."""


def paginate(query: Select[Any], page: int, per_page: int) -> Pagination:
    """One page of a list; a page there is not is empty."""
    return db.paginate(query, page=min(max(page, 1), LAST_PAGE), per_page=per_page, error_out=False)
