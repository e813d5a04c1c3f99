"""How wide words are in a drawing, and where they break. Pure.

A drawing is laid out before any browser sees it, so the widths are those of the site's typeface, rounded up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

SHARES: Mapping[str, float] = {
    letter: share
    for letters, share in (
        (" .,;:!|'’", 0.27),
        ("ijlIJ()[]", 0.32),
        ("ftr-", 0.38),
        ("17z?", 0.47),
        ("235csvxyFL/–+", 0.52),
        ("04689aegkCESTVXYZ#§", 0.57),
        ("bdhnopquABKPR€", 0.62),
        ("DGHNU", 0.67),
        ("OQw…", 0.77),
        ("mMW—&%", 0.87),
    )
    for letter in letters
}
"""The widths of letters as shares of the size; an accent makes a letter no wider."""
OTHER = 1.0
"""A letter that is not in the table, of whatever script."""
ELLIPSIS = "…"


def width(words: str, size: float) -> float:
    """The width of a line of words at a size, both in the same unit."""
    return size * sum(SHARES.get(unicodedata.normalize("NFD", letter)[0], OTHER) for letter in words)


def wrapped(words: str, size: float, room: float, most: int) -> tuple[str, ...]:
    """The words in at most so many lines that fit into the room; what is too long ends with an ellipsis."""
    lines: list[str] = []
    for piece in _pieces(words, size, room):
        joined = f"{lines[-1]} {piece}" if lines else piece
        if lines and not lines[-1].endswith("-\u200b") and width(joined, size) <= room:
            lines[-1] = joined
        elif len(lines) == most:
            lines[-1] = _shortened(lines[-1], size, room)
            break
        else:
            lines.append(piece)
    return tuple(line.replace("\u200b", "") for line in lines) or ("",)


def _pieces(words: str, size: float, room: float) -> Iterator[str]:
    """The words one by one; one that is longer than a line in parts that fit, with hyphens."""
    for word in words.split():
        rest = word
        while width(rest, size) > room:
            length = max(1, _fitting(rest, size, room))
            yield f"{rest[:length]}-\u200b"
            rest = rest[length:]
        yield rest


def _fitting(word: str, size: float, room: float) -> int:
    left = room - width("-", size)
    for index, letter in enumerate(word):
        left -= width(letter, size)
        if left < 0:
            return index
    return len(word)


def _shortened(line: str, size: float, room: float) -> str:
    kept = line.replace("\u200b", "").rstrip("-")
    while kept and width(kept + ELLIPSIS, size) > room:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS
