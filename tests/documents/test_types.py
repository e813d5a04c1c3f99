"""Which files are taken in, without a disk."""

from __future__ import annotations

import pytest

from app.core.errors import RuleBroken
from app.documents.types import BEGINNINGS, EXTENSIONS, MAX_BYTES, check_content


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_that_is_what_its_name_says_is_taken_in(extension: str) -> None:
    for beginning in BEGINNINGS.get(extension, (b"Text",)):
        check_content(f"Datei{extension}", extension, beginning + b"...")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_program_under_another_name_is_refused(extension: str) -> None:
    with pytest.raises(RuleBroken, match=f"keine {extension[1:].upper()}-Datei") as refused:
        check_content(f"Datei{extension}", extension, b"MZ\x90\x00\x03")
    assert refused.value.field == "files"


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_empty_file_is_refused(extension: str) -> None:
    with pytest.raises(RuleBroken, match="ist leer"):
        check_content(f"Datei{extension}", extension, b"")


def test_a_file_may_have_twenty_megabytes_and_no_more() -> None:
    check_content("Datei.txt", ".txt", b"x" * MAX_BYTES)
    with pytest.raises(RuleBroken, match="größer als 20 MB"):
        check_content("Datei.txt", ".txt", b"x" * (MAX_BYTES + 1))


def test_each_kind_of_picture_and_document_has_a_beginning() -> None:
    assert set(EXTENSIONS) - set(BEGINNINGS) == {".txt", ".csv"}
