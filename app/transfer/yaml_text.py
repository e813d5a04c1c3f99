"""Writes a tree of values as YAML that people like to read and `nodes` reads back exactly. Pure.

Short entries stand in one line in braces, long texts are folded; keys keep their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

WIDTH = 108
LONGEST_LINE = 88
"""Longer texts are folded: their names and the indentation want room beside them."""
LONGEST_PAIR = 74
"""German and English together, in one line with what stands around them."""

FOLDED = re.compile(r"[^\n\r\t\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
BLOCK = re.compile(r"[^\r\t\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")


class Inline(dict[str, Any]):
    """A mapping that stands in one line."""


class InlineList(list[Any]):
    """A list that stands in one line."""


class Quoted(str):
    """A word in quotes that would be read rightly without: other programs take 07:00 for a number."""


class Bare(str):
    """A value that is written without quotes, such as a day."""


class _Dumper(yaml.SafeDumper):
    """Indented lists, double quotes, no aliases; days stay words."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def choose_scalar_style(self) -> str:
        style = super().choose_scalar_style()
        event: Any = self.event
        return '"' if style == "'" and not re.search(r'["\\]', event.value) else style


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, _style(value))


def _style(value: str) -> str | None:
    if "\n" in value:
        return "|" if BLOCK.fullmatch(value) else '"'
    if not FOLDED.fullmatch(value):
        return '"' if value else None
    return ">" if len(value) > LONGEST_LINE and " " in value and "  " not in value else None


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Quoted, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, '"'))
_Dumper.add_representer(Bare, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value))
_Dumper.add_representer(
    Inline, lambda dumper, value: dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)
)
_Dumper.add_representer(
    InlineList, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)


def words(value: Mapping[str, str] | None) -> Any:
    """A wording in two languages; the German alone where there is no English."""
    if value is None:
        return None
    if not value.get("en"):
        return value.get("de", "")
    both = {"de": value.get("de", ""), "en": value["en"]}
    is_short = len(both["de"]) + len(both["en"]) <= LONGEST_PAIR and FOLDED.fullmatch(both["de"] + both["en"])
    return Inline(both) if is_short else both


def written(sections: Mapping[str, Any], heading: str) -> str:
    """The text of a file: a comment, then every section of the top level, an empty line before each but scalars."""
    parts = [f"# {line}\n" for line in heading.splitlines()]
    for name, value in sections.items():
        gap = "\n" if isinstance(value, (dict, list)) else ""
        parts.append(gap + _dumped({name: value}))
    return "".join(parts)


def _dumped(value: object) -> str:
    return str(
        yaml.dump(value, Dumper=_Dumper, allow_unicode=True, width=WIDTH, sort_keys=False, default_flow_style=False)
    )
