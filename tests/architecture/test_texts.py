"""Every text goes through Babel, and English is complete."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.lexer import TOKEN_DATA

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "app" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "text": (1,),
    "ntext": (1, 2),
}
SAME_IN_BOTH = {"Wegmarke", "EUPL-1.2", "MB", "KB", "-hint", "-error"}


def messages() -> Catalog:
    """The texts as `./dev i18n` finds them."""
    with (ROOT / "app" / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = Catalog()
    for folder in ("app", "workers", "templates"):
        for name, line, message, _comments, _context in extract_from_dir(
            ROOT / folder, methods, options, keywords=KEYWORDS
        ):
            found.add(message, locations=[(f"{folder}/{name}", line)])
    return found


def forms(wording: object) -> list[str]:
    """One wording, or its singular and plural."""
    return list(wording) if isinstance(wording, list | tuple) else [str(wording or "")]


@pytest.fixture(scope="module")
def english() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="en")


def test_every_text_has_an_english_wording(english: Catalog) -> None:
    missing = []
    for message in messages():
        if not message.id:
            continue
        there = english.get(forms(message.id)[0])
        if there is None or there.fuzzy or not all(forms(there.string)):
            missing.append((message.id, message.locations[0]))
    assert missing == []


def test_translations_keep_the_parameters(english: Catalog) -> None:
    pattern = re.compile(r"%\((\w+)\)[sd]")
    wrong = []
    for message in english:
        if not message.id:
            continue
        ids, strings = forms(message.id), forms(message.string)
        known = {name for text in ids for name in pattern.findall(text)}
        for string in strings:
            if not set(pattern.findall(string)) <= known:
                wrong.append((ids[0], string))
        if set(pattern.findall(ids[-1])) - set(pattern.findall(strings[-1])) - {"n", "num"}:
            wrong.append((ids[-1], strings[-1]))
    assert wrong == []


def test_no_english_wording_is_left_over(english: Catalog) -> None:
    used = {forms(message.id)[0] for message in messages() if message.id}
    there = {forms(message.id)[0] for message in english if message.id}
    assert there - used == set()


class RawText(HTMLParser):
    """Collects words that a reader sees and that stand in the template as they are."""

    SHOWN = ("alt", "title", "aria-label", "placeholder")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self._look(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in self.SHOWN:
                self._look(value or "")

    def _look(self, data: str) -> None:
        words = re.sub(r"&\w+;", " ", data)
        for known in SAME_IN_BOTH:
            words = words.replace(known, " ")
        if re.search(r"[A-Za-zÄÖÜäöüß]{2}", words):
            self.found.append(data.strip())


def templates() -> Iterator[Path]:
    yield from sorted((ROOT / "templates").rglob("*.html"))
    yield from sorted((ROOT / "templates").rglob("*.txt"))


@pytest.mark.parametrize("path", list(templates()), ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_hold_no_text_of_their_own(path: Path) -> None:
    source = path.read_text()
    # What Jinja prints is not the template's own text: only its literal parts are looked at.
    source = re.sub(r"{%-?\s*trans\b.*?endtrans\s*-?%}", "", source, flags=re.DOTALL)
    literal = "".join(
        value if kind == TOKEN_DATA else "" for _line, kind, value in Environment(autoescape=True).lex(source)
    )
    if path.suffix == ".txt":
        found = [word for word in re.findall(r"[A-Za-zÄÖÜäöüß]{2,}", literal) if word not in SAME_IN_BOTH]
    else:
        parser = RawText()
        parser.feed(re.sub(r"<style.*?</style>", "", literal, flags=re.DOTALL))
        found = parser.found
    assert found == []


def test_a_text_is_marked_where_it_stands() -> None:
    """`text(message)` with a variable would never be found by the extraction."""
    variable = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in MARKED
                and node.args
            ):
                first = node.args[0]
                if not isinstance(first, ast.Constant) and path.name not in ("i18n.py",):
                    variable.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert variable == []


MARKED = {"_", "_l", "gettext", "lazy_gettext", "ngettext", "text", "ntext"}
GERMAN = re.compile(r"[äöüÄÖÜß„“]|\b(ist|nicht|bitte|wurde|eine|keine|der|die|das)\b")


class Unmarked(ast.NodeVisitor):
    """Collects German sentences in code that no translation is asked for."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in MARKED:
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and GERMAN.search(node.value):
            self.found.append((node.lineno, node.value))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "app").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT / "app"))
)
def test_code_holds_no_german_that_is_not_marked(path: Path) -> None:
    visitor = Unmarked()
    visitor.visit(ast.parse(path.read_text()))
    assert visitor.found == []
