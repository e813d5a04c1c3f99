"""Files on disk: kept once by content, under names that lead nowhere, given out as they came."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from app.core.database import db
from app.core.errors import NotFound, RuleBroken
from app.documents import service
from app.documents.types import MAX_BYTES
from tests.factories import NOON, City

PDF = b"%PDF-1.4\nInhalt"


def chosen(name: str, content: bytes = PDF) -> FileStorage:
    return FileStorage(BytesIO(content), filename=name)


def folder(app: Flask) -> Path:
    var_dir: Path = app.config["SETTINGS"].var_dir
    return var_dir / "documents"


def stored(app: Flask) -> set[Path]:
    return {path for path in folder(app).rglob("*") if path.is_file()}


def test_bytes_lie_under_their_hash_and_once(app: Flask) -> None:
    content = PDF + b"nur hier"
    first, second = service.take_in([chosen("Eins.pdf", content), chosen("Zwei.pdf", content)])
    digest = hashlib.sha256(content).hexdigest()
    assert first.sha256 == second.sha256 == digest
    assert {path for path in stored(app) if path.name == digest} == {folder(app) / digest[:2] / digest}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Übersicht Süd – größer.pdf", "Übersicht Süd – größer.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("..\\..\\windows\\system32.pdf", "system32.pdf"),
        ("/absolut/Bericht.pdf", "Bericht.pdf"),
        ("Be\x00ri\ncht\r.pdf", "Bericht.pdf"),
        ("\u202eBericht.pdf", "Bericht.pdf"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("Bericht.PDF", "Bericht.PDF"),
    ],
)
def test_names_keep_their_umlauts_and_lose_their_folders(app: Flask, sent: str, kept: str) -> None:
    before = stored(app)
    content = PDF + sent.encode()
    (receipt,) = service.take_in([chosen(sent, content)])
    assert receipt.filename == kept
    digest = hashlib.sha256(content).hexdigest()
    assert stored(app) - before == {folder(app) / digest[:2] / digest}


@pytest.mark.parametrize("name", ["Schad.exe", "Bericht.pdf.exe", "ohne", "..", "bild.svg", "seite.html", ".pdf"])
def test_other_kinds_of_files_are_refused_and_leave_nothing(app: Flask, name: str) -> None:
    before = stored(app)
    with pytest.raises(RuleBroken, match="nicht erlaubt") as refused:
        service.take_in([chosen(name, PDF + name.encode())])
    assert refused.value.field == "files"
    assert stored(app) == before


def test_a_refused_content_leaves_nothing(app: Flask) -> None:
    before = stored(app)
    with pytest.raises(RuleBroken):
        service.take_in([chosen("Bericht.pdf", b"MZ nur hier")])
    assert stored(app) == before


def test_a_large_file_is_refused_before_it_is_read_whole(app: Flask) -> None:
    stream = BytesIO(PDF + b"x" * (MAX_BYTES + 5000))
    with pytest.raises(RuleBroken, match="größer als 20 MB"):
        service.take_in([FileStorage(stream, filename="Groß.pdf")])
    assert stream.tell() == MAX_BYTES + 1


def test_a_field_without_a_file_is_no_file(app: Flask) -> None:
    assert service.take_in([chosen("", b"")]) == []


def test_a_receipt_brings_the_file_back(app: Flask) -> None:
    with app.test_request_context():
        (receipt,) = service.take_in([chosen("Übersicht.pdf")])
        assert service.take_in([], [receipt.token]) == [receipt]
        assert service.take_in([chosen("Übersicht.pdf")], [receipt.token]) == [receipt]


def test_a_forged_receipt_brings_nothing(app: Flask) -> None:
    (receipt,) = service.take_in([chosen("Übersicht.pdf")])
    head, _, signature = receipt.token.partition(".")
    for forged in ("", "x", head, f"{head}.{signature[:-2]}AA", f"{head[:-4]}AAAA.{signature}"):
        assert service.take_in([], [forged]) == []


def test_a_receipt_whose_bytes_are_gone_brings_nothing(app: Flask) -> None:
    (receipt,) = service.take_in([chosen("Weg.pdf", PDF + b"gleich weg")])
    (folder(app) / receipt.sha256[:2] / receipt.sha256).unlink()
    assert service.take_in([], [receipt.token]) == []


def test_documents_give_back_what_was_handed_in(city: City, app: Flask) -> None:
    (document,) = service.attach(service.take_in([chosen("Übersicht.pdf")]), city.lead.id, now=NOON)
    db.session.flush()
    assert (document.filename, document.media_type, document.size) == ("Übersicht.pdf", "application/pdf", len(PDF))
    with service.open_bytes(document) as file:
        assert file.read() == PDF


def test_a_missing_file_says_its_name(city: City, app: Flask) -> None:
    receipts = service.take_in([chosen("Fehlt.pdf", PDF + b"fehlt bald")])
    (document,) = service.attach(receipts, city.lead.id, now=NOON)
    (folder(app) / document.sha256[:2] / document.sha256).unlink()
    with pytest.raises(NotFound, match=r"Fehlt\.pdf"):
        service.open_bytes(document)
