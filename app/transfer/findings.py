"""What is wrong with a city file: one finding, where it is, and how it is written down."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from app.core.text import Text, text

Level: TypeAlias = Literal["error", "warning"]
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where something is written: the name of the file, the path in it, and the line, counted from 1."""

    file: str
    path: Path = ()
    line: int | None = None

    def at(self, *parts: str | int) -> Place:
        """A place further down the path; the line is that of the nearest known ancestor."""
        return Place(self.file, self.path + parts, self.line)


@dataclass(frozen=True)
class Finding:
    """One thing wrong. An error keeps the file from being imported, a warning does not."""

    file: str
    path: str
    message: Text
    level: Level = "error"
    line: int | None = None

    @classmethod
    def at(cls, place: Place, message: Text, level: Level = "error") -> Finding:
        """The finding for a place."""
        return cls(place.file, written(place.path), message, level, place.line)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings keeps the file from being imported."""
    return any(finding.level == "error" for finding in findings)


def written(path: Path) -> str:
    """A path as people read it: programmes[1].workflow.transitions[3].to"""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), None)


def with_suggestion(problem: Text, word: str, known: Iterable[str]) -> Text:
    """The problem, and the word that was probably meant where one is near enough."""
    guess = closest(word, known)
    if guess is None:
        return problem
    return text("%(problem)s Meinten Sie „%(guess)s“?", problem=problem, guess=guess)
