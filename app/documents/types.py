"""Which files are taken in, and whether one is what its name says. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.errors import RuleBroken
from app.core.text import text

MAX_BYTES = 20 * 1024 * 1024

EXTENSIONS: Mapping[str, str] = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".txt": "text/plain",
    ".csv": "text/csv",
}

_ZIP = (b"PK\x03\x04",)
BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    ".pdf": (b"%PDF-",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".docx": _ZIP,
    ".xlsx": _ZIP,
    ".pptx": _ZIP,
    ".odt": _ZIP,
    ".ods": _ZIP,
}


def check_content(name: str, extension: str, content: bytes) -> None:
    """Refuses files that are empty, too large, or not what their name says.

    Raises:
        RuleBroken: on the field `files`.
    """
    if not content:
        raise RuleBroken(text("„%(name)s“ ist leer.", name=name), "files")
    if len(content) > MAX_BYTES:
        raise RuleBroken(text("„%(name)s“ ist größer als 20 MB.", name=name), "files")
    if not _is(extension, content):
        raise RuleBroken(
            text("„%(name)s“ ist keine %(type)s-Datei.", name=name, type=extension.removeprefix(".").upper()),
            "files",
        )


def _is(extension: str, content: bytes) -> bool:
    """Whether the content begins as such files do; text files have no beginning of their own, and no NUL."""
    if extension in BEGINNINGS:
        return content.startswith(BEGINNINGS[extension])
    return b"\x00" not in content[:8192]
