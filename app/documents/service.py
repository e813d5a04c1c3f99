"""Takes in files and gives them out.

Bytes lie on disk under their SHA-256, outside the transaction: a form that is shown again still has the files
its reader chose, through a signed receipt in a hidden field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from app.core.database import db
from app.core.errors import NotFound, RuleBroken
from app.core.text import text
from app.documents.models import Document
from app.documents.types import EXTENSIONS, MAX_BYTES, check_content


@dataclass(frozen=True)
class Receipt:
    """A file that has been taken in and belongs to nothing yet."""

    filename: str
    media_type: str
    size: int
    sha256: str

    @property
    def token(self) -> str:
        """The receipt as a hidden field carries it."""
        return _serializer().dumps([self.filename, self.media_type, self.size, self.sha256])


def take_in(files: Iterable[FileStorage], tokens: Iterable[str] = ()) -> list[Receipt]:
    """Keeps the bytes of newly chosen files and reads the receipts of those chosen before.

    Raises:
        RuleBroken: on the field `files`, for a type or size that is not allowed, and for content that is not
            what its name says.
    """
    receipts = [receipt for token in tokens if (receipt := _read(token))]
    for file in files:
        if file.filename:
            receipts.append(_store(file))
    return list(dict.fromkeys(receipts))


def attach(receipts: Sequence[Receipt], uploaded_by_id: UUID | None, *, now: datetime) -> list[Document]:
    """Makes the received files documents of the thing that is being saved."""
    documents = [
        Document(
            filename=receipt.filename,
            media_type=receipt.media_type,
            size=receipt.size,
            sha256=receipt.sha256,
            uploaded_by_id=uploaded_by_id,
            uploaded_at=now,
        )
        for receipt in receipts
    ]
    db.session.add_all(documents)
    return documents


def open_bytes(document: Document) -> BinaryIO:
    """The content of a document.

    Raises:
        NotFound: when the file is missing on disk.
    """
    try:
        return _path(document.sha256).open("rb")
    except FileNotFoundError:
        raise NotFound(text("Die Datei „%(name)s“ fehlt im Dateispeicher.", name=document.filename)) from None


def _store(file: FileStorage) -> Receipt:
    name = _clean_name(file.filename or "")
    extension = Path(name).suffix.lower()
    if extension not in EXTENSIONS:
        raise RuleBroken(
            text(
                "„%(name)s“ hat einen Dateityp, der nicht erlaubt ist. Erlaubt sind: %(types)s.",
                name=name,
                types=", ".join(sorted(kind.removeprefix(".").upper() for kind in EXTENSIONS)),
            ),
            "files",
        )
    content = file.stream.read(MAX_BYTES + 1)
    check_content(name, extension, content)
    digest = hashlib.sha256(content).hexdigest()
    path = _path(digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written beside its place and moved: a crash leaves no half file under a finished name.
        part = path.with_name(f"{digest}.{uuid4()}.part")
        part.write_bytes(content)
        part.replace(path)
    return Receipt(name, EXTENSIONS[extension], len(content), digest)


def _clean_name(name: str) -> str:
    """The name without folders and control characters; umlauts stay."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    return kept[-150:] or secure_filename(name) or "datei"


def _read(token: str) -> Receipt | None:
    try:
        filename, media_type, size, sha256 = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return Receipt(filename, media_type, size, sha256) if _path(sha256).exists() else None


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="document-receipt")


def _path(sha256: str) -> Path:
    folder: Path = current_app.config["SETTINGS"].var_dir / "documents"
    return folder / sha256[:2] / sha256
