"""How reminders and mail go wrong elsewhere: each of the seventeen ways has a test that is named after it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reminders.md"


def named_tests(point: int) -> set[str]:
    name = re.compile(rf"^def (test_peer_{point}_\w+)\(", re.MULTILINE)
    return {found for path in (ROOT / "tests").rglob("test_*.py") for found in name.findall(path.read_text())}


@pytest.mark.parametrize("point", range(1, 18))
def test_each_way_to_fail_has_a_test_and_a_line_in_the_documentation(point: int) -> None:
    assert named_tests(point)
    (line,) = re.findall(rf"^\| {point} \|.*$", PAGE.read_text(), re.MULTILINE)
    assert line.count("|") == 4
